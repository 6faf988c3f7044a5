"""Opening a space that limits what its networks cost: it prices the genotypes that it draws and reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from nascompile.ir.program import Program
from nascompile.ir.symbols import COSTS
from nascompile.semantics.modules import Library
from nascompile.space.space import SearchSpace

if TYPE_CHECKING:
    from nascompile.profile.pricing import Pricer


def opened(library: Library, program: Program, arguments: Mapping[str, Any] | None = None) -> SearchSpace:
    """The space of an open program that was elaborated from `library`, with a price where its text limits costs."""
    if not program.limits:
        return SearchSpace(program, arguments)

    @cache
    def pricer() -> Pricer:
        from nascompile.profile.pricing import Pricer  # 0.05 s that most checks need not wait for

        return Pricer(library, SearchSpace(replace(program, limits=()), arguments))

    def price(values: Mapping[str, Any]) -> Mapping[str, float]:
        found = pricer().price(values)
        return {name: getattr(found, name) for name in COSTS}

    return SearchSpace(program, arguments, price)
