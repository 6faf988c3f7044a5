"""The analog measures of a trial: its net on tiles of a device, programmed several times, and drifted."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from nascompile.analog.device import Device, find_device, load_device
from nascompile.config.deployed import FIRST, AnalogMeasure, is_file, measures_in
from nascompile.config.search import SearchConfig
from nascompile.data.dataset import Patches, batch_at
from nascompile.diagnostics import Diagnostic, NasError, error
from nascompile.ir.program import Program
from nascompile.jobs.analog_evaluation import label_of, over_time, times_of
from nascompile.train.seed import derive

_PROGRAMMED = 8  # what tells the seeds of programmings from those of trainings
_CALIBRATION = 4  # batches that input ranges are taken from, where a device has such


@dataclass(frozen=True, slots=True)
class AnalogTrials:
    """The analog measures that a search wants, and their devices by name, with digests of their files."""

    wanted: tuple[AnalogMeasure, ...]
    devices: Mapping[str, Device]
    digests: Mapping[str, str]

    def measured(
        self,
        network: torch.nn.Module,
        program: Program,
        measure: Callable[[torch.nn.Module], float],
        programmings: int,
        seed: int,
        images: Patches,
        batch: int,
        *,
        maximise: bool,
    ) -> dict[str, float]:
        """By the measure's name the mean over programmings of what `measure` gives of a network.

        A drop is what is lost since the first second of the same programmings: positive where the metric is worse,
        which `maximise` says the sense of. All follows from the trained `network`, its `program` and `seed`. `images`
        are the training's, for devices whose input ranges are calibrated. Raises NasError (`missing-package`,
        `metric-is-nan`).
        """
        from nascompile.backends.analog.network import analog

        found: dict[str, float] = {}
        for device in self.devices:
            own = [one for one in self.wanted if one.device == device]
            tiles = analog(network, program, self.devices[device])
            if self.devices[device].input_range != "dynamic":
                tiles.calibrate(batch_at(images, batch, seed, n).image for n in range(_CALIBRATION))
            moments = sorted({t for one in own for t in _moments(one)})
            mean = over_time(tiles, measure, moments, programmings, derive(seed, _PROGRAMMED)).mean
            for one in own:
                value = mean[one.seconds]
                if one.kind == "analog_drop":
                    value = (mean[FIRST] - value) * (1 if maximise else -1)
                if math.isnan(value):
                    raise error("metric-is-nan", f"{one.name} is not a number")
                found[one.name] = value
        return found


def analog_trials(config: SearchConfig, folder: Path) -> AnalogTrials:
    """The analog measures of objectives and conditions with their devices.

    A device's file is relative to `folder` (the text's) or else to the working directory. Raises NasError: what
    `load_device` raises, `unknown-time` for times that a device is not characterised at, and `missing-package`
    without aihwkit; all at their places.
    """
    expressions = [*(o.value for o in config.objectives), *config.where]
    wanted = tuple(dict.fromkeys(m for e in expressions for m in measures_in(e) if isinstance(m, AnalogMeasure)))
    devices: dict[str, Device] = {}
    digests: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for one in wanted:
        base = folder if is_file(one.device) and (folder / one.device).is_file() else None
        try:
            if one.device not in devices:
                path = find_device(one.device, base, one.span)
                devices[one.device] = load_device(one.device, base, one.span)
                digests[one.device] = hashlib.sha256(path.read_bytes()).hexdigest()
            times_of(devices[one.device], tuple((label_of(t), t) for t in _moments(one)), one.span)
        except NasError as failure:
            problems += failure.diagnostics
    if problems:
        raise NasError(dict.fromkeys(problems))
    if wanted:
        from nascompile.backends.analog.selftest import require_aihwkit

        require_aihwkit()
    return AnalogTrials(wanted, devices, digests)


def _moments(one: AnalogMeasure) -> tuple[float, ...]:
    return (FIRST, one.seconds) if one.kind == "analog_drop" else (one.seconds,)
