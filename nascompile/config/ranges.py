"""Which values the options of losses, optimisers and schedules may have, beyond their kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Range:
    """What a value has to be: `holds` decides, `words` says so behind "it is"."""

    holds: Callable[[Any], bool]
    words: str


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(value: Any, each: Range, count: int | None = None) -> bool:
    return isinstance(value, tuple) and count in (None, len(value)) and all(each.holds(v) for v in value)


_ANY = Range(lambda v: _number(v) and v >= 0, "0 or more")
_POSITIVE = Range(lambda v: _number(v) and v > 0, "above 0")
_SHARE = Range(lambda v: _number(v) and 0 <= v <= 1, "from 0 to 1")
_BELOW_ONE = Range(lambda v: _number(v) and 0 <= v < 1, "from 0 to below 1")
_SHARES = Range(lambda v: _numbers(v, _SHARE), "a list of shares from 0 to 1")
_BETAS = Range(lambda v: _numbers(v, _BELOW_ONE, 2), "two numbers from 0 to below 1")
_WEIGHTS = Range(lambda v: _numbers(v, _ANY) and any(v), "a list of numbers, one for each class, not all of them 0")
_WHOLE = Range(lambda v: isinstance(v, int), "a whole number")

RANGES: dict[str, dict[str, Range]] = {
    "optimiser": {
        "lr": _ANY, "momentum": _BELOW_ONE, "weight_decay": _ANY, "eps": _ANY, "betas": _BETAS, "alpha": _BELOW_ONE,
        "rho": _SHARE,
    },
    "schedule": {
        "warmup": _BELOW_ONE, "min": _ANY, "power": _ANY, "final": _POSITIVE, "factor": _ANY, "at": _SHARES,
        "after_warmup": _SHARES,
    },
    "temperature": {"start": _POSITIVE, "end": _POSITIVE, "period": _POSITIVE},
    "loss": {
        "label_smoothing": _SHARE, "weight": _WEIGHTS, "ignore_index": _WHOLE, "smooth": _ANY, "gamma": _ANY,
        "positive_weight": _POSITIVE, "ce_weight": _ANY, "dice_weight": _ANY, "bce_weight": _ANY,
        "focal_weight": _ANY, "share": _SHARE, "lowest": _ANY, "highest": _ANY, "decay": _ANY,
    },
}  # fmt: skip
"""By what is chosen and the name of the option."""
