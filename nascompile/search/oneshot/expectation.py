"""Expected costs of the network that a supernet's probabilities describe, differentiable in these probabilities.

A layer costs what its declaration or a `measure` of the text says, times the probability that a genotype has it: the
product over the choices between the layer and the nearest edge that a genotype keeps or drops (DiNTS, He et al.,
CVPR 2021, section 3.4, is the case of a grid of such edges).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nascompile.diagnostics import did_you_mean, error
from nascompile.ir.program import Decision, GateNode, Graph, LayerNode, MixNode, PhiNode, Program
from nascompile.passes.flatten import flatten
from nascompile.search.oneshot.relaxed import Architecture
from nascompile.semantics.arithmetic import product
from nascompile.source import Span

Choice = tuple[str, str]
"""(path of a decision, label)."""

Ways = frozenset[frozenset[Choice]]
"""Sets of choices, each of which alone makes a layer part of the network."""

ALWAYS: Ways = frozenset((frozenset(),))
BUILT_IN = ("macs", "params", "activations")
_LIMIT = 64
"""A value that more sets of choices need is taken to be there always."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """`sum_i cost_i * P(layer_i)` over the layers of a space, for one measure.

    `certain` has the edges decisions whose edges count as kept.
    """

    costs: Tensor
    chosen: Tensor
    coupled: tuple[tuple[float, Ways], ...]

    def __call__(self, architecture: Architecture) -> Tensor:
        """The expectation under the present probabilities; a scalar."""
        weights = architecture()
        padded = torch.cat([weights, weights.new_ones(1)])
        total = (self.costs.to(weights) * padded[self.chosen.to(weights.device)].prod(1)).sum()
        known: dict[Ways, Tensor] = {}
        for cost, ways in self.coupled:
            total = total + cost * _probability(ways, weights, architecture, known)
        return total


def expectation(
    program: Program,
    architecture: Architecture,
    measure: str,
    certain: Collection[str] = (),
    span: Span | None = None,
    costs_of: Mapping[str, float] | None = None,
) -> Expectation:
    """Prepare the expectation of `measure`: `macs`, `params`, `activations`, or a name that the text measures.

    With `costs_of`, what a layer costs stands there under its path (`profile.latency_expected`).

    `certain` are paths of edges decisions, or names of families of them (`kept`), whose edges all count as kept.
    Raises NasError (`unknown-measure`).
    """
    graph = flatten(program.graph)
    needs = _ways(graph, program.decisions, certain)
    costs: list[float] = []
    chosen: list[list[int]] = []
    coupled: list[tuple[float, Ways]] = []
    known: set[str] = set()
    for node in graph.nodes:
        if not isinstance(node, LayerNode):
            continue
        known.update(node.measures)
        ways = frozenset().union(*(needs.get(o, frozenset()) for o in node.outputs))
        cost = _cost(node, measure, graph) if costs_of is None else costs_of.get(node.path, 0.0)
        if not cost or not ways:
            continue
        if len(ways) == 1:
            costs.append(cost)
            chosen.append([architecture.slots[choice] for choice in next(iter(ways))])
        else:
            coupled.append((cost, ways))
    if costs_of is None and measure not in BUILT_IN and measure not in known:
        hint = did_you_mean(measure, [*BUILT_IN, *sorted(known)]) or "an operator says `measure NAME = ...`"
        raise error("unknown-measure", f"nothing measures `{measure}`", span, hint=hint)
    width = max((len(c) for c in chosen), default=0)
    one = len(architecture.slots)
    index = torch.tensor([c + [one] * (width - len(c)) for c in chosen], dtype=torch.long).view(len(chosen), width)
    return Expectation(torch.tensor(costs, dtype=torch.float64), index, tuple(coupled))


def _cost(node: LayerNode, measure: str, graph: Graph) -> float:
    if measure == "macs":
        return float(node.macs)
    if measure == "params":
        return float(sum(product(w.shape) for w in node.weights if not w.is_buffer))
    if measure == "activations":
        return float(sum(product(graph.types[o].axes) for o in node.outputs))
    return float(node.measures.get(measure, 0.0))


def _ways(graph: Graph, decisions: Mapping[str, Decision], certain: Collection[str]) -> dict[int, Ways]:
    """For every value that some genotype computes, the sets of choices that do."""
    needs: dict[int, Ways] = {value: ALWAYS for _, value in graph.outputs}

    def need(value: int, ways: Ways) -> None:
        needs[value] = _simplified(needs.get(value, frozenset()) | ways, decisions)

    for node in reversed(graph.nodes):
        ways = frozenset().union(*(needs.get(o, frozenset()) for o in node.outputs))
        if not ways:
            continue
        if isinstance(node, MixNode):
            for label, value in zip(node.labels, node.inputs, strict=True):
                extra = frozenset(((node.decision, label),)) if label else frozenset()
                need(value, frozenset(way | extra for way in ways))
        elif isinstance(node, GateNode):
            is_certain = _is_certain(decisions[node.decision], certain)
            need(node.inputs[0], ALWAYS if is_certain else frozenset((frozenset(((node.decision, node.label),)),)))
        elif isinstance(node, LayerNode | PhiNode):
            for value in node.inputs:
                need(value, ways)
    return needs


def _is_certain(decision: Decision, certain: Collection[str]) -> bool:
    family = decision.path.partition("[")[0]
    return decision.relax == "none" or decision.decode == "all" or decision.path in certain or family in certain


def _simplified(ways: Ways, decisions: Mapping[str, Decision]) -> Ways:
    """Without sets that another one includes, and without decisions all of whose candidates lead to the same."""
    while True:
        ways = frozenset(w for w in ways if not any(other < w for other in ways))
        merged = _merged(ways, decisions)
        if merged is None:
            return ways if len(ways) <= _LIMIT else ALWAYS
        ways = merged


def _merged(ways: Ways, decisions: Mapping[str, Decision]) -> Ways | None:
    for way in ways:
        for path, label in way:
            decision = decisions[path]
            if decision.kind != "op":
                continue
            rest = way - {(path, label)}
            same = {rest | {(path, other)} for other in decision.candidates}
            if same <= ways:
                return (ways - same) | {rest}
    return None


def _probability(ways: Ways, weights: Tensor, architecture: Architecture, known: dict[Ways, Tensor]) -> Tensor:
    """P(at least one of the sets is chosen), by cases over one decision after the other; decisions are independent."""
    if frozenset() in ways:
        return weights.new_ones(())
    if not ways:
        return weights.new_zeros(())
    if ways not in known:
        path, label = min(min(way) for way in ways)
        if architecture.decisions[path].kind == "op":
            labels = {other for way in ways for p, other in way if p == path}
            cases = [(weights[architecture.slots[path, other]], _given(ways, path, other)) for other in sorted(labels)]
            left = 1 - torch.stack([p for p, _ in cases]).sum()
            cases.append((left, frozenset(w for w in ways if not any(p == path for p, _ in w))))
        else:
            kept = weights[architecture.slots[path, label]]
            without = frozenset(w for w in ways if (path, label) not in w)
            cases = [(kept, frozenset(w - {(path, label)} for w in ways)), (1 - kept, without)]
        parts = [p * _probability(rest, weights, architecture, known) for p, rest in cases]
        known[ways] = torch.stack(parts).sum()
    return known[ways]


def _given(ways: Ways, path: str, label: str) -> Ways:
    """What is left to choose once a decision has taken `label`."""
    possible = (w for w in ways if all(p != path or other == label for p, other in w))
    return frozenset(w - {(path, label)} for w in possible)
