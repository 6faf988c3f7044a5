"""Measuring trained networks on a device without training them for it: `nascompile evaluate --device pcm`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nascompile.analog.device import with_bits
from nascompile.backends.analog.network import AnalogNetwork, analog
from nascompile.backends.analog.state import AnalogState, kind_of, put_state, read_state
from nascompile.data.task import SplitName
from nascompile.jobs.analog_evaluation import over_time, task_measure
from nascompile.jobs.analog_training import AWARE, PLAIN, AnalogPlan, put_digital, state_name
from nascompile.jobs.contest import Announce
from nascompile.jobs.networks import load_weights
from nascompile.jobs.training import Data, whole_images
from nascompile.runs import Run


def states_of(run: Run, plan: AnalogPlan, weights: Path | None) -> dict[str, AnalogState | None]:
    """What to measure by name: the digital weights as they are converted (None), and states that were trained.

    Of a run its weights and the state for the device, if it has one; with `weights` that file alone. Raises NasError:
    `not-a-clean-state`, `missing-file`, `unreadable-weights`.
    """
    if weights is not None:
        return {weights.stem: None if kind_of(weights) == "digital" else read_state(weights)}
    found: dict[str, AnalogState | None] = {PLAIN: None}
    path = run.path(state_name(plan.device))
    if path.exists():
        found[AWARE] = read_state(path)
    return found


def measure_on_device(
    plan: AnalogPlan,
    states: dict[str, AnalogState | None],
    split: SplitName,
    metric: str,
    bits: Sequence[int],
    device: torch.device,
    announce: Announce,
) -> dict[str, Any]:
    """Every state over time, with the device's converters or once for each of `bits`; as `train_analog` returns it.

    Raises NasError: `state-of-another-network`, `state-of-another-device`, `unknown-time`, and what conversion gives.
    """
    data = Data.of(plan.task, plan.stage.training.seed) if plan.device.input_range != "dynamic" else None
    measure = task_measure(plan.task, whole_images(plan.task, split), device, metric, plan.network())
    labels = {seconds: label for label, seconds in plan.times}
    entries: dict[str, Any] = {}
    for name, state in states.items():
        digital: float | None = None
        for own in [with_bits(plan.device, count) for count in bits] or [plan.device]:
            network = _network(replace(plan, device=own), state, data).to(device)
            title = f"{name}, {own.dac_bits} bits" if bits else name
            if digital is None:
                plain = plan.network()
                put_digital(network, plain)
                digital = measure(plain.to(device))
            with announce(f"measure {title} on {own.name}") as report:
                found = over_time(
                    network, measure, list(labels), plan.stage.programmings, plan.stage.training.seed, report
                )
            entries[title] = {"digital": digital if digital == digital else None, "times": found.as_json(labels)}
    return {
        "device": plan.device.name,
        "task": plan.task.name,
        "metric": metric,
        "split": split,
        "times": {label: seconds for label, seconds in plan.times},
        "programmings": plan.stage.programmings,
        "entries": entries,
    }


def _network(plan: AnalogPlan, state: AnalogState | None, data: Data | None) -> AnalogNetwork:
    if state is None:
        network = plan.converted(plan.network(), data)
    else:  # made as it was trained: without remapping a state has the scales of its tiles
        network = analog(plan.network(), plan.program, plan.device, training=state.device.training)
        put_state(state, network, digest=plan.digest)
    network.eval()
    return network


def with_choices(
    plan: AnalogPlan, times: tuple[tuple[str, float], ...] | None, programmings: int | None, weights: Path | None
) -> AnalogPlan:
    """The plan with what a command line says otherwise: times, programmings, digital weights.

    Raises NasError (`unknown-time`, `unreadable-weights`).
    """
    stage = plan.stage
    if times is not None:
        stage = replace(stage, times=times, span=None)
    if programmings is not None:
        stage = replace(stage, programmings=programmings)
    own = plan.weights
    if weights is not None and kind_of(weights) == "digital":
        own, _ = load_weights(weights)
    changed = replace(plan, stage=stage, weights=own)
    assert changed.times
    return changed
