"""Expected costs of a genotype whose decisions are drawn independently: exact, with the gradient, without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nascompile.ir.program import Program
from nascompile.profile.bounds import functions_of
from nascompile.profile.diagrams import NotTabulated
from nascompile.profile.terms import terms_of

Probabilities = Mapping[str, Sequence[float]]
"""By decision path: one number for each candidate that a genotype may take, in text order (`never` left out). Where
several edges may be kept, one number an edge: the probability that it is kept."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An expected cost and its partial derivatives, as lists in the order of the probabilities."""

    value: float
    gradient: Mapping[str, list[float]]


class Expectation:
    """`E[cost]` of a space for one measure (`params`, `macs`, `flops`, `activations`), prepared once.

    Every decision is drawn for itself: operators, numbers and single edges from a distribution over their candidates
    (softmax), other edges one by one (Bernoulli); conditions of the space play no part. What a draw costs is what
    `cost_of` says of its network, dead layers left out, so the expectation is the sum over all draws, computed on
    decision diagrams (`profile.diagrams`) in time proportional to their size. Raises NotTabulated where costs depend
    on real numbers.
    """

    def __init__(self, program: Program, measure: str = "macs"):
        found = terms_of(program, is_legal=False)
        self._d = found.diagrams
        self._roots = [f for term in found.terms for f in functions_of(self._d, term, measure, with_bounds=False)]
        self._nodes = self._d.below(self._roots)
        if any(self._d.children[n] and self._d.variables[self._d.variable[n]].fact is not None for n in self._nodes):
            raise NotTabulated

    def inputs(self) -> dict[str, int]:
        """How many probabilities each decision on which the cost depends takes, by path."""
        used = {self._d.variables[self._d.variable[n]] for n in self._nodes if self._d.children[n]}
        paths = {v.path for v in used}
        count: dict[str, int] = {}
        for variable in self._d.variables:
            if variable.path in paths:
                more = 1 if variable.label is not None else len(variable.values)
                count[variable.path] = count.get(variable.path, 0) + more
        return count

    def __call__(self, probabilities: Probabilities) -> Expected:
        """The expectation and its gradient. Raises KeyError for a decision that has no probabilities.

        The value is a polynomial of the numbers given, which are not normalised; its gradient is exact.
        """
        d = self._d
        value: dict[int, float] = {}
        for node in self._nodes:
            children = d.children[node]
            if children:
                shares = self._shares(d.variable[node], probabilities)
                value[node] = sum(p * value[c] for p, c in zip(shares, children, strict=True))
            else:
                value[node] = float(d.leaf[node])
        gradient = {path: [0.0] * count for path, count in self.inputs().items()}
        weight = dict.fromkeys(self._nodes, 0.0)
        for root in self._roots:
            weight[root] += 1.0
        for node in reversed(self._nodes):
            children = d.children[node]
            if not children:
                continue
            variable = d.variables[d.variable[node]]
            row = gradient[variable.path]
            for number, (p, child) in enumerate(
                zip(self._shares(d.variable[node], probabilities), children, strict=True)
            ):
                weight[child] += weight[node] * p
                if variable.label is None:
                    row[number] += weight[node] * value[child]
                else:
                    row[self._edge(variable)] += weight[node] * value[child] * (1 if number else -1)
        return Expected(sum(value[root] for root in self._roots), gradient)

    def _shares(self, position: int, probabilities: Probabilities) -> Sequence[float]:
        variable = self._d.variables[position]
        given = probabilities[variable.path]
        if variable.label is None:
            return given
        kept = given[self._edge(variable)]
        return (1 - kept, kept)

    def _edge(self, variable: Any) -> int:
        place: int = variable.decision.candidates.index(variable.label)
        return place
