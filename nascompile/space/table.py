"""Dynamic programming over decisions in text order: one table counts, ranks, samples and decodes a space.

The state after a decision is the tuple of values of all maximal sub-expressions of later conditions that are already
determined ("the frontier"), so its size follows the coupling of the text and not the size of the space: a chain of
widths needs the last width, a grid the set of nodes that are reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nascompile.diagnostics import error
from nascompile.ir import symbols
from nascompile.ir.program import Constraint, Decision
from nascompile.ir.symbols import Sym
from nascompile.space.options import Nest, Score, Semiring, values

T = TypeVar("T")
State = tuple[Any, ...]

STATE_LIMIT = 200_000
ABSENT = ("absent",)
"""The value of a decision that does not exist under the genotype."""


@dataclass(frozen=True, slots=True)
class _Group(Generic[T]):
    """Values of one decision that later conditions cannot tell apart."""

    facts: dict[Any, Any]
    members: tuple[tuple[Any, T], ...]
    total: T


@dataclass(frozen=True, slots=True)
class Step:
    """One root decision: the conditions that it completes, and the frontier behind it."""

    nest: Nest[Any]
    guard: Any
    checks: tuple[Any, ...]
    own: tuple[Sym, ...]
    before: tuple[Sym, ...]
    after: tuple[Sym, ...]


def plan(roots: Sequence[Nest[Any]], constraints: Sequence[Constraint]) -> tuple[Step, ...]:
    """Schedule: every condition is tested at the last decision that it mentions.

    Conditions on reals cannot be tabulated; they are tested when a genotype is drawn.
    """
    position = {}
    for index, nest in enumerate(roots):
        for member in nest.members():
            position[member.path] = index
    guards = [nest.decision.guard for nest in roots]
    reals = {m.path for nest in roots for m in nest.members() if m.interval is not None}
    pending: list[tuple[int, Sym]] = []
    for constraint in constraints:
        condition = constraint.condition
        if isinstance(condition, Sym) and reals.isdisjoint(condition.refs):
            _check_known(condition, position, constraint)
            pending.append((max(position[p] for p in condition.refs), condition))
    for index, guard in enumerate(guards):
        if isinstance(guard, Sym):
            pending.append((index - 1, guard))
    steps = []
    before: tuple[Sym, ...] = ()
    for index, nest in enumerate(roots):
        checks = [c for last, c in pending if last == index and c not in guards]
        needed = [c for last, c in pending if last > index]
        needed += [g for g in guards[index + 1 :] if isinstance(g, Sym)]
        after = _frontier(needed, position, index)
        wanted = [*checks, *after]
        own = _own(wanted, position, index)
        steps.append(Step(nest, guards[index], tuple(checks), own, before, after))
        before = after
    return tuple(steps)


def _check_known(condition: Sym, position: dict[str, int], constraint: Constraint) -> None:
    unknown = [path for path in condition.refs if path not in position]
    if unknown:
        raise error(
            "unknown-decision", f"`{constraint.text}` depends on `{unknown[0]}`, which is no decision",
            constraint.origin.span,
        )  # fmt: skip


def _frontier(conditions: Sequence[Any], position: dict[str, int], index: int) -> tuple[Sym, ...]:
    """Maximal sub-expressions of `conditions` that decisions up to `index` determine."""
    return _maximal(conditions, lambda e: all(position[p] <= index for p in e.refs))


def _own(conditions: Sequence[Any], position: dict[str, int], index: int) -> tuple[Sym, ...]:
    """Maximal sub-expressions that only the decision at `index` determines."""
    return _maximal(conditions, lambda e: all(position[p] == index for p in e.refs))


def _maximal(conditions: Sequence[Any], is_known: Callable[[Sym], bool]) -> tuple[Sym, ...]:
    found: dict[Sym, None] = {}
    seen: set[Sym] = set()

    def walk(expression: Any) -> None:
        if not isinstance(expression, Sym) or expression in seen:
            return
        seen.add(expression)
        if is_known(expression):
            found[expression] = None
        elif expression.op not in ("ref", "kept", "is"):
            for part in expression.args:
                walk(part)

    for condition in conditions:
        walk(condition)
    return tuple(found)


def _groups(step: Step, ring: Semiring[T], score: Score) -> list[_Group[T]]:
    """The decision's values, grouped by the facts about them that conditions use."""
    decision = step.nest.decision
    table: dict[State, list[tuple[Any, T]]] = {}
    facts: dict[State, dict[Any, Any]] = {}
    for value in values(decision):
        known = {decision.path: value}
        key = tuple(_safe(own, known) for own in step.own)
        table.setdefault(key, []).append((value, step.nest.weight(value, ring, score)))
        facts.setdefault(key, dict(zip(step.own, key, strict=True)))
    groups = []
    for key, members in table.items():
        total = ring.zero
        for _, weight in members:
            total = ring.add(total, weight)
        groups.append(_Group(facts[key], tuple(members), total))
    return groups


