"""Making genotypes from genotypes: drawing, mutation, crossover and neighbours, all of them legal.

Every operator is one walk along the table of the space (`space.table`), which knows at each decision the values behind
which a legal genotype still lies. A walk prefers a parent's value; where that is not possible any more, it draws by the
number of genotypes behind each value. So conditions between decisions cost nothing, however tight they are.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from nascompile.diagnostics import error
from nascompile.ir.program import Decision
from nascompile.space.genotype import Genotype
from nascompile.space.options import labels_of
from nascompile.space.space import PRICED_LIMIT, REJECTION_LIMIT, SearchSpace
from nascompile.space.table import Filled

Prefer = Callable[[Decision, Sequence[Any]], Any]
"""From a decision and its possible values (in text order) to the one to take, or NONE to draw.

A real number has no list: its possible values are the two ends of its interval.
"""

NONE = object()
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class Rung:
    """What can be decided at one place: positions, values, and the sums of the genotypes behind them."""

    positions: tuple[int, ...]
    values: tuple[Any, ...]
    sums: tuple[int, ...]
    places: Mapping[Any, int]


@dataclass(slots=True)
class Variation:
    """The operators of one space. They change nothing but caches: equal arguments give equal genotypes."""

    space: SearchSpace
    _rungs: dict[tuple[int, int, Any], Rung] = field(default_factory=dict, repr=False)

    def sample(self, rng: random.Random) -> Genotype:
        """A genotype drawn uniformly; reals uniformly in their interval."""
        return self.walk(rng, lambda decision, values: NONE)

    def open_decisions(self, genotype: Genotype) -> list[str]:
        """Paths of the decisions that could be different if those before them stay as they are, in text order."""
        found: list[str] = []
        own = genotype.values

        def note(decision: Decision, values: Sequence[Any]) -> Any:
            if decision.interval is not None or len(values) > 1:
                found.append(decision.path)
            return own.get(decision.path, NONE)

        self.walk(random.Random(0), note)
        return found

    def stratified(self, rng: random.Random, share: Callable[[str], float]) -> Genotype:
        """The genotype whose decisions stand at given shares (0 to 1, by path) of their possible values in text order.

        So every value of a decision is as likely as any other, however many genotypes lie behind each. Where shares
        lead to values that break a condition on reals or costs, they are drawn.
        """

        def at(decision: Decision, values: Sequence[Any]) -> Any:
            where = min(max(share(decision.path), 0.0), 1.0)
            if decision.interval is not None:
                return values[0] + where * (values[1] - values[0])
            return values[min(int(where * len(values)), len(values) - 1)]

        return self.walk(rng, at)

    def mutate(
        self, genotype: Genotype, rng: random.Random, path: str | None = None, *, near: bool = False
    ) -> Genotype:
        """The genotype with one decision changed: `path`, or one drawn from those that can change.

        Of edges one is exchanged (or added or dropped where their number is free). What other decisions must become for
        the conditions of the space to hold is drawn; all others stay. A genotype that cannot change comes back.

        With `near` a number takes the next larger or smaller possible value, a real moves by a tenth of its interval
        (the standard deviation), numbers that have to change take the nearest possible value, and a turn of a `repeat`
        that comes into being starts as the turn before it: widths and depths grow and shrink in steps.
        """
        if path is None:
            candidates = self.open_decisions(genotype)
            if not candidates:
                return genotype
            path = rng.choice(candidates)
        return self.walk(rng, (_stepped if near else _changed)(genotype.values, path, rng))

    def cross(self, first: Genotype, second: Genotype, rng: random.Random) -> Genotype:
        """Each decision as in one of two parents, by the toss of a coin; where only one of them has it, as there."""
        parents = (first.values, second.values)

        def either(decision: Decision, values: Sequence[Any]) -> Any:
            turn = rng.getrandbits(1)
            for parent in (parents[turn], parents[1 - turn]):
                value = parent.get(decision.path, NONE)
                if value is not NONE and _is_possible(decision, value, values):
                    return value
            return NONE

        return self.walk(rng, either)

    def neighbours(self, genotype: Genotype) -> Iterator[Genotype]:
        """All genotypes that differ in one decision, and in what this makes others become; in text order.

        Reals stay as they are. What others become is the first possible value, so each is given once.
        """
        own = genotype.values
        for path in self.open_decisions(genotype):
            if self.space.decisions[path].interval is None:
                for value in self._alternatives(genotype, path):
                    yield self.walk(
                        random.Random(0),
                        lambda decision, values, p=path, v=value: (  # type: ignore[misc]
                            v if decision.path == p else _kept(own, decision, values, values[0])
                        ),
                    )

    def _alternatives(self, genotype: Genotype, path: str) -> list[Any]:
        found: list[Any] = []

        def look(decision: Decision, values: Sequence[Any]) -> Any:
            if decision.path == path:
                found.extend(v for v in values if v != genotype.values[path])
            return genotype.values.get(decision.path, NONE)

        self.walk(random.Random(0), look)
        return found

    def walk(self, rng: random.Random, prefer: Prefer) -> Genotype:
        """The genotype that `prefer` leads to. A value that is not possible is replaced by a drawn one.

        Raises NasError `empty-space`, and `sampling-failed` when 10,000 walks break a condition on reals, or 1,000 a
        limit on costs; `prefer` is asked anew in each.
        """
        space = self.space
        if space.size() == 0:
            raise error("empty-space", f"no genotype of `{space.name}` fulfils its conditions")
        is_free = not space.limits and not space.reals
        most = PRICED_LIMIT if space.limits else REJECTION_LIMIT
        for attempt in range(most):
            values: dict[str, Any] = {}
            self._descend(space.counts, rng, prefer if attempt < most // 10 else _drawn, values)
            if is_free or not space.broken(values):
                return space.genotype(values)
        broken = (*space.limits, *space.constraints)[0]
        message = f"none of {most:,} draws fulfils `where {broken.text}`"
        raise error("sampling-failed", message, broken.origin.span)

    def _descend(self, filled: Filled[int], rng: random.Random, prefer: Prefer, found: dict[str, Any]) -> None:
        state: Any = ()
        for index, stage in enumerate(filled.stages):
            decision = stage.step.nest.decision
            rung = self._rung(filled, index, state)
            if rung.positions[0] == _ABSENT:
                state = stage.moves[state][_ABSENT]
                continue
            if decision.interval is not None:
                value = prefer(decision, decision.interval)
                low, high = decision.interval
                if value is NONE or not low <= value <= high:
                    value = rng.uniform(low, high)
                place = 0
                found[decision.path] = float(value)
            else:
                value = prefer(decision, rung.values)
                place = rung.places.get(value, -1) if value is not NONE else -1
                if place < 0:
                    place = bisect_right(rung.sums, rng.randrange(rung.sums[-1])) if len(rung.sums) > 1 else 0
                value = rung.values[place]
                found[decision.path] = value
            state = stage.moves[state][stage.group[rung.positions[place]]]
            for label in labels_of(decision, value if decision.interval is None else None):
                if label in stage.children:
                    self._descend(filled.inner[index][label], rng, prefer, found)

    def _rung(self, filled: Filled[int], index: int, state: Any) -> Rung:
        key = (id(filled), index, state)
        if key not in self._rungs:
            options = filled.stages[index].options
            pairs = list(filled.options(index, state))
            positions = tuple(p for p, _ in pairs)
            values = tuple(None if p == _ABSENT else options[p] for p in positions)
            sums = tuple(accumulate(filled.weight(index, p, target) for p, target in pairs))
            self._rungs[key] = Rung(positions, values, sums, {value: place for place, value in enumerate(values)})
        return self._rungs[key]


def _drawn(decision: Decision, values: Sequence[Any]) -> Any:
    return NONE


def _kept(own: Mapping[str, Any], decision: Decision, values: Sequence[Any], otherwise: Any) -> Any:
    value = own.get(decision.path, NONE)
    return value if value is not NONE and _is_possible(decision, value, values) else otherwise


def _is_possible(decision: Decision, value: Any, values: Sequence[Any]) -> bool:
    if decision.interval is not None:
        return bool(values[0] <= value <= values[1])
    return value in values


def _changed(own: Mapping[str, Any], path: str, rng: random.Random) -> Prefer:
    """Prefers what `own` says, and at `path` draws among the other values, of edges among the nearest ones."""

    def prefer(decision: Decision, values: Sequence[Any]) -> Any:
        value = own.get(decision.path, NONE)
        if decision.path != path or decision.interval is not None:
            return NONE if decision.path == path else value
        others = [v for v in values if v != value]
        if decision.kind == "edges" and others and value is not NONE:
            kept = frozenset(value)
            distances = [len(kept.symmetric_difference(v)) for v in others]
            others = [v for v, d in zip(others, distances, strict=True) if d == min(distances)]
        return rng.choice(others) if others else value

    return prefer


def _stepped(own: Mapping[str, Any], path: str, rng: random.Random) -> Prefer:
    """Prefers what `own` says, or what is nearest to it, and at `path` the next value above or below."""
    changed = _changed(own, path, rng)
    ahead = bool(rng.getrandbits(1))

    def prefer(decision: Decision, values: Sequence[Any]) -> Any:
        value = own.get(decision.path, NONE)
        if decision.kind != "number":
            return changed(decision, values) if value is not NONE else _before(own, decision.path)
        if value is NONE:
            value = _before(own, decision.path)
        if value is NONE:
            return NONE
        if decision.interval is not None:
            low, high = values
            moved = value + rng.gauss(0.0, 0.1 * (high - low)) if decision.path == path else value
            return min(max(moved, low), high)
        if decision.path != path:
            return min(values, key=lambda other: abs(other - value))
        above, below = (sorted(v for v in values if (v > value) == up and v != value) for up in (True, False))
        if above and (ahead or not below):
            return above[0]
        return below[-1] if below else value

    return prefer


def _before(own: Mapping[str, Any], path: str) -> Any:
    """What the nearest earlier turn of a repeat says where `path` says nothing, or NONE."""
    head, _, last = path.rpartition("[")
    if not head or not last.removesuffix("]").isdigit():
        return NONE
    turns = range(int(last.removesuffix("]")) - 1, -1, -1)
    return next((own[name] for name in (f"{head}[{turn}]" for turn in turns) if name in own), NONE)
