"""What a condition on costs does to a whole space: nothing, or leave no genotype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from nascompile.diagnostics import Diagnostic, Label, NasError
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
    end, bound = ("least", low) if upper else ("most", high)
    fails = {"<": low.bound >= limit, "<=": low.bound > limit, ">": high.bound <= limit, ">=": high.bound < limit}[op]
    holds = {"<": high.bound < limit, "<=": high.bound <= limit, ">": low.bound > limit, ">=": low.bound >= limit}[op]
    if fails:
        hint = f"the {end} {measure} of any genotype are {bound.cost:,}"
        if not bound.is_exact:
            hint = f"no genotype has {'fewer' if upper else 'more'} {measure} than {bound.bound:,}"
        yield Diagnostic("impossible-condition", f"no genotype fulfils `{words}`", Label(part.span), hint=hint)
    elif holds:
        end, bound = ("most", high) if upper else ("least", low)
        hint = f"the {end} that any genotype has are {bound.bound:,} {measure}"
        message = f"every genotype fulfils `{words}`"
        yield Diagnostic("idle-condition", message, Label(part.span), hint=hint, severity="warning")
