"""A sampled part of a supernet: only what one genotype keeps is computed, with the supernet's own weights.

Weight steps of single-path and sampled-path searches run such parts (Cai et al., ProxylessNAS, ICLR 2019, section 3.2;
DiNTS' authors' first search code, `get_code_a` and `get_code_c`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from nascompile.backends.steps import Step, Tensors, Values, candidate_dropout, compile_node, finished_after
from nascompile.ir.program import GateNode, Graph, LayerNode, MixNode, Node

if TYPE_CHECKING:
    from nascompile.backends.supernet import Supernet

PathWeights = Literal["relaxed", "one"]
"""`relaxed`: what is kept has the weight that it has among all candidates. `one`: weight 1 (binary gates)."""


class PathSteps:
    """The steps of sampled parts of one supernet; layers are compiled once and shared by all parts."""

    def __init__(self, net: Supernet, graph: Graph):
        self.net = net
        self.graph = graph
        self._compiled: dict[int, Step] = {}
        self._last: tuple[Any, list[tuple[Step, list[int]]]] = (None, [])

    def of(self, values: Mapping[str, Any], weights: PathWeights) -> list[tuple[Step, list[int]]]:
        """For every node that the outputs of a genotype's part need: its step, and the values that nothing reads
        after it."""
        wanted = (dict(values), weights)
        if self._last[0] != wanted:
            nodes, steps = self._keep(self.net.architecture.kept_by(values), weights)
            finished = finished_after(nodes, [v for _, v in self.graph.outputs])
            self._last = (wanted, list(zip(steps, finished, strict=True)))
        return self._last[1]

    def _keep(self, kept: Sequence[bool], weights: PathWeights) -> tuple[list[Node], list[Step]]:
        slots, graph = self.net.architecture.slots, self.graph
        absent: set[int] = set()
        found: list[tuple[Node, Callable[[], Step]]] = []
        for index, node in enumerate(graph.nodes):
            if isinstance(node, GateNode):
                slot = slots[node.decision, node.label]
                if node.inputs[0] in absent or not kept[slot]:
                    absent.update(node.outputs)
                    continue
                found.append((node, lambda n=node: self._compile_gate(n, weights)))  # type: ignore[misc]
            elif isinstance(node, MixNode):
                found_here = self._pick(node, kept, absent, weights)
                if found_here is None:
                    absent.update(node.outputs)
                else:
                    found.append(found_here)
            else:
                assert isinstance(node, LayerNode)
                self._layer(index, node, absent, found)
        needed = {v for _, v in graph.outputs}
        nodes, steps = [], []
        for node, make in reversed(found):
            if needed.intersection(node.outputs):
                needed.update(node.inputs)
                if isinstance(node, LayerNode) and node.sizes_like is not None:
                    needed.add(node.sizes_like)
                nodes.append(node)
                steps.append(make())
        return nodes[::-1], steps[::-1]

    def _pick(
        self, node: MixNode, kept: Sequence[bool], absent: set[int], weights: PathWeights
    ) -> tuple[Node, Callable[[], Step]] | None:
        """The kept candidate of a mixture; zeros for one that the passes removed since it gives zeros."""
        slots = self.net.architecture.slots
        candidates = self.net.architecture.decisions[node.decision].candidates
        chosen = next((label for label in candidates if kept[slots[node.decision, label]]), None)
        present = [value for value in node.inputs if value not in absent]
        if chosen is None or not present:
            return None
        if chosen not in node.labels:
            like = replace(node, inputs=(min(present),), labels=node.labels[:1])
            shape = [_number(n) for n in self.graph.types[node.outputs[0]].axes]
            return like, lambda: _zeros(like, shape)
        one = replace(node, inputs=(node.inputs[node.labels.index(chosen)],), labels=(chosen,))
        return one, lambda: self._one(one, slots[node.decision, chosen], weights)

    def _layer(
        self, index: int, node: LayerNode, absent: set[int], found: list[tuple[Node, Callable[[], Step]]]
    ) -> None:
        """A layer with what exists of its inputs: a sum takes the rest, a concatenation has zeros in its place."""
        present = tuple(i for i in node.inputs if i not in absent)
        if len(present) < len(node.inputs):
            if node.layer not in ("add", "concat") or not present:
                absent.update(node.outputs)
                return
            part = replace(node, inputs=present)
            if node.layer == "concat":
                channels = [None if i in present else _number(self.graph.types[i].channels) for i in node.inputs]
                found.append((part, lambda: _padded(part, channels)))
            else:
                found.append((part, lambda: compile_node(self.net, part, self.graph)))
            return
        if node.sizes_like is not None and node.sizes_like in absent:
            size = tuple(_number(n) for n in self.graph.types[node.outputs[0]].spatial)
            resized = replace(node, sizes_like=None, attrs={**node.attrs, "to": size})
            found.append((resized, lambda: compile_node(self.net, resized, self.graph)))
            return
        found.append((node, lambda: self._shared(index, node)))

    def _shared(self, index: int, node: Node) -> Step:
        if index not in self._compiled:
            self._compiled[index] = compile_node(self.net, node, self.graph)
        return self._compiled[index]

    def _compile_gate(self, node: GateNode, weights: PathWeights) -> Step:
        if weights == "one" or self.net.architecture.decisions[node.decision].relax == "none":
            return _copy(node)
        return compile_node(self.net, node, self.graph)

    def _one(self, node: MixNode, slot: int, weights: PathWeights) -> Step:
        source, target = node.inputs[0], node.outputs[0]
        drop = candidate_dropout(self.net) if slot in self.net.dropped else None

        def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
            x = v[source] if drop is None else drop(v[source])
            v[target] = x if weights == "one" else x * s[slot]

        return step


def _number(axis: Any) -> int:
    return int(axis)


def _copy(node: Node) -> Step:
    source, target = node.inputs[0], node.outputs[0]

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        v[target] = v[source]

    return step


def _zeros(node: Node, shape: Sequence[int]) -> Step:
    source, target = node.inputs[0], node.outputs[0]

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        v[target] = v[source].new_zeros(v[source].shape[0], *shape)

    return step


def _padded(node: LayerNode, channels: Sequence[int | None]) -> Step:
    """A concatenation; where a part is absent, zeros of so many channels."""
    inputs, target = node.inputs, node.outputs[0]

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        first: Tensor = v[inputs[0]]
        rest = iter(inputs)
        shape = first.shape
        v[target] = torch.cat(
            [v[next(rest)] if c is None else first.new_zeros(shape[0], c, *shape[2:]) for c in channels], 1
        )

    return step
