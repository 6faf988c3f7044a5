"""Opening a space that limits what its networks cost: it prices the genotypes that it draws and reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.ir.symbols import COSTS
from nascompile.semantics.modules import Library
from nascompile.space.space import SearchSpace

if TYPE_CHECKING:
    from nascompile.profile.pricing import Pricer

C = TypeVar("C")
_EVEN = 256
"""Sides that are multiples of it halve evenly as often as any network needs."""


def for_genotypes(
    open_space: Callable[[C, tuple[int, ...]], SearchSpace], call: C, size: tuple[int, ...]
) -> SearchSpace:
    """The space of a call, opened so that its genotypes are read for an input of `size`: [channels, *sides].

    A supernet's candidates have to agree on sizes, so it needs sides that divide evenly; a fixed network often does
    not. Decisions do not depend on sizes, so where the space cannot be opened at `size`, larger sides serve. A space
    that limits costs is not opened so: they do depend on sizes. Raises NasError: that of `size`.
    """
    try:
        return open_space(call, size)
    except NasError:
        even = (size[0], *(_EVEN * -(-side // _EVEN) for side in size[1:]))
        try:
            space = open_space(call, even)
        except NasError:
            space = None
        if space is None or space.limits:
            raise
        return space


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
