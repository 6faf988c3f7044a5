"""The fields of a device file: of what kind each is, in which unit, between which bounds, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nascompile.analog.device import CELLS, COMPENSATIONS, INPUT_RANGES, SCALINGS, TECHNOLOGIES
from nascompile.analog.quantities import UNITS, in_own_unit, kind_of_unit, split_quantity
from nascompile.diagnostics import did_you_mean

SECTIONS = ("tile", "converters", "cells", "noise", "training", "costs")
_NEEDED = object()  # the default of a field that every file says


class Wrong(Exception):
    """A value that is none of its field: the diagnostic's code, its message, and a hint."""

    def __init__(self, code: str, message: str, hint: str):
        self.code, self.hint = code, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Field:
    """`example` is how a value is written; `convert` reads a text; `default` is for a file that does not say it."""

    example: str
    convert: Callable[[str, str], Any]
    default: Any = _NEEDED
    is_list: bool = False

    @property
    def is_needed(self) -> bool:
        return self.default is _NEEDED

    def read(self, text: str, items: tuple[str, ...] | None) -> Any:
        """The value of a text, or of a list's texts. Raises Wrong."""
        if self.is_list:
            given = items if items is not None else (text,) if text not in ("", "any") else ()
            return tuple(self.convert(item, self.example) for item in given)
        if items is not None:
            raise Wrong("bad-value", "a list where one value stands", f"write `{self.example}`")
        return self.convert(text, self.example)


def example_of(path: str) -> str:
    """How a field is written, in the words of a hint."""
    field = FIELDS.get(path)
    return f"`{path}`" if field is None else f"`{path.rpartition('.')[2]}: {field.example}`"


def _number(low: float, high: float = 1e30, *, above: bool = False) -> Callable[[str, str], float]:
    """A plain number from `low` to `high`; `above` leaves `low` itself out."""

    def read(text: str, example: str) -> float:
        parts = split_quantity(text)
        if parts is None:
            raise Wrong("bad-value", f"`{text}` is no number", f"write `{example}`")
        if parts[1]:
            raise Wrong("wrong-unit", f"`{parts[1]}` where a plain number stands", f"write `{example}`")
        return _within(float(parts[0]), text, low, high, above, "")

    return read


def _quantity(kind: str, low: float, high: float = 1e30, *, above: bool = False) -> Callable[[str, str], float]:
    """A number with a unit of a kind; the bounds and the value are in the kind's own unit."""
    own = next(unit for unit, scale in UNITS[kind].items() if scale == "1")

    def read(text: str, example: str) -> float:
        parts = split_quantity(text)
        units = f"units are {', '.join(u for u in UNITS[kind] if u.isascii())}: `{example}`"
        if parts is None:
            raise Wrong("bad-value", f"`{text}` is no number", f"write `{example}`")
        if not parts[1]:
            raise Wrong("missing-unit", f"`{text}` has no unit", units)
        if parts[1] not in UNITS[kind]:
            other = kind_of_unit(parts[1])
            said = f"`{parts[1]}` is a unit of {other}" if other else f"`{parts[1]}` is no unit that is known here"
            raise Wrong("wrong-unit", said, did_you_mean(parts[1], UNITS[kind]) or units)
        return _within(in_own_unit(*parts, kind), text, low, high, above, f" {own}")

    return read


def _within(value: float, text: str, low: float, high: float, above: bool, unit: str) -> float:
    if value < low or value > high or (above and value == low):
        start = f"above {low:g}{unit}" if above else f"from {low:g}{unit}"
        end = "" if high >= 1e30 else f" up to {high:g}{unit}" if above else f" to {high:g}{unit}"
        raise Wrong("bad-value", f"`{text}` is out of range", f"it is {start}{end}")
    return value


def _count(low: int, high: int) -> Callable[[str, str], int]:
    number = _number(low, high)

    def read(text: str, example: str) -> int:
        return _whole(number(text, example), text, example)

    return read


