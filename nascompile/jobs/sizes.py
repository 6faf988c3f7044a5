"""Which image sizes a network takes: every size that a number divides. Found by elaborating it, not by rule."""

from __future__ import annotations

from collections.abc import Callable

from nascompile.compilation import Compilation, Input
from nascompile.config.constants import SpaceCall
from nascompile.diagnostics import NasError
from nascompile.space.genotype import Genotype

LARGEST = 128


def divisor(text: Compilation, call: SpaceCall, genotype: Genotype | None, input: Input) -> int:
    """The smallest power of two whose multiples are legal sizes along every axis, as far as they were tried.

    `input` is one legal size. Odd multiples at about that size are tried, alone on each axis and on all of them.
    """
    values = {} if genotype is None else dict(genotype.values)

    def is_legal(size: Input) -> bool:
        try:
            text.program(call, size, values, is_fixed=True)
        except NasError:
            return False
        return True

    return smallest_unit(is_legal, input)


def smallest_unit(is_legal: Callable[[Input], bool], input: Input) -> int:
    """`divisor`, for any test of a size."""
    channels, *spatial = input
    unit = 1
    while unit < LARGEST:
        multiples = [_odd(size, unit) for size in spatial]
        tried: list[Input] = [
            (channels, *(m * unit for m in multiples)),
            (channels, *((m + 2) * unit for m in multiples)),
        ]
        for axis in range(len(spatial)):
            mixed = list(spatial)
            mixed[axis] = multiples[axis] * unit
            tried.append((channels, *mixed))
        if all(is_legal(size) for size in tried):
            return unit
        unit *= 2
    return unit


def _odd(size: int, unit: int) -> int:
    """The odd number of units nearest to a size, not below it: what is legal may also need to be large enough."""
    count = -(-size // unit)
    return count if count % 2 else count + 1
