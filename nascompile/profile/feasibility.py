"""What a condition on costs does to a whole space: nothing, or leave no genotype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError
from nascompile.ir.symbols import COSTS, Sym
from nascompile.profile.bounds import CostRange, cost_range
from nascompile.profile.diagrams import NotTabulated
from nascompile.profile.measures import PRICED
from nascompile.profile.pricing import Pricer
from nascompile.semantics.modules import Library
from nascompile.space.space import SearchSpace
from nascompile.syntax import nodes as ast

STATES = 200
"""States behind a decision that checking a text may take: few enough for an answer within a second or two."""

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def require_feasible(
    conditions: Sequence[ast.Expr], library: Library, space: SearchSpace, number: Callable[[ast.Expr], float]
) -> None:
    """Raise NasError with what `check_conditions` finds; warnings alone are raised too."""
    problems = check_conditions(conditions, Pricer(library, space, checks=0), number)
    if problems:
        raise NasError(problems)


def check_conditions(
    conditions: Sequence[ast.Expr], pricer: Pricer, number: Callable[[ast.Expr], float]
) -> list[Diagnostic]:
    """An error (`impossible-condition`) for each comparison of a measure with a number that no genotype fulfils, a
    warning (`idle-condition`) for each that every genotype fulfils.

    Looks at `params`, `macs`, `flops` and `activations`, at every part of an `and`; `number` evaluates the other side.
    Where only bounds are known, what they leave open is not reported.
    """
    ranges: dict[str, CostRange | None] = {}
    found: list[Diagnostic] = []
    for part in (p for condition in conditions for p in _parts(condition)):
        read = _comparison(part, number)
        if read is None:
            continue
        measure, op, limit = read
        if measure not in ranges:
            try:
                ranges[measure] = cost_range(pricer, measure, STATES)
            except NotTabulated:
                ranges[measure] = None
        costs = ranges[measure]
        if costs is not None:
            found += _verdict(part, measure, op, limit, costs)
    return found


def require_reachable(library: Library, space: SearchSpace) -> None:
    """Raise NasError with an `impossible-condition` for each limit of a space on its costs that no genotype fulfils.

    Looked at are comparisons of a cost with a number, at every part of an `and`, each for itself. Where only bounds are
    known, what they leave open is not reported.
    """
    found: list[Diagnostic] = []
    free = Pricer(library, SearchSpace(replace(space.program, limits=()), space.arguments), checks=0)
    for limit in space.limits:
        for measure, op, number in _limits(limit.condition):
            try:
                costs = cost_range(free, measure, STATES)
            except NotTabulated:
                continue
            if costs is not None:
                hint = _unreachable(measure, op, number, costs)
                if hint is not None:
                    message = f"no genotype of `{space.name}` fulfils `{limit.text}`"
                    found.append(Diagnostic("impossible-condition", message, Label(limit.origin.span), hint=hint))
    if found:
        raise NasError(dict.fromkeys(found))


def _limits(condition: Any) -> Iterator[tuple[str, str, float]]:
    """Measure, comparison and number of the parts of a symbolic condition that have this form."""
    if not isinstance(condition, Sym):
        return
    if condition.op == "and":
        for part in condition.args:
            yield from _limits(part)
    elif condition.op in _MIRRORED:
        left, right = condition.args
        for side, other, op in ((left, right, condition.op), (right, left, _MIRRORED[condition.op])):
            is_number = isinstance(other, int | float)
            if is_number and isinstance(side, Sym) and side.op == "ref" and side.args[0][1:] in COSTS:
                yield side.args[0][1:], op, float(other)


def _parts(condition: ast.Expr) -> Iterator[ast.Expr]:
    if isinstance(condition, ast.Binary) and condition.op == "and":
        yield from _parts(condition.left)
        yield from _parts(condition.right)
    else:
        yield condition


def _comparison(part: ast.Expr, number: Callable[[ast.Expr], float]) -> tuple[str, str, float] | None:
    """`params < 2M` as measure, comparison and number; None for anything else."""
    if not isinstance(part, ast.Binary) or part.op not in _MIRRORED:
        return None
    for side, other, op in ((part.left, part.right, part.op), (part.right, part.left, _MIRRORED[part.op])):
        if isinstance(side, ast.Name) and side.id in PRICED:
            try:
                return side.id, op, float(number(other))
            except (NasError, TypeError, ValueError):
                return None
    return None


def _verdict(part: ast.Expr, measure: str, op: str, limit: float, costs: CostRange) -> Iterator[Diagnostic]:
    low, high = costs.low, costs.high
    words = " ".join(part.span.text.split())
    upper = op in ("<", "<=")
    hint = _unreachable(measure, op, limit, costs)
    holds = {"<": high.bound < limit, "<=": high.bound <= limit, ">": low.bound > limit, ">=": low.bound >= limit}[op]
    if hint is not None:
        yield Diagnostic("impossible-condition", f"no genotype fulfils `{words}`", Label(part.span), hint=hint)
    elif holds:
        end, bound = ("most", high) if upper else ("least", low)
        hint = f"the {end} that any genotype has are {bound.bound:,} {measure}"
        message = f"every genotype fulfils `{words}`"
        yield Diagnostic("idle-condition", message, Label(part.span), hint=hint, severity="warning")


def _unreachable(measure: str, op: str, limit: float, costs: CostRange) -> str | None:
    """What the space has instead of `measure op limit`; None where some genotype may fulfil it."""
    low, high = costs.low, costs.high
    upper = op in ("<", "<=")
    end, bound = ("least", low) if upper else ("most", high)
    fails = {"<": low.bound >= limit, "<=": low.bound > limit, ">": high.bound <= limit, ">=": high.bound < limit}[op]
    if not fails:
        return None
    if not bound.is_exact:
        return f"no genotype has {'fewer' if upper else 'more'} {measure} than {bound.bound:,}"
    return f"the {end} {measure} of any genotype are {bound.cost:,}"
