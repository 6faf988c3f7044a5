"""Dynamic programming over decisions in text order: one table counts, ranks, samples and decodes a space.

The state after a decision is the tuple of values of all maximal sub-expressions of later conditions that are already
determined ("the frontier"), so its size follows the coupling of the text and not the size of the space: a chain of
widths needs the last width, a grid the set of nodes that are reached.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Generic, TypeVar

from nascompile.diagnostics import error
from nascompile.ir.program import Constraint
from nascompile.space.absence import Existing, is_met, value_of
from nascompile.space.options import Nest, Score, Semiring, labels_of, values
from nascompile.space.plan import Step, plan

T = TypeVar("T")
State = tuple[Any, ...]

STATE_LIMIT = 200_000
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class Stage:
    """A step with its values in text order, grouped by what later conditions can tell of them.

    `moves[state]` maps group numbers (-1: the decision does not exist) to the next state, where a legal genotype
    still lies beyond it.
    """

    step: Step
    options: tuple[Any, ...]
    group: tuple[int, ...]
    children: Mapping[Any, Block]
    moves: dict[State, dict[int, State]]


class Block:
    """Decisions made one after another, with the conditions between them, and those nested in each.

    Raises NasError `space-too-coupled` when more than 200,000 partial choices have to be told apart.
    """

    __slots__ = ("stages",)

    def __init__(self, roots: Sequence[Nest], constraints: Sequence[Constraint] = ()):
        stages = []
        states: set[State] = {()}
        for step in plan(roots, constraints):
            stage, states = stage_of(step, states)
            stages.append(stage)
        _drop_dead_ends(stages)
        self.stages: tuple[Stage, ...] = tuple(stages)

    @property
    def is_possible(self) -> bool:
        """Whether any genotype fulfils every condition."""
        return not self.stages or () in self.stages[0].moves

    def fill(self, ring: Semiring[T], score: Score) -> Filled[T]:
        """Sum up every completion of every state."""
        inner = []
        weights = []
        completions: list[dict[State, T]] = [{(): ring.one}]
        for stage in reversed(self.stages):
            filled = {label: block.fill(ring, score) for label, block in stage.children.items()}
            totals = {label: f.total for label, f in filled.items()}
            decision = stage.step.nest.decision
            own = []
            for option in stage.options:
                weight = score(decision, option)
                if totals:
                    for label in labels_of(decision, option):
                        if label in totals:
                            weight = ring.mul(weight, totals[label])
                own.append(weight)
            grouped: dict[int, T] = {_ABSENT: ring.one}
            for number, weight in zip(stage.group, own, strict=True):
                grouped[number] = ring.add(grouped[number], weight) if number in grouped else weight
            later = completions[-1]
            here: dict[State, T] = {}
            for state, moves in stage.moves.items():
                total = ring.zero
                for number, target in moves.items():
                    total = ring.add(total, ring.mul(grouped[number], later[target]))
                here[state] = total
            completions.append(here)
            inner.append(filled)
            weights.append(own)
        return Filled(self.stages, ring, weights[::-1], inner[::-1], completions[::-1])


@dataclass(slots=True)
class Filled(Generic[T]):
    """A block with the weight of each value and the total of the completions of each state."""

    stages: tuple[Stage, ...]
    ring: Semiring[T]
    weights: list[list[T]]
    inner: list[dict[Any, Filled[T]]]
    completions: list[dict[State, T]]
    _ladders: dict[tuple[int, State], tuple[list[int], list[T]]] = field(default_factory=dict)

    @property
    def total(self) -> T:
        """The sum over all legal genotypes."""
        return self.completions[0].get((), self.ring.zero)

    def options(self, index: int, state: State) -> Iterator[tuple[int, State]]:
        """Values (as positions) that a state allows, in text order, with the state that each leads to."""
        stage = self.stages[index]
        moves = stage.moves[state]
        if _ABSENT in moves:
            yield _ABSENT, moves[_ABSENT]
            return
        for position, number in enumerate(stage.group):
            if number in moves:
                yield position, moves[number]

    def weight(self, index: int, position: int, target: State) -> T:
        """The sum over all legal genotypes that take a value at a state."""
        own = self.ring.one if position == _ABSENT else self.weights[index][position]
        return self.ring.mul(own, self.completions[index + 1][target])

    def unrank(self: Filled[int], rank: int, found: dict[str, Any]) -> None:
        """Write the genotype of a rank (0 to total - 1, text order) into `found`."""
        state: State = ()
        for index, stage in enumerate(self.stages):
            positions, ladder = self._ladder(index, state)
            rung = bisect_right(ladder, rank)
            rank -= ladder[rung - 1] if rung else 0
            position = positions[rung]
            if position == _ABSENT:
                state = stage.moves[state][_ABSENT]
                continue
            state = stage.moves[state][stage.group[position]]
            within, rank = divmod(rank, self.completions[index + 1][state])
            decision, value = stage.step.nest.decision, stage.options[position]
            found[decision.path] = value
            blocks = [self.inner[index][x] for x in labels_of(decision, value) if x in stage.children]
            ranks = []
            for block in reversed(blocks):
                within, rest = divmod(within, block.total)
                ranks.append(rest)
            for block in blocks:
                block.unrank(ranks.pop(), found)

    def rank(self: Filled[int], found: Mapping[str, Any]) -> int:
        """The place of a legal genotype in text order. Raises ValueError for an illegal one."""
        state: State = ()
        result = 0
        for index, stage in enumerate(self.stages):
            decision = stage.step.nest.decision
            positions, ladder = self._ladder(index, state)
            if decision.path in found:
                value = None if decision.interval is not None else found[decision.path]
                position = stage.options.index(value)
            else:
                position = _ABSENT
            rung = positions.index(position)
            result += ladder[rung - 1] if rung else 0
            state = stage.moves[state][_ABSENT if position == _ABSENT else stage.group[position]]
            if position != _ABSENT:
                within = 0
                for label in labels_of(decision, stage.options[position]):
                    if label in stage.children:
                        within = within * self.inner[index][label].total + self.inner[index][label].rank(found)
                result += within * self.completions[index + 1][state]
        return result

    def _ladder(self, index: int, state: State) -> tuple[list[int], list[Any]]:
        key = (index, state)
        if key not in self._ladders:
            pairs = list(self.options(index, state))
            sums = accumulate(self.weight(index, position, target) for position, target in pairs)
            self._ladders[key] = ([position for position, _ in pairs], list(sums))
        return self._ladders[key]

    def best(self: Filled[float], found: dict[str, Any]) -> None:
        """Write the genotype of the largest score, the first in text order of equal ones, into `found`."""
        state: State = ()
        for index, stage in enumerate(self.stages):
            goal = self.completions[index][state]
            position, state = next(
                (p, target) for p, target in self.options(index, state) if self.weight(index, p, target) >= goal
            )
            if position == _ABSENT:
                continue
            decision, value = stage.step.nest.decision, stage.options[position]
            found[decision.path] = value
            for label in labels_of(decision, value):
                if label in stage.children:
                    self.inner[index][label].best(found)


def stage_of(step: Step, states: set[State]) -> tuple[Stage, set[State]]:
    """The values and moves of a step, from the states that reach it; and the states it leads to."""
    decision = step.nest.decision
    options = tuple(values(decision))
    numbers: dict[State, int] = {}
    group = []
    for option in options:
        known: dict[Any, Any] = {decision.path: option}
        key = tuple(value_of(own, known) for own in step.own)
        group.append(numbers.setdefault(key, len(numbers)))
    facts = {number: dict(zip(step.own, key, strict=True)) for key, number in numbers.items()}
    absent = {_ABSENT: {own: value_of(own, Existing()) for own in step.own}}
    moves: dict[State, dict[int, State]] = {}
    reached: set[State] = set()
    for state in states:
        known = dict(zip(step.before, state, strict=True))
        exists = step.guard is True or is_met(step.guard, known, otherwise=False)
        for number, more in (facts if exists else absent).items():
            here = {**known, **more}
            if all(is_met(check, here) for check in step.checks):
                target = tuple(value_of(fact, here) for fact in step.after)
                moves.setdefault(state, {})[number] = target
                reached.add(target)
    if len(reached) > STATE_LIMIT:
        raise error(
            "space-too-coupled",
            f"the conditions couple more than {STATE_LIMIT} partial choices at `{decision.path}`",
            decision.origin.span,
        )
    children = {label: Block(nested) for label, nested in step.nest.children.items()}
    return Stage(step, options, tuple(group), children, moves), reached


def _drop_dead_ends(stages: Sequence[Stage]) -> None:
    """Remove moves behind which no legal genotype lies."""
    alive: set[State] = {()}
    for stage in reversed(stages):
        for state, moves in list(stage.moves.items()):
            kept = {number: target for number, target in moves.items() if target in alive}
            if kept:
                stage.moves[state] = kept
            else:
                del stage.moves[state]
        alive = set(stage.moves)
