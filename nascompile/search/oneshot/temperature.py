"""Temperatures of the relaxation over a search: logits are divided by them (DiNTS' `update_ef`; SNAS, ICLR 2019).

Each is a function of the share of the budget that is done, from 0 to 1, with its options bound. `start` is the
temperature at the beginning and `end` the share of the budget at which cooling ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from nascompile.source import Span
from nascompile.train.choices import choose

Temperature = Callable[[float], float]
COLDEST = 1e-3


def make_temperature(name: str, options: Mapping[str, Any] | None = None, span: Span | None = None) -> Temperature:
    """The temperature `name`; raises NasError (`unknown-temperature`, `unknown-option`, `bad-option`)."""
    return choose("temperature", TEMPERATURES, name, options or {}, span)


def constant(done: float, *, start: float = 1.0) -> float:
    """`start` throughout."""
    return start


def triangle(done: float, *, start: float = 5.0, end: float = 1.0) -> float:
    """From `start` to 1 in the first half, then on to 0; not below 0.001."""
    if done <= end / 2:
        return start + (1 - start) * done / (end / 2)
    return max(COLDEST, 2 - 2 * done / end)


def linear(done: float, *, start: float = 5.0, end: float = 1.0) -> float:
    """From `start` straight to 0.001, the scheme that DiNTS' authors recommend if any."""
    return max(COLDEST, start * max(0.0, 1 - done / end))


def cosine_restarts(done: float, *, start: float = 5.0, period: float = 0.1) -> float:
    """Half a cosine from `start`, within it a cosine of each `period`."""
    fast = (1 + math.cos(math.pi * done / period)) / 2
    return max(COLDEST, start * fast * (1 + math.cos(math.pi * done)) / 2)


def cosine(done: float, *, start: float = 5.0) -> float:
    """Half a cosine from `start` to 0.001."""
    return max(COLDEST, start * (1 + math.cos(math.pi * done)) / 2)


TEMPERATURES: dict[str, Callable[..., float]] = {
    "constant": constant,
    "cosine": cosine,
    "cosine_restarts": cosine_restarts,
    "linear": linear,
    "triangle": triangle,
}
