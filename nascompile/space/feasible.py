"""Whether a space has a genotype at all, and whether its table can be built: found out without building it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError
from nascompile.ir.program import Constraint, Decision, GateNode
from nascompile.semantics.presence import absent_outputs
from nascompile.source import Span
from nascompile.space.legal import violated, walk
from nascompile.space.options import SUBSET_EDGES, Nest, values
from nascompile.space.plan import plan
from nascompile.space.space import SearchSpace
from nascompile.space.table import Block, State, stage_of

DRAWS = 24
"""Genotypes that are tried before the conditions are looked at one after another."""

BEAM = 8
"""Partial choices that are followed at once, before all are."""

OUTPUT_SAMPLES = 16


def check_space(space: SearchSpace) -> None:
    """Refuse a space without genotypes, and one whose decisions are too many to be tabulated.

    Raises NasError: `empty-space` at the `where` that leaves nothing over, `too-many-edges`; and what is wrong with a
    condition (`nested-decision`). A space so coupled that its table does not fit is not found out here.
    """
    problems: list[Diagnostic] = []
    for decision in space.decisions.values():
        if _is_long(decision):
            try:
                values(decision)
            except NasError as failure:
                problems += failure.diagnostics
    if problems:
        raise NasError(problems)
    if space.constraints and not _is_possible(space.roots, space.constraints):
        raise NasError([_culprit(space)])


def check_outputs(space: SearchSpace, span: Span) -> None:
    """Refuse a space some of whose genotypes lose an output: a few of them are looked at, the same each time.

    Only spaces with edge decisions outside of cells can. Raises NasError (`absent-output`) with such a genotype.
    """
    if not any(isinstance(node, GateNode) for node in space.program.graph.nodes):
        return
    drawn = (space.sample(random.Random(number)).values for number in range(OUTPUT_SAMPLES))
    problems = absent_outputs(space.program, drawn, span)
    if problems:
        raise NasError(problems)


def _is_long(decision: Decision) -> bool:
    is_listed = decision.kind == "edges" and decision.count is None and decision.decode != "all"
    return is_listed and len(decision.candidates) - len(decision.never) > SUBSET_EDGES


def _culprit(space: SearchSpace) -> Diagnostic:
    """The first `where` that, with those above it, leaves no genotype."""
    wheres = list(dict.fromkeys(c.origin.span for c in space.constraints))
    last = len(wheres)
    for count in range(1, len(wheres)):
        above = [c for c in space.constraints if c.origin.span in wheres[:count]]
        if not _is_possible(space.roots, above):
            last = count
            break
    guilty = next(c for c in space.constraints if c.origin.span == wheres[last - 1])
    others = tuple(Label(span, "together with this") for span in wheres[: last - 1])
    message = f"no genotype of `{space.name}` fulfils `where {guilty.text or guilty.condition}`"
    hint = "widen the candidates, or loosen a condition"
    return Diagnostic("empty-space", message, Label(guilty.origin.span), others, hint)


def _is_possible(roots: Sequence[Nest], constraints: Sequence[Constraint]) -> bool:
    for take in islice(_takers(), DRAWS):
        found = walk(roots, take)
        if not any(True for _ in violated(constraints, found, None)):
            return True
    return _has_way(roots, constraints) or Block(roots, constraints).is_possible


def _takers() -> Iterator[Callable[[Decision], Any]]:
    """Ways to choose: as many edges as possible with the first and the last candidates, then at random."""
    yield lambda decision: _edges(decision, -1) if decision.kind == "edges" else _one(decision, 0)
    yield lambda decision: _edges(decision, -1) if decision.kind == "edges" else _one(decision, -1)
    rng = random.Random(0)
    while True:
        yield (
            lambda decision: (
                _edges(decision, rng.random()) if decision.kind == "edges" else _one(decision, rng.random())
            )
        )


def _one(decision: Decision, where: float) -> Any:
    """The first (0) or last (-1) candidate, or that at a share of the list."""
    if decision.interval is not None:
        low, high = decision.interval
        return low + (high - low) * (1.0 if where == -1 else where)
    labels = [c for c in decision.candidates if c not in decision.never]
    return labels[int(where * len(labels))] if where >= 0 else labels[-1]


def _edges(decision: Decision, where: float) -> tuple[Any, ...]:
    labels = [c for c in decision.candidates if c not in decision.never]
    if decision.count is None:
        if where < 0:
            return tuple(labels)
        start = int(where * len(labels))
        return tuple(labels[start:])
    start = int(max(where, 0.0) * (len(labels) - decision.count + 1))
    return tuple(labels[start : start + decision.count])


def _has_way(roots: Sequence[Nest], constraints: Sequence[Constraint]) -> bool:
    """Whether a few partial choices, followed through all decisions, fulfil every condition. If not, others may."""
    states: list[State] = [()]
    for step in plan(roots, constraints):
        _, reached = stage_of(step, set(states))
        if not reached:
            return False
        states = sorted(reached, key=repr)[:: max(1, len(reached) // BEAM)][:BEAM]
    return True
