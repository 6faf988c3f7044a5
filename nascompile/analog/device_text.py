"""Writing a device as a file that stands for itself: every field said, nothing taken from another file."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from nascompile.analog.device import Device
from nascompile.analog.device_fields import FIELDS
from nascompile.analog.device_file import FORMAT
from nascompile.analog.quantities import UNITS, kind_of_unit, split_quantity

# Fields of a file whose names are not those of `Device`, of its training and of its costs.
_NAMES = {
    "converters.dac": "dac_bits",
    "converters.adc": "adc_bits",
    "cells.storage": "cells",
    "noise.programming": "programming_noise",
    "noise.read": "read_noise",
}


def device_text(device: Device) -> str:
    """The device as YAML: `read_device` of the text gives an equal device, and equal devices give the same text."""
    lines = [f"format: {FORMAT}"]
    section = ""
    for path, field in FIELDS.items():
        before, _, name = path.rpartition(".")
        if before != section and before:
            lines.append(f"{before}:")
        section = before
        written = _written(_value(device, path), _unit(field.example, path))
        lines.append(f"{'  ' if before else ''}{name}: {written}")
    return "\n".join(lines) + "\n"


def _value(device: Device, path: str) -> Any:
    before, _, name = path.rpartition(".")
    if before == "tile":
        return device.tile[0 if name == "inputs" else 1]
    if path == "least_utilisation":  # in percent in a file, a share here
        return float(Decimal(repr(device.least_utilisation)) * 100)
    owner = {"training": device.training, "costs": device.costs}.get(before, device)
    return getattr(owner, _NAMES.get(path, name))


def _unit(example: str, path: str) -> str:
    """The unit in which a value of the field is held."""
    parts = split_quantity(example.strip("[]").partition(",")[0])
    kind = None if parts is None else kind_of_unit(parts[1])
    return "" if kind is None else next(unit for unit, scale in UNITS[kind].items() if scale == "1")


def _written(value: Any, unit: str) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(_written(item, unit) for item in value)}]" if value else "any"
        case int() | float():
            return f"{value!r} {unit}".rstrip()
        case str() if not value.isidentifier():
            return json.dumps(value)  # JSON's strings are YAML's
    return str(value)
