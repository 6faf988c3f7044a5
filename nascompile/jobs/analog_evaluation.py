"""How good a network on analog tiles is at times after its programming, over repeated programmings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nascompile.analog.device import Device
from nascompile.analog.moments import label_of, unknown_time
from nascompile.analog.quantities import UNITS, in_own_unit, split_quantity
from nascompile.config.analog import PROGRAMMINGS, TIMES
from nascompile.data.dataset import Patches
from nascompile.data.task import Task
from nascompile.diagnostics import NasError, did_you_mean, error
from nascompile.jobs.together import Noting, Repeating, compute_together
from nascompile.source import Span
from nascompile.train.evaluate import evaluate
from nascompile.train.metrics import interval
from nascompile.train.predict import evaluating
from nascompile.train.progress import Report, silent
from nascompile.train.seed import derive, seeded

if TYPE_CHECKING:
    from nascompile.backends.analog.network import AnalogNetwork

Measure = Callable[[torch.nn.Module], float]
"""A network's metric."""

_PROGRAMMING, _DRIFT, _READING = 11, 12, 13  # what tells the seeds of parts of a measurement apart


@dataclass(frozen=True, slots=True)
class OverTime:
    """`values[seconds][programming]` of a metric; NaN where it is not defined."""

    values: Mapping[float, tuple[float, ...]]

    @property
    def mean(self) -> dict[float, float]:
        """Over the programmings, by time."""
        return {t: float(np.mean(kept)) if (kept := _defined(v)) else float("nan") for t, v in self.values.items()}

    @property
    def std(self) -> dict[float, float]:
        """The spread over the programmings (n - 1), by time."""
        return {
            t: float(np.std(kept, ddof=1)) if len(kept := _defined(v)) > 1 else float("nan")
            for t, v in self.values.items()
        }

    def as_json(self, labels: Mapping[float, str]) -> dict[str, Any]:
        """By label: seconds, mean, spread, a 95 % bootstrap interval of the mean over programmings, all values."""
        rows = {}
        for seconds, values in self.values.items():
            low, high = interval(values, 0)
            rows[labels[seconds]] = {
                "seconds": seconds,
                "mean": _plain(self.mean[seconds]),
                "std": _plain(self.std[seconds]),
                "low": _plain(low),
                "high": _plain(high),
                "values": [_plain(v) for v in values],
            }
        return rows


def _defined(values: Sequence[float]) -> list[float]:
    return [v for v in values if not np.isnan(v)]


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def over_time(
    network: AnalogNetwork,
    measure: Measure,
    times: Sequence[float],
    programmings: int = PROGRAMMINGS,
    seed: int = 0,
    report: Report = silent,
) -> OverTime:
    """Program the network's clean weights anew `programmings` times, and measure each at `times` (seconds after it).

    A value is a function of (seed, number of the programming, time): more times or programmings change no other, and
    drift starts at what was programmed, never at an earlier drift. The network is clean again afterwards. Raises
    NasError (`unknown-time`) for times that the technology is not characterised at.
    """
    values: dict[float, list[float]] = {seconds: [] for seconds in times}
    done = 0
    try:
        for number in range(programmings):
            network.program(derive(seed, _PROGRAMMING, number))
            for seconds in values:
                moment = round(seconds * 1000)
                network.drift(seconds, derive(seed, _DRIFT, number, moment))
                with seeded(seed, _READING, number, moment):
                    values[seconds].append(measure(network))
                done += 1
                report(done / (programmings * len(values)), {"programming": number + 1, "seconds": seconds})
    finally:
        network.clean()
    return OverTime({seconds: tuple(found) for seconds, found in values.items()})


def task_measure(
    task: Task,
    images: Patches,
    device: torch.device,
    name: str | None = None,
    digital: torch.nn.Module | None = None,
) -> Measure:
    """The task's metric (or another one) over whole images that were read already.

    With `digital`, any network of the same inputs and outputs, all images are computed together (`together.py`). That
    changes no result but for rounding and for which numbers noise is made of.
    """
    wanted = name or task.metric

    def score(network: torch.nn.Module) -> float:
        found = evaluate(network, task, images, device, metrics=(wanted,), resamples=1)
        return found.summaries[wanted].value

    if digital is None:
        return score
    noting = Noting(digital.to(device))
    score(noting)
    inputs = noting.inputs
    if inputs is None:
        return score

    def measure(network: torch.nn.Module) -> float:
        with evaluating(network):
            outputs = compute_together(network, inputs)
        return score(Repeating(outputs, getattr(network, "output_names", ())))

    return measure


Times = tuple[tuple[str, float], ...]
"""Labels with seconds."""


def times_of(device: Device, wanted: Times | None = None, span: Span | None = None) -> Times:
    """What was asked for, else what the device is characterised at, else `TIMES`.

    Raises NasError (`unknown-time`) for a time that the device says nothing of.
    """
    if wanted is None:
        return tuple((label_of(t), t) for t in device.times) or tuple(TIMES.items())
    for label, seconds in wanted:
        if problem := unknown_time(device, label, seconds, span):
            raise NasError([problem])
    return wanted


def read_times(text: str) -> Times:
    """`1 s, 1 hour, 1 day` of a command line; of a time that is there twice the first.

    Raises NasError (`bad-value`, `missing-unit`, `wrong-unit`).
    """
    found: dict[str, float] = {}
    for part in (" ".join(p.split()) for p in text.split(",") if p.strip()):
        number = split_quantity(part)
        hint = "write `--times '1 s, 1 hour, 1 day, 1 month'`"
        if number is None:
            raise error("bad-value", f"`{part}` is no time", hint=hint)
        if not number[1]:
            raise error("missing-unit", f"`{part}` has no unit", hint=hint)
        if number[1] not in UNITS["time"]:
            near = did_you_mean(number[1], UNITS["time"])
            raise error("wrong-unit", f"`{number[1]}` is no unit of time", hint=near or hint)
        seconds = in_own_unit(*number, "time")
        if seconds not in found.values():
            found[part] = seconds
    if not found or min(found.values()) < 0:
        raise error("bad-value", f"`{text}` holds no times", hint="write `--times '1 s, 1 hour'`")
    return tuple(found.items())


__all__ = ["TIMES", "Measure", "OverTime", "Times", "label_of", "over_time", "read_times", "task_measure", "times_of"]
