"""Static costs from the layers' declarations, without torch: parameters, multiply-accumulates, activations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

from nascompile.ir import symbols
from nascompile.ir.program import Dim, Graph, LayerNode, Program, Weight
from nascompile.ir.symbols import Sym
from nascompile.passes.drop_identity import drop_identity
from nascompile.passes.flatten import flatten
from nascompile.passes.prune_dead import prune_dead
from nascompile.passes.share_equal import share_equal
from nascompile.semantics.arithmetic import product


@dataclass(frozen=True, slots=True)
class Cost:
    """Costs of one network (or one supernet with every candidate) for one input sample.

    `registered` counts every parameter that the text registers, `live` those of the compiled net, on which an output
    depends; both exclude architecture parameters and buffers. `macs` are multiply-accumulates of the compiled net;
    `activations` the elements of all live layer outputs, without layers that pass their input on and zeros that are
    added, each layer of the text counted (the compiled net may compute equal ones once). Where `is_exact` is False,
    numbers are still to be picked: the figures are those of the supernet, in which each of them is the largest (of a
    real, the end that gives more).
    """

    registered: int
    live: int
    macs: int
    activations: int
    is_exact: bool = True

    @property
    def flops(self) -> int:
        """Two floating-point operations a multiply-accumulate."""
        return 2 * self.macs


def cost_of(program: Program) -> Cost:
    """Price a genotype's network exactly, or an open space with all of its candidates (its supernet)."""
    flat = flatten(program.graph)
    live = prune_dead(drop_identity(prune_dead(flat)))
    compiled = prune_dead(share_equal(live))  # these are the passes of `passes.pipelines.FIXED`
    sizes = _Sizes(program)
    macs = sum(sizes.largest(node.macs) for node in compiled.nodes if isinstance(node, LayerNode))
    layers = [node for node in live.nodes if isinstance(node, LayerNode)]
    activations = sum(sizes.elements(live.types[o].axes) for node in layers for o in node.outputs)
    registered, kept = (sum(map(sizes.elements, _shapes(graph))) for graph in (flat, compiled))
    return Cost(registered, kept, macs, activations, sizes.is_exact)


def parameters(graph: Graph) -> int:
    """Elements of all distinct weights of a flat graph whose sizes are known; buffers do not count."""
    return sum(int(product(shape)) for shape in _shapes(graph))


def _shapes(graph: Graph) -> list[tuple[Dim, ...]]:
    return [weight.shape for weight in weights(graph).values() if not weight.is_buffer]


class _Sizes:
    """Numbers as they are, and symbolic ones for the largest picks."""

    def __init__(self, program: Program):
        self.is_exact = True
        self._known: dict[Sym, int] = {}
        largest: dict[str, Any] = {}
        ends: tuple[dict[str, float], dict[str, float]] = ({}, {})
        for path, decision in program.decisions.items():
            if decision.interval is not None:
                for end, value in zip(ends, decision.interval, strict=True):
                    end[path] = value
            else:
                largest[path] = max(decision.candidates) if decision.kind == "number" else decision.candidates
        self._picks = [{**largest, **end} for end in ends]

    def largest(self, value: Any) -> int:
        if not isinstance(value, Sym):
            return int(value)
        self.is_exact = False
        if value not in self._known:
            self._known[value] = max(int(symbols.evaluate(value, picks)) for picks in self._picks)
        return self._known[value]

    def elements(self, axes: Iterable[Dim]) -> int:
        return prod(map(self.largest, axes))


def weights(graph: Graph) -> dict[str, Weight]:
    """Weights by absolute path (`skip[0].conv.w`); applications of a `module` share theirs."""
    return {
        f"{node.path}.{weight.name}": weight
        for node in graph.nodes
        if isinstance(node, LayerNode)
        for weight in node.weights
    }
