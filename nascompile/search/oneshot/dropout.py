"""Candidate dropout: outputs of candidate operators are dropped in a search, ever less often.

Chen et al., "Progressive Differentiable Architecture Search" (P-DARTS, ICCV 2019, section 3.3): a search prefers skip
connections because they need no training; dropping their outputs makes the others catch up. The probability falls to
zero so that the last steps compare fairly. Each schedule is a function of the share of the budget that is done, from 0
to 1, with its options bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from nascompile.source import Span
from nascompile.train.choices import choose

Dropout = Callable[[float], float]


def make_dropout(name: str, options: Mapping[str, Any] | None = None, span: Span | None = None) -> Dropout:
    """The schedule `name`; raises NasError (`unknown-schedule`, `unknown-option`, `bad-option`)."""
    return choose("schedule", DROPOUTS, name, options or {}, span)


def none(done: float) -> float:
    """0 throughout."""
    return 0.0


def constant(done: float, *, start: float = 0.3) -> float:
    """`start` throughout."""
    return start


def linear(done: float, *, start: float = 0.3, end: float = 0.0) -> float:
    """Straight from `start` to `end`, as P-DARTS has it while the architecture rests."""
    return start + (end - start) * min(1.0, done)


def cosine(done: float, *, start: float = 0.3, end: float = 0.0) -> float:
    """Half a cosine from `start` to `end`."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, done))) / 2


def exponential(done: float, *, start: float = 0.3, final: float = 0.01) -> float:
    """`start` times `final` to the power of the share done, as P-DARTS has it while the architecture learns."""
    return float(start * final ** min(1.0, done))


DROPOUTS: dict[str, Callable[..., float]] = {
    "constant": constant,
    "cosine": cosine,
    "exponential": exponential,
    "linear": linear,
}
