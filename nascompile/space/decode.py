"""Discretisation: from relaxed weights to the genotype that each decision's rule asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError, error
from nascompile.ir.program import Decision
from nascompile.space.genotype import Genotype
from nascompile.space.options import Best
from nascompile.space.space import SearchSpace
from nascompile.space.within_limits import best_within
from nascompile.space.writing import operator_path

_TINY = 1e-300
_RARE = 1e-5
"""Added to the probability of a subset, as DiNTS' code does: no block makes a path hopeless, however unlikely."""

Probabilities = Mapping[str, Sequence[float]]
"""Relaxed weights by `Decision.parameters`, in the order of the candidates: softmax or Bernoulli probabilities."""


@dataclass(frozen=True, slots=True)
class _Scores:
    """Score of a value: `base` plus the part of each label that it takes; with `rare`, log(exp(that) + `rare`)."""

    base: float
    parts: Mapping[Any, float] = field(default_factory=dict)
    rare: float = 0.0

    def of_edges(self, kept: Iterable[Any]) -> float:
        """The score of keeping these edges."""
        total = self.base + math.fsum([self.parts[label] for label in kept])
        return math.log(math.exp(total) + self.rare) if self.rare else total


def decode(space: SearchSpace, probabilities: Probabilities) -> Genotype:
    """The best legal genotype under the rule of every decision, by the space's table; ties: first in text order.

    - `likeliest`: every decision is drawn, whether or not it exists under the genotype, and the legal genotype of the
      most probable draw wins. So an operator never weighs against keeping its edge, nor a width against depth. Of
      `pick some`, a subset's probability counts with 1e-5 added (DiNTS: the shortest path of -log(P + 1e-5)).
    - `top`: edges rank by the largest weight among their operators; `gain`: by that weight times the number of
      candidates, so that lists of different lengths compete fairly (NAS-Unet, IEEE Access 2019; MixSearch, arXiv
      2102.13280); `all`: every edge is kept.
    - Edges without weights of their own (`relax none`) are as strong as their best operator.
    - `never` candidates are left out. Where conditions couple decisions of different rules, the scores add up.
    - Where the best genotype breaks a limit on costs (`where params < 2M`), see `within_limits.best_within`.

    Raises NasError `missing-weights`, `weight-count`, `cannot-decode` (a real number), `empty-space` and
    `sampling-failed`.
    """
    _check(space, probabilities)
    tables = {path: _scores(d, space.decisions, probabilities) for path, d in space.decisions.items()}

    def score(decision: Decision, value: Any) -> float:
        table = tables[decision.path]
        if decision.kind == "edges":
            return table.of_edges(value)
        return table.parts[value]

    filled = space.block.fill(Best(), score)
    if not space.block.is_possible:
        raise error("empty-space", f"no genotype of `{space.name}` fulfils its conditions")
    found: dict[str, Any] = {}
    filled.best(found)
    return best_within(space, space.genotype(found), score)


def _check(space: SearchSpace, probabilities: Probabilities) -> None:
    problems = []
    for decision in space.decisions.values():
        label = Label(decision.origin.span)
        if decision.interval is not None:
            message = f"`{decision.path}` is a real number, which has no weights to decode"
            hint = "search it with a strategy that draws genotypes"
            problems.append(Diagnostic("cannot-decode", message, label, hint=hint))
        elif _has_weights(decision):
            given = probabilities.get(decision.parameters)
            if given is None:
                problems.append(Diagnostic("missing-weights", f"`{decision.parameters}` has no weights", label))
            elif len(given) != len(decision.candidates):
                message = f"`{decision.parameters}` has {len(given)} weights for {len(decision.candidates)} candidates"
                problems.append(Diagnostic("weight-count", message, label))
    if problems:
        raise NasError(problems)


def _has_weights(decision: Decision) -> bool:
    if decision.kind == "edges":
        return decision.relax != "none" and decision.decode != "all"
    return len(decision.candidates) > 1


def _scores(decision: Decision, decisions: Mapping[str, Decision], probabilities: Probabilities) -> _Scores:
    if decision.kind == "edges":
        return _edge_scores(decision, decisions, probabilities)
    if not _has_weights(decision):
        return _Scores(0.0, dict.fromkeys(decision.candidates, 0.0))
    given = dict(zip(decision.candidates, map(float, probabilities[decision.parameters]), strict=True))
    largest = _log(max(p for label, p in given.items() if label not in decision.never))
    return _Scores(0.0, {label: _log(p) - largest for label, p in given.items()})


def _edge_scores(decision: Decision, decisions: Mapping[str, Decision], probabilities: Probabilities) -> _Scores:
    labels = decision.candidates
    if decision.decode == "all":
        return _Scores(0.0, dict.fromkeys(labels, 0.0))
    scale = _log if decision.decode == "likeliest" else float
    if decision.relax == "none":
        return _Scores(0.0, {x: _strength(decision, x, decisions, probabilities, scale) for x in labels})
    given = [float(p) for p in probabilities[decision.parameters]]
    if decision.decode == "gain":
        given = [p * len(labels) for p in given]
    if decision.relax == "bernoulli" and decision.decode == "likeliest":
        drop = [math.log1p(-p) if p < 1 else _log(0.0) for p in given]
        parts = {x: _log(p) - d for x, p, d in zip(labels, given, drop, strict=True)}
        nothing = math.fsum(drop)
        return _Scores(nothing - _log(-math.expm1(nothing)), parts, _RARE)  # given that an edge is kept
    return _Scores(0.0, {x: scale(p) for x, p in zip(labels, given, strict=True)})


def _strength(
    edges: Decision,
    label: str,
    decisions: Mapping[str, Decision],
    probabilities: Probabilities,
    scale: Callable[[float], float],
) -> float:
    """How strong an edge without a weight of its own is: its best operator that a genotype may keep."""
    path = operator_path(edges.path, label, decisions)
    if path is None or not _has_weights(decisions[path]):
        return scale(1.0)
    operator = decisions[path]
    given = zip(operator.candidates, probabilities[operator.parameters], strict=True)
    weight = max(float(p) for candidate, p in given if candidate not in operator.never)
    return scale(weight * len(operator.candidates) if edges.decode == "gain" else weight)


def _log(probability: float) -> float:
    return math.log(max(probability, _TINY))
