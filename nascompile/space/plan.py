"""When each condition of a space can be tested, and what has to be remembered until then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nascompile.diagnostics import error
from nascompile.ir.program import Constraint
from nascompile.ir.symbols import Sym
from nascompile.space.options import Nest


@dataclass(frozen=True, slots=True)
class Step:
    """One decision with what is nested in it: the conditions that it completes, and the frontier behind it.

    `before` and `after` are the sub-expressions whose values are the state on either side; `own` those that this
    decision alone determines.
    """

    nest: Nest
    guard: Any
    checks: tuple[Sym, ...]
    own: tuple[Sym, ...]
    before: tuple[Sym, ...]
    after: tuple[Sym, ...]


def plan(roots: Sequence[Nest], constraints: Sequence[Constraint]) -> tuple[Step, ...]:
    """Schedule: every condition is tested at the last decision that it mentions.

    Conditions on reals cannot be tabulated and are left out; they are tested when a genotype is drawn. Raises NasError
    for a condition that mentions no decision, or one that is nested in another.
    """
    position = {nest.decision.path: index for index, nest in enumerate(roots)}
    nested = {m.path for nest in roots for m in nest.members()} - set(position)
    reals = reals_of(roots)
    pending: list[tuple[int, Sym]] = []
    for constraint in constraints:
        condition = constraint.condition
        if isinstance(condition, Sym) and reals.isdisjoint(condition.refs):
            _check_known(constraint, condition, position, nested)
            pending.append((max(position[p] for p in condition.refs), condition))
    guards = [nest.decision.guard for nest in roots]
    steps = []
    before: tuple[Sym, ...] = ()
    for index, nest in enumerate(roots):
        checks = tuple(c for last, c in pending if last == index)
        needed = [c for last, c in pending if last > index]
        needed += [g for g in guards[index + 1 :] if isinstance(g, Sym)]
        after = _maximal(needed, lambda e, i=index: all(position.get(p, i + 1) <= i for p in e.refs))  # type: ignore[misc]
        own = _maximal([*checks, *after], lambda e, i=index: all(position.get(p) == i for p in e.refs))  # type: ignore[misc]
        steps.append(Step(nest, guards[index], checks, own, before, after))
        before = after
    return tuple(steps)


def reals_of(roots: Sequence[Nest]) -> set[str]:
    """Paths of the decisions that pick a real number."""
    return {m.path for nest in roots for m in nest.members() if m.interval is not None}


def _check_known(constraint: Constraint, condition: Sym, position: dict[str, int], nested: set[str]) -> None:
    unknown = [path for path in condition.refs if path not in position]
    if unknown and unknown[0] in nested:
        raise error(
            "nested-decision",
            f"`{constraint.text}` depends on `{unknown[0]}`, which exists only under another decision",
            constraint.origin.span,
        )
    if unknown:
        raise error(
            "unknown-decision", f"`{constraint.text}` depends on `{unknown[0]}`, which is no decision",
            constraint.origin.span,
        )  # fmt: skip


def _maximal(conditions: Sequence[Any], is_known: Callable[[Sym], bool]) -> tuple[Sym, ...]:
    """The largest sub-expressions that are known, each once, in the order in which they stand."""
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
