"""When a device can be measured: which times after programming its technology is characterised at."""

from __future__ import annotations

from functools import cache

from nascompile.analog.device import Device, load_device, outside_model
from nascompile.analog.quantities import UNITS
from nascompile.diagnostics import Diagnostic, Label
from nascompile.source import Span

_LARGEST_FIRST = tuple((unit, float(UNITS["time"][unit])) for unit in ("year", "month", "day", "hour", "minute"))


def label_of(seconds: float) -> str:
    """`1 month`, `2 days`, `90 s`."""
    for unit, size in _LARGEST_FIRST:
        if seconds >= size and seconds % size == 0:
            count = round(seconds / size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds:g} s"


def unknown_time(device: Device, label: str, seconds: float, span: Span | None = None) -> Diagnostic | None:
    """`unknown-time` where a device says nothing of a time, written as `label`; None for a time that it knows."""
    why = outside_model(device, seconds)
    if not why and device.times and seconds not in device.times:
        why = f"its times are {', '.join(label_of(t) for t in device.times)}"
    if not why:
        return None
    message = f"`{device.name}` is not characterised at {label}"
    return Diagnostic("unknown-time", message, None if span is None else Label(span), hint=why)


@cache
def shipped_device(name: str) -> Device:
    """A device that ships, read once. Raises NasError (`unknown-device`)."""
    return load_device(name)
