"""Compute the candidates `convolution [-> convolution] -> norm` of a volume as one convolution, at small widths.

Two convolutions with nothing between them are one whose kernel is their product; a pseudo-3-D block (3 x 3 x 1, then
1 x 1 x 3) is a 3 x 3 x 3 convolution. That is more arithmetic, but a convolution with few channels waits for memory and
not for arithmetic, and what lies between the two need not be kept for the gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from nascompile.ir.program import Graph, JoinedNode, LayerNode, Node, SumNode, TensorType
from nascompile.passes.uses import count_uses

JOIN_UP_TO = 32
"""Channels up to which chains are joined.

On one CPU thread and volumes of 4 to 16 cubed, four candidates with their gradients take 0.6 to 0.97 of the time at 8
to 32 channels, as much or more at 64, and three times as much at 128.
"""

POSITIONS_A_CHANNEL = 16
"""Positions that a volume has at least for each channel where chains are joined: below, multiplying kernels out costs
what the joint convolution saves (32 channels and 4 cubed: 0.97; 32 and 8 cubed: 0.86)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    term: int
    layers: tuple[LayerNode, ...]
    source: int
    kernel: tuple[int, ...]


def join_convolutions(graph: Graph) -> Graph:
    """The same supernet with such candidates of equal size joined. Needs a flat graph with `SumNode`s."""
    producer: dict[int, Node] = {o: node for node in graph.nodes for o in node.outputs}
    uses = count_uses(graph)
    types: list[TensorType] = list(graph.types)
    gone: set[int] = set()
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node, SumNode):
            groups: dict[Any, list[_Chain]] = {}
            for n, term in enumerate(node.terms):
                chain = None if term.norm is None else _chain(graph, n, node.inputs[n], producer, uses)
                if chain is not None and term.norm is not None:
                    last = chain.layers[-1].attrs["c"]
                    norm = (term.norm.layer, tuple(sorted(term.norm.attrs.items())), len(term.norm.weights))
                    groups.setdefault((chain.source, chain.kernel, last, norm), []).append(chain)
            found = [c for c in groups.values() if len(c) > 1 and any(len(chain.layers) > 1 for chain in c)]
            joined = [_joined(graph, chains, types) for chains in found]
            nodes.extend(joined)
            node = _read(node, found, [each.outputs[0] for each in joined])
            gone.update(layer.outputs[0] for chains in found for chain in chains for layer in chain.layers)
        nodes.append(node)
    if not gone:
        return graph
    kept = tuple(node for node in nodes if node.outputs[0] not in gone)
    return Graph(graph.name, graph.inputs, kept, graph.outputs, tuple(types))


def _chain(graph: Graph, term: int, value: int, producer: dict[int, Node], uses: Any) -> _Chain | None:
    """The convolutions that end in a value, as far as they can be composed into one of stride 1."""
    layers: list[LayerNode] = []
    kernel: tuple[int, ...] = (1, 1, 1)
    while len(layers) < 2:
        node = producer.get(value)
        if not isinstance(node, LayerNode) or uses[value] != 1 or not _is_plain(graph, node):
            break
        k = _axes(node.attrs["k"])
        if any(a > 1 and b > 1 for a, b in zip(k, kernel, strict=True)):
            break  # zeros at the edge of what lies between would be no zeros of the product
        kernel = tuple(a * b for a, b in zip(k, kernel, strict=True))
        layers.insert(0, node)
        value = node.inputs[0]
    return _Chain(term, tuple(layers), value, kernel) if layers else None


def _is_plain(graph: Graph, node: LayerNode) -> bool:
    type_, a = graph.types[node.inputs[0]], node.attrs
    if node.layer != "conv" or len(type_.spatial) != 3 or len(node.weights) != 1:
        return False
    shape: Any = (type_.channels, *type_.spatial)
    channels, positions = max(int(a["c"]), shape[0]), prod(shape[1:])
    is_small = channels <= JOIN_UP_TO and positions >= POSITIONS_A_CHANNEL * channels
    same = tuple((k - 1) // 2 for k in _axes(a["k"]))
    one = (1, 1, 1)
    return (
        is_small and all(k % 2 for k in _axes(a["k"])) and _axes(a["padding"]) == same and a["groups"] == 1
        and _axes(a["stride"]) == one and _axes(a["dilation"]) == one
    )  # fmt: skip


def _axes(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,) * 3


def _joined(graph: Graph, chains: Sequence[_Chain], types: list[TensorType]) -> JoinedNode:
    last = chains[0].layers[-1]
    like = graph.types[last.outputs[0]]
    channels = len(chains) * int(last.attrs["c"])
    types.append(TensorType((channels, *like.spatial)))
    padding = tuple((k - 1) // 2 for k in chains[0].kernel)
    attrs = {**last.attrs, "c": channels, "k": chains[0].kernel, "padding": padding}
    layers = tuple(chain.layers for chain in chains)
    return JoinedNode(layers, attrs, (chains[0].source,), (len(types) - 1,), last.path, last.origin)


def _read(node: SumNode, groups: Sequence[Sequence[_Chain]], values: Sequence[int]) -> SumNode:
    """The sum that reads its norms' inputs from the joint values; the members of each stand in a row."""
    members = {chain.term for chains in groups for chain in chains}
    rest = [n for n in range(len(node.terms)) if n not in members]
    inputs = [node.inputs[n] for n in rest]
    terms = [node.terms[n] for n in rest]
    for chains, value in zip(groups, values, strict=True):
        for k, chain in enumerate(chains):
            terms.append(replace(node.terms[chain.term], branch=(k, len(chains))))
            inputs.append(value)
    return replace(node, terms=tuple(terms), inputs=tuple(inputs))
