"""Whether a space has a genotype at all, and whether its table can be built: found out without building it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError
from nascompile.ir.program import Constraint, Decision, GateNode
from nascompile.semantics.presence import absent_outputs
from nascompile.source import Span
from nascompile.space.absence import Existing, is_met, value_of
from nascompile.space.legal import violated, walk
from nascompile.space.options import SUBSET_EDGES, Nest, values
from nascompile.space.plan import Step, plan
from nascompile.space.space import SearchSpace
from nascompile.space.table import Block, State, stage_of

DRAWS = 24
"""Genotypes that are tried before the conditions are looked at one after another."""

BEAM = 8
"""Partial choices that are followed at once, before all are."""

TURNS = 6
"""Orders in which the values of decisions are tried, one decision after the other."""

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
    steps = plan(roots, constraints)
    if any(_is_passable(steps, turn) for turn in range(TURNS)):
        return True
    return _has_way(steps) or Block(roots, constraints).is_possible


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


def _is_passable(steps: Sequence[Step], turn: int) -> bool:
    """Whether taking the first value that breaks nothing yet, decision by decision, ends in a genotype.

    Values are tried from the first on (`turn` 0), from the last back (1), or from another place in their list.
    """
    state: State = ()
    for step in steps:
        before = dict(zip(step.before, state, strict=True))
        if step.guard is not True and not is_met(step.guard, before, otherwise=False):
            found = {own: value_of(own, Existing()) for own in step.own}
            tried: Iterable[dict[Any, Any]] = [found]
        else:
            tried = (
                {own: value_of(own, {step.nest.decision.path: o}) for own in step.own} for o in _turned(step, turn)
            )
        for facts in tried:
            here = {**before, **facts}
            if all(is_met(check, here) for check in step.checks):
                state = tuple(value_of(fact, here) for fact in step.after)
                break
        else:
            return False
    return True


def _turned(step: Step, turn: int) -> Sequence[Any]:
    options = tuple(values(step.nest.decision))
    if turn == 1:
        return options[::-1]
    start = len(options) * turn // TURNS
    return options[start:] + options[:start]


def _has_way(steps: Sequence[Step]) -> bool:
    """Whether a few partial choices, followed through all decisions, fulfil every condition. If not, others may."""
    states: list[State] = [()]
    for step in steps:
        _, reached = stage_of(step, set(states))
        if not reached:
            return False
        states = sorted(reached, key=repr)[:: max(1, len(reached) // BEAM)][:BEAM]
    return True
