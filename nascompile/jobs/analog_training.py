"""From a trained network to one on analog tiles: hardware-aware training beside a control, and both measured over time.

The control is the digital network trained for as many steps more, on the same batches at the same learning rates, and
then converted: what training for the device gives is seen against it, not against a network that was trained for less.
Both start from the digital weights and both end with their last weights: a validation sees clean weights and cannot
choose those that bear the device best.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nascompile.analog.device import Device, HardwareAware
from nascompile.analog.device_text import device_text
from nascompile.backends.analog.network import AnalogNetwork, analog
from nascompile.backends.analog.state import state_bytes
from nascompile.backends.pytorch import Network
from nascompile.config.analog import AnalogStage
from nascompile.config.search import Training
from nascompile.data.dataset import batch_at
from nascompile.data.task import Task
from nascompile.ir.program import Program
from nascompile.jobs.analog_evaluation import Times, over_time, task_measure, times_of
from nascompile.jobs.contest import Announce, add_timing
from nascompile.jobs.networks import make, save_weights
from nascompile.jobs.training import Data, train_config, whole_images
from nascompile.runs import Run, read_json, write_json, write_table
from nascompile.space.genotype import Genotype
from nascompile.train.budget import Budget
from nascompile.train.checkpoint import write_atomically
from nascompile.train.loop import fit

_CALIBRATION = 4
"""Batches that input ranges are taken from."""

AWARE = "hardware-aware"
CONTROL = "control"
PLAIN = "converted"
DIGITAL = "digital"


@dataclass(frozen=True, slots=True)
class AnalogPlan:
    """A trained network (`weights`, digital, by name), a device, and how to train and measure it there."""

    program: Program
    genotype: Genotype | None
    task: Task
    weights: dict[str, torch.Tensor]
    stage: AnalogStage
    device: Device
    digest: str

    @property
    def aware(self) -> HardwareAware:
        """The device's way of training, with what the text says otherwise."""
        return replace(self.device.training, **{name: getattr(self.stage, name) for name in self.stage.overrides})

    @property
    def times(self) -> Times:
        """Raises NasError (`unknown-time`)."""
        return times_of(self.device, self.stage.times, self.stage.span)

    def network(self) -> Network:
        """The digital network with its weights."""
        network = make(self.program, self.stage.training.seed)
        network.load_state_dict(self.weights)
        return network

    def converted(self, digital: torch.nn.Module, data: Data | None, *, aware: bool = False) -> AnalogNetwork:
        """A network on tiles of the device; `aware` trains it for them. Input ranges are taken from `data`."""
        network = analog(digital, self.program, self.device, training=self.aware if aware else None)
        training = self.stage.training
        if data is not None and self.device.input_range != "dynamic":
            network.calibrate(batch_at(data.train, training.batch, training.seed, n).image for n in range(_CALIBRATION))
        return network

    def identity(self) -> str:
        """What the outcome depends on: spec and genotype, digital weights, device, training."""
        found = hashlib.sha256()
        for name, tensor in sorted(self.weights.items()):
            found.update(f"{name}{tuple(tensor.shape)}".encode())
            found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        said = (self.digest, device_text(self.device), repr(self.stage.training), repr(self.aware))
        found.update("\n".join(said).encode())
        return found.hexdigest()


def state_name(device: Device) -> str:
    """The file of a run that holds the clean state of the network that was trained for a device."""
    return f"analog_{_word(device.name)}.safetensors"


def results_name(device: Device) -> str:
    """The file of a run that holds what was measured on a device."""
    return f"analog_{_word(device.name)}.json"


def control_name(device: Device) -> str:
    """The file of a run that holds the digital weights of the control."""
    return f"control_{_word(device.name)}.safetensors"


