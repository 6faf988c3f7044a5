"""The least or the largest sum of functions over the legal genotypes of a space: one pass over the decisions.

Dynamic programming as in `space.table`: the state behind a decision is what the functions that started before it have
still to decide (their nodes), so its size follows the coupling of the text. Where it would grow too large, the
functions that reach farthest are replaced by their own least value: the result is then a bound and not the optimum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nascompile.ir.program import Constraint, Decision
from nascompile.ir.symbols import Sym
from nascompile.profile.diagrams import FALSE, TRUE, Diagrams, NotTabulated, is_single

STATE_LIMIT = 1_000
"""States behind a decision from which on functions are replaced by bounds."""

State = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""Nodes of the pending functions, of the pending conditions, and of the existence of later decisions."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """The sum, a genotype's values that have it (of the functions that were kept), and whether all were kept."""

    value: float
    values: Mapping[str, Any]
    is_whole: bool


class Frontier:
    """The legal genotypes of a space, as conditions over the variables of its diagrams."""

    def __init__(self, diagrams: Diagrams, constraints: Sequence[Constraint], states: int = STATE_LIMIT):
        self._d = diagrams
        self._limit = states
        self._count = len([v for v in diagrams.variables if v.fact is None])
        self._exists = self._existence()
        conditions = [diagrams.function(c.condition) for c in constraints if _is_known(c.condition, diagrams)]
        conditions += [self._counted(decision) for decision in diagrams.decisions.values() if not is_single(decision)]
        self._conditions = [c for c in dict.fromkeys(conditions) if c != TRUE]

    def least(self, functions: Sequence[int]) -> Optimum | None:
        """The least sum of functions with numbers at their leaves; None where no genotype is legal."""
        constant = 0.0
        kept = []
        for function in functions:
            if self._d.children[function]:
                kept.append(function)
            else:
                constant += self._d.leaf[function]
        is_whole = True
        while True:
            found = self._pass(kept)
            if not isinstance(found, int):
                break
            is_whole = False
            spans = {f: max(self._d.variable[n] for n in self._d.below([f]) if self._d.children[n]) for f in set(kept)}
            crossing = [f for f in kept if self._d.variable[f] <= found < spans[f]]
            reach = sorted(spans[f] - self._d.variable[f] for f in crossing)[len(crossing) * 2 // 3]
            gone = {f for f in crossing if spans[f] - self._d.variable[f] >= reach}
            constant += sum(self.ends(f)[0] for f in kept if f in gone)
            kept = [f for f in kept if f not in gone]
        if found is None:
            return None
        return Optimum(constant + found[0], self._values(found[1]), is_whole)

    def ends(self, function: int) -> tuple[float, float]:
        """The least and the largest leaf of a function."""
        leaves = [self._d.leaf[n] for n in self._d.below([function]) if not self._d.children[n]]
        return min(leaves), max(leaves)

    # --- within ---

    def _pass(self, functions: list[int]) -> tuple[float, list[int]] | int | None:
        """The optimum with the number of each variable's value; a position where there are too many states."""
        d = self._d
        starting: dict[int, list[int]] = {}
        for function in functions:
            starting.setdefault(d.variable[function], []).append(function)
        opening: dict[int, list[int]] = {}
        for condition in self._conditions:
            if condition == FALSE:
                return None
            opening.setdefault(d.variable[condition], []).append(condition)
        needed: dict[int, list[int]] = {}  # by position: the existence functions of later variables, as first written
        last = {e: n for n, e in enumerate(self._exists) if d.children[e]}
        first = {e: d.variable[e] for e in last}
        states: dict[State, float] = {((), (), ()): 0.0}
        history: list[dict[State, tuple[State, int]]] = []
        for position in range(len(d.variables)):
            needed[position] = [e for e in last if first[e] <= position < last[e]]
            before = [e for e in last if first[e] < position <= last[e]]
            reached: dict[State, float] = {}
            came: dict[State, tuple[State, int]] = {}
            for state, cost in states.items():
                pending = (*state[0], *starting.get(position, ()))
                conditions = (*state[1], *opening.get(position, ()))
                alive = dict(zip(before, state[2], strict=True))
                alive.update((e, e) for e in needed[position] if first[e] == position)
                for number in self._options(position, alive):
                    moved = _advance(d, position, number, pending, conditions)
                    if moved is None:
                        continue
                    more, rest, open_ = moved
                    later = tuple(
                        _step(d, position, number, alive[e]) for e in needed[position]
                    )  # fmt: skip
                    target = (rest, open_, later)
                    total = cost + more
                    if target not in reached or total < reached[target]:
                        reached[target] = total
                        came[target] = (state, number)
            if len(reached) > self._limit and any(state[0] for state in reached):
                return position
            states = reached
            history.append(came)
        if not states:
            return None
        state = min(states, key=lambda s: states[s])
        cost, numbers = states[state], []
        for came in reversed(history):
            state, number = came[state]
            numbers.append(number)
        return cost, numbers[::-1]

    def _options(self, position: int, alive: Mapping[int, int]) -> range | tuple[int, ...]:
        variable = self._d.variables[position]
        if variable.fact is not None:  # either way: a bound holds for both
            return (0, 1)
        exists = alive.get(self._exists[position], self._exists[position])
        if exists not in (FALSE, TRUE):
            raise NotTabulated
        if exists == FALSE or not variable.values:
            return (0,)
        if variable.label is not None and variable.decision is not None and variable.decision.decode == "all":
            return (1,)
        return range(len(variable.values))

    def _existence(self) -> list[int]:
        d = self._d
        found: list[int] = []
        for variable in d.variables[: self._count]:
            assert variable.decision is not None
            guard = variable.decision.guard
            exists = d.function(guard) if _is_known(guard, d) else TRUE
            if variable.parent is not None:
                position, number = variable.parent
                values = d.variables[position].values
                here = d.choice(position, tuple(int(n == number) for n in range(len(values))))
                if d.variables[position].decision is not None and d.variables[position].decision.decode == "all":  # type: ignore[union-attr]
                    here = TRUE
                exists = d.conjunction(exists, found[position], here)
            found.append(exists)
        return found

    def _counted(self, decision: Decision) -> int:
        """Whether an edges decision keeps as many edges as it must, if it exists."""
        d = self._d
        if decision.decode == "all":
            return TRUE
        places = [d.place[decision.path, label] for label in decision.candidates]

        def rest(index: int, count: int) -> int:
            if index == len(places):
                return int(count > 0 if decision.count is None else count == decision.count)
            if decision.count is not None and count > decision.count:
                return FALSE
            return d.choice(places[index], (rest(index + 1, count), rest(index + 1, count + 1)))

        return d.disjunction(d.negation(self._exists[places[0]]), rest(0, 0))

    def _values(self, numbers: list[int]) -> dict[str, Any]:
        """The genotype of one value a variable; reals are left out."""
        d = self._d
        found: dict[str, Any] = {}

        def number_of(position: int) -> int:
            return numbers[position]

        for position, variable in enumerate(d.variables[: self._count]):
            decision = variable.decision
            if decision is None or not d.evaluate(self._exists[position], number_of) or not variable.values:
                continue
            if variable.label is not None:
                kept = found.setdefault(variable.path, ())
                if numbers[position]:
                    found[variable.path] = (*kept, variable.label)
            else:
                value = variable.values[numbers[position]]
                found[variable.path] = (value,) if decision.kind == "edges" else value
        return {path: found[path] for path in d.decisions if path in found}


def _is_known(condition: Any, diagrams: Diagrams) -> bool:
    """Whether a condition is one over listed values; those on reals are left out, which keeps bounds valid."""
    return not isinstance(condition, Sym) or diagrams.reals.isdisjoint(condition.refs)


def _step(d: Diagrams, position: int, number: int, node: int) -> int:
    return d.children[node][number] if d.variable[node] == position else node


def _advance(
    d: Diagrams, position: int, number: int, pending: tuple[int, ...], conditions: tuple[int, ...]
) -> tuple[float, tuple[int, ...], tuple[int, ...]] | None:
    """The cost that is settled, and the functions and conditions that are not; None where a condition fails."""
    open_ = set()
    for node in conditions:
        node = _step(d, position, number, node)
        if node == FALSE:
            return None
        if node != TRUE:
            open_.add(node)
    cost = 0.0
    rest = []
    for node in pending:
        node = _step(d, position, number, node)
        if d.children[node]:
            rest.append(node)
        else:
            cost += d.leaf[node]
    return cost, tuple(sorted(rest)), tuple(sorted(open_))