def _bits(text: str, example: str) -> int:
    return _whole(_quantity("bits", 2, 24)(text, example), text, example)


def _share(text: str, example: str) -> float:
    return _quantity("percent", 0, 100)(text, example) / 100


def _whole(value: float, text: str, example: str) -> int:
    if value != int(value):
        raise Wrong("bad-value", f"`{text}` is no whole number", f"write `{example}`")
    return int(value)


def _word(*words: str) -> Callable[[str, str], str]:
    def read(text: str, example: str) -> str:
        if text not in words:
            hint = did_you_mean(text, words) or f"there are {', '.join(words)}"
            raise Wrong("bad-value", f"there is no `{text}`", hint)
        return text

    return read


def _flag(text: str, example: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no"):
        raise Wrong("bad-value", f"`{text}` is neither `true` nor `false`", f"write `{example}`")
    return text.lower() in ("true", "yes")


def _text(text: str, example: str) -> str:
    if not text.strip():
        raise Wrong("bad-value", "it is empty", f"write `{example}`")
    return " ".join(text.split())


def _or_none(convert: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """`none` as well."""
    return lambda text, example: None if text == "none" else convert(text, example)


_TIME = _quantity("time", 0, above=True)
_ENERGY = _quantity("energy", 0)

FIELDS: Mapping[str, Field] = {
    "name": Field("my_device", _text),
    "technology": Field("pcm", _word(*TECHNOLOGIES)),
    "tile.inputs": Field("256", _count(1, 1 << 20)),
    "tile.outputs": Field("256", _count(1, 1 << 20)),
    "converters.dac": Field("8 bits", _or_none(_bits)),
    "converters.adc": Field("8 bits", _or_none(_bits)),
    "converters.out_bound": Field("10", _or_none(_number(0, above=True))),
    "converters.output_noise": Field("0.04", _number(0, 10)),
    "converters.input_noise": Field("0", _number(0, 10), 0.0),
    "converters.weight_noise": Field("0", _number(0, 10), 0.0),
    "converters.input_range": Field("dynamic", _word(*INPUT_RANGES), "dynamic"),
    "cells.g_min": Field("0 uS", _quantity("conductance", 0, 1e6), 0.0),
    "cells.g_max": Field("25 uS", _quantity("conductance", 0, 1e6, above=True)),
    "cells.storage": Field("pair", _word(*CELLS), "pair"),
    "cells.scaling": Field("per_column", _word(*SCALINGS), "per_column"),
    "noise.programming": Field("1", _number(0, 100)),
    "noise.read": Field("1", _number(0, 100)),
    "noise.drift": Field("1", _number(0, 100)),
    "noise.t_0": Field("20 s", _TIME, 20.0),
    "noise.t_read": Field("250 ns", _TIME, 250e-9),
    "noise.acceptance": Field("0.2 %", _or_none(_quantity("percent", 0, 100, above=True)), None),
    "noise.times": Field("[1 s, 1 day]", _TIME, (), is_list=True),
    "compensation": Field("global", _word(*COMPENSATIONS)),
    "least_utilisation": Field("0 %", _share, 0.0),
    "training.noise": Field("0.06", _number(0, 10)),
    "training.clip_sigma": Field("2.5", _or_none(_number(0, 100, above=True))),
    "training.remap": Field("true", _flag),
    "costs.mvm_time": Field("133 ns", _TIME),
    "costs.input_energy": Field("1 pJ", _ENERGY),
    "costs.output_energy": Field("20 pJ", _ENERGY),
    "costs.weight_energy": Field("10 fJ", _ENERGY),
    "costs.tile_energy": Field("0 pJ", _ENERGY),
    "costs.add_energy": Field("0.1 pJ", _ENERGY),
    "costs.digital_energy": Field("0.5 pJ", _ENERGY),
    "costs.digital_rate": Field("100 GMAC/s", _quantity("rate", 0, above=True)),
    "costs.source": Field("where the numbers are from", _text),
}
