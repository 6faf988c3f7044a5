"""What the values of a device file are together: which contradict each other, and which a technology does not have."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

ACCEPTANCES = (0.2, 2.0)
"""Percent, with which `cmo` was measured."""

MEASURED: Mapping[str, tuple[float, ...]] = {"reram": (1.0, 86400.0, 172800.0)}
"""Seconds at which a technology was measured, where its noise model does not say what is between them."""

# Scales of parts that a technology's noise model does not have, and why not.
_ABSENT = {
    "ideal": (("noise.programming", "noise.read", "noise.drift"), "`ideal` cells have no noise"),
    "reram": (("noise.read", "noise.drift"), "of `reram` one spread is known at each time, which `programming` scales"),
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Values that are each for themselves right. `paths` are the fields to point at, the likeliest first."""

    message: str
    hint: str
    paths: tuple[str, ...]


def absent_parts(values: Mapping[str, Any], said: Container[str]) -> dict[str, Any]:
    """The fields that a technology has otherwise than the file that a device was taken from: scales of parts that it
    lacks, and the times at which it was measured. What the device's own file says (`said`) is as it says."""
    technology = values["technology"]
    found: dict[str, Any] = {path: 0.0 for path in _ABSENT.get(technology, ((), ""))[0] if path not in said}
    known = MEASURED.get(technology)
    if known and not _are_known(values["noise.times"], known):
        found["noise.times"] = known
    return found


def disagreements(values: Mapping[str, Any], said: Container[str]) -> list[Disagreement]:
    """Everything that is wrong; `values` may lack fields, and `said` are those of the device's own file."""
    found: list[Disagreement] = []

    def complain(message: str, hint: str, *paths: str) -> None:
        found.append(Disagreement(message, hint, paths))

    technology = values.get("technology")
    if "cells.g_min" in values and values["cells.g_min"] >= values.get("cells.g_max", float("inf")):
        complain("`g_min` is not below `g_max`", "a weight needs a range of conductances", "cells.g_min", "cells.g_max")
    if values.get("converters.adc") is not None and values.get("converters.out_bound", 1) is None:
        hint = "say `out_bound: 10`, or leave outputs unconverted as well: `adc: none`"
        complain("an ADC has no range without `out_bound`", hint, "converters.out_bound", "converters.adc")
    if technology == "cmo" and values.get("cells.storage", "single") != "single":
        complain("`cmo` stores a weight in one device", "write `storage: single`", "cells.storage", "technology")
    if technology != "cmo" and values.get("noise.acceptance") is not None:
        complain(f"`{technology}` has no acceptance range", "only `cmo` has", "noise.acceptance", "technology")
    if technology == "cmo" and values.get("noise.acceptance") not in ACCEPTANCES:
        hint = "cells were measured with `acceptance: 0.2 %` and `acceptance: 2 %`"
        complain("nothing is known of this acceptance range", hint, "noise.acceptance", "technology")
    paths, reason = _ABSENT.get(str(technology), ((), ""))
    for path in paths:
        if path in said and values.get(path):
            complain(reason, f"write `{path.rpartition('.')[2]}: 0`, or leave it out", path)
    known = MEASURED.get(str(technology))
    if known and "noise.times" in said and not _are_known(values["noise.times"], known):
        hint = "write `times: [1 s, 1 day, 2 days]`, or some of them"
        complain(f"`{technology}` was measured at certain times only", hint, "noise.times")
    return found


def _are_known(times: tuple[float, ...], known: tuple[float, ...]) -> bool:
    return bool(times) and set(times) <= set(known)
