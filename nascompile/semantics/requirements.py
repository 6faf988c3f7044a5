"""Requirements that depend on decisions: proved, refuted with a genotype, or kept as constraints of the space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

from nascompile.diagnostics import Diagnostic, NasError
from nascompile.ir.program import Constraint, Decision
from nascompile.ir.symbols import Sym, evaluate, is_costly
from nascompile.semantics.context import Context, Requirement

ENUMERATION_LIMIT = 1 << 14
"""Combinations of values that are tried for one requirement."""


def settle(ctx: Context) -> list[Diagnostic]:
    """Decide every open requirement by trying the values of its decisions that the `where`s allow.

    Those that hold are dropped, those that nothing can decide join the constraints of the space. Returns a diagnostic
    (`requirement`) with a genotype's values for each that a legal genotype violates.
    """
    wheres = [c for c in ctx.constraints if not is_costly(c.condition)]
    found: list[Diagnostic] = []
    for requirement in ctx.requirements:
        condition = requirement.condition
        known = _explore(condition, wheres, ctx.decisions)
        if known is None:
            ctx.constraints.append(Constraint(condition, requirement.origin, requirement.message))
        elif known:
            found.extend(_violated(ctx, requirement, known).diagnostics)
    return found


def _explore(
    condition: Any, wheres: Sequence[Constraint], decisions: Mapping[str, Decision]
) -> Mapping[str, Any] | None:
    """Values that violate the condition, an empty mapping if none do, None if that cannot be found out."""
    if not isinstance(condition, Sym):
        return {} if condition else {"": None}
    paths = set(condition.refs)
    relevant: list[Any] = []
    rest = [(c.condition, _paths(c.condition)) for c in wheres]
    while True:  # a `where` over the same decisions may rule violations out, and so brings its other decisions in
        touching = [(c, refs) for c, refs in rest if refs & paths]
        if not touching:
            break
        relevant.extend(c for c, _ in touching)
        rest = [item for item in rest if item not in touching]
        paths |= set().union(*(refs for _, refs in touching))
    if any(isinstance(c, Sym) and c.op == "connected" for c in relevant):
        return None
    lists, size = [], 1
    for path in sorted(paths):
        values = _values(decisions[path]) if path in decisions else None
        if values is None or (size := size * len(values)) > ENUMERATION_LIMIT:
            return None
        lists.append(values)
    for combination in product(*lists):
        known = dict(zip(sorted(paths), combination, strict=True))
        if all(_holds(c, known) for c in relevant) and not _holds(condition, known):
            return {path: known[path] for path in sorted(condition.refs)}
    return {}


def _paths(condition: Any) -> frozenset[str]:
    if not isinstance(condition, Sym):
        return frozenset()
    return frozenset(condition.args) if condition.op == "connected" else condition.refs


def _values(decision: Decision) -> list[Any] | None:
    """The values of a decision; None for reals and for more subsets than can be listed."""
    if decision.interval is not None:
        return None
    labels = [c for c in decision.candidates if c not in decision.never]
    if decision.kind != "edges":
        return labels
    if decision.count is not None:
        return list(combinations(labels, decision.count))
    if len(labels) > 12:
        return None
    return [s for size in range(1, len(labels) + 1) for s in combinations(labels, size)]


def _holds(condition: Any, known: Mapping[str, Any]) -> bool:
    try:
        return bool(evaluate(condition, known))
    except (ZeroDivisionError, ValueError, OverflowError):
        return False


def _violated(ctx: Context, requirement: Requirement, known: Mapping[str, Any]) -> NasError:
    shown = ", ".join(f"`{path}` = {_show(value)}" for path, value in known.items())
    hint = f"it does not hold for {shown}: change the candidates, or exclude it with `where`"
    return ctx.fail_at(requirement, hint)


def _show(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