def _safe(expression: Sym, known: dict[Any, Any]) -> Any:
    try:
        return symbols.evaluate(expression, known)
    except KeyError:
        return None


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """Forward totals by step and state, and the transitions that led there."""

    steps: tuple[Step, ...]
    layers: tuple[dict[State, list[tuple[State, int, T]]], ...]
    groups: tuple[list[_Group[T]], ...]
    totals: tuple[dict[State, T], ...]

    @property
    def total(self) -> Any:
        """The sum over all legal genotypes."""
        return self.totals[-1].get((), None)


def fill(steps: tuple[Step, ...], ring: Semiring[T], score: Score) -> Table[T]:
    """Run the dynamic program. Raises NasError `space-too-coupled` when the frontier grows past its limit."""
    totals: list[dict[State, T]] = [{(): ring.one}]
    layers: list[dict[State, list[tuple[State, int, T]]]] = []
    all_groups: list[list[_Group[T]]] = []
    for step in steps:
        groups = _groups(step, ring, score)
        all_groups.append(groups)
        layer: dict[State, list[tuple[State, int, T]]] = {}
        reached: dict[State, T] = {}
        for state, weight in totals[-1].items():
            known = dict(zip(step.before, state, strict=True))
            exists = True if step.guard is True else bool(symbols.evaluate(step.guard, known))
            for number, (facts, total) in enumerate(_choices(step, groups, ring, exists)):
                here = {**known, **facts}
                if not all(symbols.evaluate(check, here) for check in step.checks):
                    continue
                target = tuple(symbols.evaluate(fact, here) for fact in step.after)
                gained = ring.mul(weight, total)
                reached[target] = ring.add(reached[target], gained) if target in reached else gained
                layer.setdefault(target, []).append((state, number if exists else -1, gained))
        if len(reached) > STATE_LIMIT:
            raise error(
                "space-too-coupled",
                f"the conditions couple more than {STATE_LIMIT} partial choices at `{step.nest.decision.path}`",
                step.nest.decision.origin.span,
            )
        layers.append(layer)
        totals.append(reached)
    return Table(steps, tuple(layers), tuple(all_groups), tuple(totals))


def _choices(step: Step, groups: list[_Group[T]], ring: Semiring[T], exists: bool) -> list[tuple[dict[Any, Any], T]]:
    if exists:
        return [(g.facts, g.total) for g in groups]
    known = {step.nest.decision.path: ABSENT}
    return [({own: _safe_absent(own, known) for own in step.own}, ring.one)]


def _safe_absent(expression: Sym, known: dict[Any, Any]) -> Any:
    if expression.op == "ref":
        return None
    try:
        return symbols.evaluate(expression, known)
    except (KeyError, TypeError):
        return None


def decisions_of(table: Table[Any]) -> list[Decision]:
    return [member for step in table.steps for member in step.nest.members()]
