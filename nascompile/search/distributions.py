"""Decisions as Optuna's distributions: one fixed mapping, so that studies stay readable by its dashboard and samplers.

- an operator: categorical over its labels, without those that no genotype keeps;
- a number: an integer range where the candidates are evenly spaced whole numbers, else categorical over them;
- a real: a float of its interval;
- edges: one integer, the rank of the subset in text order;
- a decision that has one value only, or that does not exist under a genotype: no parameter.

The mapping is versioned: a study records `MAPPING`, and one of another version is not resumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nascompile.ir.program import Decision
from nascompile.space.options import values
from nascompile.space.space import SearchSpace

MAPPING = 1


@dataclass(slots=True)
class Distributions:
    """The mapping for one space."""

    space: SearchSpace
    _known: dict[str, tuple[BaseDistribution | None, dict[Any, int]]] = field(default_factory=dict)

    def of(self, path: str) -> BaseDistribution | None:
        """The distribution of a decision; None if it has one value only."""
        return self._entry(path)[0]

    def parameter(self, path: str, value: Any) -> Any:
        """A value of a genotype as Optuna holds it."""
        decision = self.space.decisions[path]
        return self._entry(path)[1][value] if decision.kind == "edges" else value

    def value(self, path: str, parameter: Any) -> Any:
        """The value that a parameter stands for."""
        decision = self.space.decisions[path]
        return values(decision)[parameter] if decision.kind == "edges" else parameter

    def trial(self, genotype: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
        """Parameters and distributions of a genotype's values."""
        params: dict[str, Any] = {}
        found: dict[str, BaseDistribution] = {}
        for path, value in genotype.items():
            distribution = self.of(path)
            if distribution is not None:
                params[path] = self.parameter(path, value)
                found[path] = distribution
        return params, found

    def _entry(self, path: str) -> tuple[BaseDistribution | None, dict[Any, int]]:
        if path not in self._known:
            decision = self.space.decisions[path]
            legal = values(decision)
            ranks = {v: rank for rank, v in enumerate(legal)} if decision.kind == "edges" else {}
            self._known[path] = (_distribution(decision, legal), ranks)
        return self._known[path]


def _distribution(decision: Decision, legal: Sequence[Any]) -> BaseDistribution | None:
    if decision.interval is not None:
        return FloatDistribution(*decision.interval)
    if len(legal) < 2:
        return None
    if decision.kind == "edges":
        return IntDistribution(0, len(legal) - 1)
    if decision.kind == "number" and all(isinstance(v, int) for v in legal):
        step = legal[1] - legal[0]
        if step > 0 and all(b - a == step for a, b in pairwise(legal)):
            return IntDistribution(legal[0], legal[-1], step=step)
    return CategoricalDistribution(tuple(legal))
