"""Limits on what a network costs: `where params < 2M` in a space."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nascompile.diagnostics import Diagnostic, Label
from nascompile.ir.program import Constraint
from nascompile.ir.symbols import Sym
from nascompile.source import Span
from nascompile.space.legal import violated

Price = Callable[[Mapping[str, Any]], Mapping[str, float]]
"""From the values of a genotype to the costs of its retrained network, by the names of `symbols.COSTS`."""


def exceeded(
    limits: Sequence[Constraint], values: Mapping[str, Any], price: Price | None, span: Span | None
) -> Iterator[Diagnostic]:
    """One diagnostic (`violated-constraint`) for each limit that a complete genotype breaks, with what it costs.

    Raises ValueError where there are limits and nothing that prices: a space does not know how its networks are priced.
    """
    if not limits:
        return
    if price is None:
        raise ValueError("this space limits costs: give `SearchSpace` a `price`")
    costs = {f"?{name}": value for name, value in price(values).items()}
    for broken in violated(limits, {**values, **costs}, None):
        limit = next(c for c in limits if broken.secondary[0].span == c.origin.span)
        yield Diagnostic(
            broken.code, broken.message, None if span is None else Label(span), broken.secondary, _shown(limit, costs)
        )


def _shown(limit: Constraint, costs: Mapping[str, float]) -> str:
    refs = limit.condition.refs if isinstance(limit.condition, Sym) else frozenset()
    known = [f"{costs[path]:,.0f} {path.removeprefix('?')}" for path in sorted(refs) if path in costs]
    return f"it has {' and '.join(known)}"
