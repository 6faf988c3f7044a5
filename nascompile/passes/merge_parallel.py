"""Compute the parallel convolutions of one input as one, and let the norm behind them apply the mixture weights.

A mixture's candidates `conv -> group_norm -> relu` on one state, in all edges that leave it, become one convolution
with as many times the channels. The norm has no weights of its own in a supernet, so the mixture weight takes their
place: `w * relu(norm(y)) = relu(w * norm(y))` for `w >= 0`, and the weighting costs nothing. A depthwise convolution
with a pointwise one directly behind it is the dense convolution whose kernel is their product; at small widths that
is faster than running them (see `benchmarks/`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from nascompile.ir.program import SCALED, Branch, Graph, LayerNode, MixNode, Node, ParallelNode, TensorType
from nascompile.passes.uses import count_uses

COMPOSE_UP_TO = 32
"""Channels up to which a separable convolution is composed into a dense one.

The benchmark row `supernet_step` decided, on a CPU: at 16 channels a step takes 6 to 9 % less time than with the two
parts, at 32 one to 4 % less, at 64 up to 5 % more.
"""


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    mix: int
    label: str
    key: Any
    layers: tuple[LayerNode, ...]
    consumed: tuple[int, ...]


def merge_parallel(graph: Graph) -> Graph:
    """The same supernet with parallel candidate convolutions merged. Needs a flat graph without dead nodes."""
    producer: dict[int, Node] = {o: node for node in graph.nodes for o in node.outputs}
    uses = count_uses(graph)
    groups: dict[Any, list[_Found]] = {}
    for index, node in enumerate(graph.nodes):
        if isinstance(node, MixNode):
            for label, value in zip(node.labels, node.inputs, strict=True):
                found = _candidate(graph, index, label, value, producer, uses)
                if found is not None:
                    groups.setdefault(found.key, []).append(found)
    return _rebuild(graph, groups) if groups else graph


def _candidate(
    graph: Graph, mix: int, label: str, value: int, producer: dict[int, Node], uses: dict[int, int]
) -> _Found | None:
    """Recognise `[depthwise ->] conv -> group_norm [-> relu]` behind a candidate, used by nothing else."""
    consumed: list[int] = []

    def step(layer: str) -> LayerNode | None:
        nonlocal value
        node = producer.get(value)
        if isinstance(node, LayerNode) and node.layer == layer and uses.get(value, 0) == 1:
            consumed.append(value)
            value = node.inputs[0]
            return node
        return None

    activation = step("relu")
    norm = step("group_norm")
    if norm is None or norm.weights:
        return None
    last = step("conv")
    if last is None:
        last = step("conv_transpose")
    if last is None or any(w.name == "b" for w in last.weights):
        return None
    layers: tuple[LayerNode, ...] = (last,)
    if last.layer == "conv" and _is_pointwise(last) and value in producer:
        inner = producer[value]
        if _is_depthwise(inner, graph, uses) and last.attrs["c"] <= COMPOSE_UP_TO:
            assert isinstance(inner, LayerNode)
            consumed.append(value)
            value = inner.inputs[0]
            layers = (inner, last)
    elif last.attrs["groups"] != 1:
        return None
    spatial = layers[0]
    names = ("k", "stride", "padding", "dilation") + (("output_padding",) if spatial.layer != "conv" else ())
    geometry = (spatial.layer, *(spatial.attrs[n] for n in names))
    key = (value, geometry, last.attrs["c"], norm.attrs["groups"], activation is not None)
    return _Found(mix, label, key, layers, tuple(consumed))


def _is_pointwise(node: LayerNode) -> bool:
    a = node.attrs
    ones = (1, (1,), (1, 1), (1, 1, 1))
    return a["k"] in ones and a["stride"] in ones and a["padding"] in (0, (0,), (0, 0), (0, 0, 0)) and a["groups"] == 1


def _is_depthwise(node: Node, graph: Graph, uses: dict[int, int]) -> bool:
    if not isinstance(node, LayerNode) or node.layer not in ("conv", "conv_transpose"):
        return False
    channels = graph.types[node.inputs[0]].channels
    a = node.attrs
    plain = not any(w.name == "b" for w in node.weights) and uses.get(node.outputs[0], 0) == 1
    return plain and a["groups"] == channels and a["c"] == channels


def _rebuild(graph: Graph, groups: dict[Any, list[_Found]]) -> Graph:
    types: list[TensorType] = list(graph.types)
    consumed = {value for found in groups.values() for f in found for value in f.consumed}
    scaled: dict[int, list[int]] = {}
    taken: dict[int, set[str]] = {}
    parallel: dict[int, list[ParallelNode]] = {}
    for key, found in groups.items():
        source = key[0]
        by_mix: dict[int, list[_Found]] = {}
        for member in found:
            by_mix.setdefault(member.mix, []).append(member)
            taken.setdefault(member.mix, set()).add(member.label)
        outputs = []
        ranked: list[tuple[tuple[int, int, int], Branch]] = []
        for mix, members in by_mix.items():
            node = graph.nodes[mix]
            assert isinstance(node, MixNode)
            types.append(graph.types[node.outputs[0]])
            outputs.append(len(types) - 1)
            scaled.setdefault(mix, []).append(outputs[-1])
            members.sort(key=lambda m: len(m.layers))
            for rank, member in enumerate(members):
                # Dense first, then by rank in the output: equal columns then fold into one sum.
                order = (len(member.layers), rank, len(outputs) - 1)
                ranked.append((order, Branch(member.layers, node.decision, member.label)))
        ranked.sort(key=lambda pair: pair[0])
        first = found[0].layers
        attrs = {**first[0].attrs, "c": first[-1].attrs["c"], "groups": 1}
        merged = ParallelNode(
            first[0].layer, attrs, tuple(b for _, b in ranked), tuple(o[2] for o, _ in ranked), key[3], key[4],
            (source,), tuple(outputs), first[0].path, first[0].origin,
        )  # fmt: skip
        parallel.setdefault(source, []).append(merged)
    nodes: list[Node] = [node for value in graph.inputs for node in parallel.pop(value, [])]
    for index, node in enumerate(graph.nodes):
        if consumed.intersection(node.outputs):
            continue
        if isinstance(node, MixNode) and index in taken:
            rest = [(k, i) for k, i in zip(node.labels, node.inputs, strict=True) if k not in taken[index]]
            labels = (*(k for k, _ in rest), *(SCALED for _ in scaled[index]))
            node = replace(node, labels=labels, inputs=(*(i for _, i in rest), *scaled[index]))
        nodes.append(node)
        for output in node.outputs:
            nodes.extend(parallel.pop(output, []))
    return Graph(graph.name, graph.inputs, tuple(nodes), graph.outputs, tuple(types))