def _word(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def train_analog(
    plan: AnalogPlan, run: Run, data: Data, device: torch.device, announce: Announce, say: Callable[[str], None]
) -> dict[str, Any]:
    """Train for the device and the control beside it, measure all over time, and write states and results into the run.

    What is done already with the same settings is not done again. Returns the contents of `analog_DEVICE.json`.
    Raises KeyboardInterrupt after Ctrl-C (the run can be resumed), NasError as conversion, training and times do.
    """
    identity, times = plan.identity(), plan.times
    folder = run.path("analog") / _word(plan.device.name)
    kept = folder / "identity.json"
    if kept.exists() and read_json(kept).get("identity") != identity:
        say(f"what was trained for `{plan.device.name}` before had other weights or settings: it is trained anew")
        shutil.rmtree(folder)
    write_json(kept, {"identity": identity})
    aware = plan.converted(plan.network(), data, aware=True)
    training = plan.stage.training
    steps = _trained(aware, plan, training, run, folder / "hardware_aware", identity, data, device, announce, AWARE)
    genotype = "" if plan.genotype is None else plan.genotype.to_text("found", header=False)
    write_atomically(run.path(state_name(plan.device)), state_bytes(aware, plan.digest, genotype))
    control = plan.network()
    if training.budget.unit == "seconds":  # as many steps, however long they take
        training = replace(training, budget=Budget(float(steps), "steps"))
    _trained(control, plan, training, run, folder / "control", identity, data, device, announce, CONTROL)
    metadata = {"digest": plan.digest, "genotype": genotype}
    save_weights(run.path(control_name(plan.device)), control.state_dict(), metadata)
    images = whole_images(plan.task, "test")
    measure = task_measure(plan.task, images, device, digital=plan.network())
    entries: dict[str, Any] = {}
    for name, digital in ((PLAIN, plan.network()), (AWARE, plan.network()), (CONTROL, control)):
        if name == AWARE:
            put_digital(aware, digital)
        network = aware if name == AWARE else plan.converted(digital, data)
        entries[name] = _measured(plan, name, digital, network, run, folder, identity, times, measure, device, announce)
    found = {
        "device": plan.device.name,
        "task": plan.task.name,
        "metric": plan.task.metric,
        "split": "test",
        "times": {label: seconds for label, seconds in times},
        "programmings": plan.stage.programmings,
        "training": _training_json(plan),
        "entries": entries,
    }
    write_json(run.path(results_name(plan.device)), found)
    return found


def _trained(
    network: torch.nn.Module,
    plan: AnalogPlan,
    training: Training,
    run: Run,
    folder: Path,
    identity: str,
    data: Data,
    device: torch.device,
    announce: Announce,
    title: str,
) -> int:
    """Train in place, with the last weights at the end; at once where it is done. Returns the number of steps."""
    config = train_config(training, plan.network().output_names, training.seed)
    with announce(f"train {title} for {plan.device.name}") as report:
        outcome = fit(
            network, data.task, data.train, data.val, config, folder,
            digest=f"{identity}/{title}", device=device, report=report,
        )  # fmt: skip
    write_table(folder / "metrics.csv", outcome.history)
    if not outcome.finished:
        raise KeyboardInterrupt
    add_timing(run, f"train {title} {plan.device.name}", outcome.seconds)
    return outcome.step


def _measured(
    plan: AnalogPlan,
    name: str,
    digital: torch.nn.Module,
    network: AnalogNetwork,
    run: Run,
    folder: Path,
    identity: str,
    times: Times,
    measure: Callable[[torch.nn.Module], float],
    device: torch.device,
    announce: Announce,
) -> dict[str, Any]:
    """One network over time and computed digitally; kept while nothing changes."""
    asked = {"identity": identity, "times": dict(times), "programmings": plan.stage.programmings}
    path = folder / f"{_word(name)}.json"
    if path.exists() and (before := read_json(path)).get("asked") == json.loads(json.dumps(asked)):
        return dict(before["entry"])
    network.to(device).eval()
    begun = time.monotonic()
    plain = measure(digital.to(device))
    add_timing(run, f"measure {name} digitally", time.monotonic() - begun)
    begun = time.monotonic()
    with announce(f"measure {name} on {plan.device.name}") as report:
        found = over_time(
            network, measure, [t for _, t in times], plan.stage.programmings, plan.stage.training.seed, report
        )
    add_timing(run, f"measure {name} on {plan.device.name}", time.monotonic() - begun)
    labels = {seconds: label for label, seconds in times}
    entry = {"digital": plain if plain == plain else None, "times": found.as_json(labels)}
    write_json(path, {"asked": asked, "entry": entry})
    return entry


def put_digital(network: AnalogNetwork, digital: torch.nn.Module) -> None:
    """Put a network's clean weights into the digital network of the same names, which has no input ranges."""
    own = digital.state_dict()
    digital.load_state_dict({name: value for name, value in network.clean_state().items() if name in own})


def _training_json(plan: AnalogPlan) -> dict[str, Any]:
    training, aware = plan.stage.training, plan.aware
    return {
        "optimiser": training.optimiser.name,
        "budget": f"{training.budget.amount:g} {training.budget.unit}",
        "seed": training.seed,
        "noise": aware.noise,
        "clip_sigma": aware.clip_sigma,
        "remap": aware.remap,
    }
