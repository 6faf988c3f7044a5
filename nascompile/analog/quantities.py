"""Numbers with units in device files: `25 uS`, `133 ns`, `0.5 pJ`, `8 bits`, `1 day`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Context, Decimal

_EXACT = Context(prec=40)
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*)", re.DOTALL)


def _both(unit: str, scale: str) -> dict[str, str]:
    return {unit: scale, f"{unit}s": scale}


# Of each kind its units and how many of the kind's own unit they are: uS, seconds, joules, bits, percent, MAC/s.
UNITS: Mapping[str, Mapping[str, str]] = {
    "conductance": {"uS": "1", "nS": "1e-3", "mS": "1e3", "S": "1e6", "µS": "1", "μS": "1"},
    "time": {"s": "1", "ms": "1e-3", "us": "1e-6", "ns": "1e-9", "µs": "1e-6", "μs": "1e-6"}
    | _both("minute", "60")
    | _both("hour", "3600")
    | _both("day", "86400")
    | _both("month", "2592000")
    | _both("year", "31536000"),
    "energy": {"J": "1", "uJ": "1e-6", "nJ": "1e-9", "pJ": "1e-12", "fJ": "1e-15"},
    "bits": _both("bit", "1"),
    "percent": {"%": "1"},
    "rate": {"MAC/s": "1", "MMAC/s": "1e6", "GMAC/s": "1e9", "TMAC/s": "1e12"},
}


def split_quantity(text: str) -> tuple[str, str] | None:
    """Number and unit (maybe empty) of `25 uS`; None where no number starts."""
    found = _NUMBER.fullmatch(text.strip())
    return None if found is None else (found[1], found[2].strip())


def in_own_unit(number: str, unit: str, kind: str) -> float:
    """A number in its kind's own unit, as near as floating point allows; infinite or 0 beyond what it reaches.

    Raises KeyError for a unit of another kind.
    """
    if not 1e-200 < abs(float(number)) < 1e200:
        return float(number)
    return float(_EXACT.multiply(Decimal(number), Decimal(UNITS[kind][unit])))


def kind_of_unit(unit: str) -> str | None:
    """`time` for `ns`: what a unit measures; None for no unit."""
    return next((kind for kind, units in UNITS.items() if unit in units), None)
