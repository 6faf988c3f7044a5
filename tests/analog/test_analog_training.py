"""Training for a device: the same bytes for the same seed, killed or not; a control that differs in nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_bench import CPU, Bench, quiet

from nascompile.analog.device import HardwareAware
from nascompile.backends.analog.state import read_state
from nascompile.config.search import Optimiser
from nascompile.jobs.analog_training import AWARE, CONTROL, PLAIN, AnalogPlan, train_analog
from nascompile.jobs.networks import load_weights
from nascompile.runs import Run, read_json
from nascompile.train.budget import Budget
from nascompile.train.checkpoint import load_checkpoint
from nascompile.train.loop import LAST
from nascompile.train.progress import Report, silent


def train(bench: Bench, plan: AnalogPlan, run: Run) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    return train_analog(plan, run, bench.data, CPU, quiet, said.append), said


def written(run: Run) -> dict[str, bytes]:
    names = ("analog_pcm.safetensors", "control_pcm.safetensors", "analog_pcm.json")
    histories = [f"analog/pcm/{kind}/metrics.csv" for kind in ("hardware_aware", "control")]
    return {name: run.path(name).read_bytes() for name in (*names, *histories)}


def aware(plan: AnalogPlan, **changes: Any) -> AnalogPlan:
    stage = replace(plan.stage, overrides=frozenset(changes), **changes)
    return replace(plan, stage=stage)


def test_the_outcome_and_the_same_bytes_again(bench: Bench) -> None:
    plan, first, second = bench.plan(), bench.run("first"), bench.run("second")
    found, _ = train(bench, plan, first)
    assert list(found["entries"]) == [PLAIN, AWARE, CONTROL]
    for entry in found["entries"].values():
        assert 0 <= entry["digital"] <= 1
        assert [len(at["values"]) for at in entry["times"].values()] == [2, 2]
    torch.manual_seed(99)
    train(bench, plan, second)
    assert written(first) == written(second)
    other = bench.run("other")
    training = replace(plan.stage.training, seed=1)
    train(bench, replace(plan, stage=replace(plan.stage, training=training)), other)
    assert written(other)["analog_pcm.safetensors"] != written(first)["analog_pcm.safetensors"]


def test_what_is_done_is_not_done_again_unless_settings_change(bench: Bench) -> None:
    plan, run = bench.plan(), bench.run("run")
    train(bench, plan, run)
    before = run.path("analog/pcm/hardware_aware/" + LAST).stat().st_mtime_ns
    more = replace(plan, stage=replace(plan.stage, programmings=3))
    found, said = train(bench, more, run)
    assert run.path("analog/pcm/hardware_aware/" + LAST).stat().st_mtime_ns == before and not said
    assert len(found["entries"][AWARE]["times"]["1 s"]["values"]) == 3
    _, said = train(bench, aware(plan, noise=0.2), run)
    assert len(said) == 1 and "anew" in said[0]
    assert run.path("analog/pcm/hardware_aware/" + LAST).stat().st_mtime_ns != before


class Killed(Exception):
    """In the place of SIGKILL: nothing is tidied up on the way out."""


@pytest.mark.parametrize(
    ("title", "remap"),
    [
        ("train hardware-aware", True),
        pytest.param("train hardware-aware", False, marks=pytest.mark.slow),
        pytest.param("train control", True, marks=pytest.mark.slow),
        pytest.param("measure hardware-aware", True, marks=pytest.mark.slow),
    ],
)
def test_killed_and_resumed_ends_in_the_same_bytes(bench: Bench, title: str, remap: bool) -> None:
    training = replace(bench.plan().stage.training, budget=replace(bench.plan().stage.training.budget, amount=20))
    plan = aware(bench.plan(training=training), remap=remap, clip_sigma=1.5, noise=0.1)
    whole, torn = bench.run("whole"), bench.run("torn")
    train(bench, plan, whole)
    steps = load_checkpoint(whole.path("analog/pcm/hardware_aware/" + LAST))["history"]
    assert len(steps) > 1  # a checkpoint lies before the kill, and it is not the last one

    @contextmanager
    def until(stage: str) -> Iterator[Report]:
        def report(done: float, shown: Mapping[str, Any]) -> None:
            if stage.startswith(title) and done > 0.7:
                raise Killed

        yield report if title in stage else silent

    with pytest.raises(Killed):
        train_analog(plan, torn, bench.data, CPU, until, print)
    train(bench, plan, torn)
    assert written(torn) == written(whole)
    for kind in ("hardware_aware", "control"):
        ended = [load_checkpoint(run.path(f"analog/pcm/{kind}/{LAST}")) for run in (whole, torn)]
        assert same({**ended[0], "seconds": 0}, {**ended[1], "seconds": 0})


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def test_the_control_sees_the_same_batches_at_the_same_rates(bench: Bench) -> None:
    """On ideal tiles without noise and clipping both trainings are one: any other order or rate would show."""
    plan = aware(bench.plan(device="ideal", times=None), noise=0.0, clip_sigma=None, remap=True)
    run = bench.run("run")
    train(bench, plan, run)
    state = read_state(run.path("analog_ideal.safetensors"))
    control, _ = load_weights(run.path("control_ideal.safetensors"))
    start = plan.weights
    assert state.tensors.keys() == control.keys()
    for name, value in control.items():
        assert torch.allclose(state.tensors[name].float(), value.float(), rtol=1e-4, atol=1e-6), name
    assert any(not torch.allclose(start[name].float(), v.float(), atol=1e-4) for name, v in control.items())
    noisy, _ = train(bench, aware(bench.plan(), noise=0.3), bench.run("noisy"))
    assert noisy["training"]["noise"] == 0.3
    ended = read_state(bench.folder / "noisy" / "analog_pcm.safetensors").tensors
    assert any(not torch.allclose(ended[n].float(), v.float(), atol=1e-3) for n, v in control.items())


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_plain_optimisers_cannot_skip_clipping(bench: Bench, name: str) -> None:
    training = replace(bench.plan().stage.training, optimiser=Optimiser(name, {"lr": 0.01}))
    plain = bench.plan(training=training)
    tight, loose = aware(plain, clip_sigma=1.0, noise=0.0), aware(plain, clip_sigma=None, noise=0.0)
    largest = {}
    for label, plan in (("tight", tight), ("loose", loose)):
        run = bench.run(f"{name}_{label}")
        train(bench, plan, run)
        folder = run.path("analog/pcm/hardware_aware")
        for tensors in (read_state(run.path("analog_pcm.safetensors")).tensors, _weights(folder / LAST)):
            weight = next(v for n, v in tensors.items() if v.dim() == 4)
            scaled = weight.flatten(1) / weight.flatten(1).abs().amax(1, keepdim=True)
            largest.setdefault(label, []).append(float((scaled.abs() > 0.98).float().mean()))
    # Columns that were clipped at one standard deviation have many weights at their largest value.
    assert min(largest["tight"]) > 2 * max(largest["loose"])


def _weights(path: Path) -> Mapping[str, torch.Tensor]:
    found: Mapping[str, torch.Tensor] = load_checkpoint(path)["weights"]
    return found


def test_the_way_of_training_is_the_devices_with_what_the_text_says(bench: Bench) -> None:
    assert bench.plan().aware == HardwareAware(0.06, 2.5, True)
    assert aware(bench.plan(), clip_sigma=None).aware == HardwareAware(0.06, None, True)


def test_a_budget_in_seconds_gives_the_control_as_many_steps(bench: Bench) -> None:
    training = replace(bench.plan().stage.training, budget=Budget(1.5, "seconds"))
    run = bench.run("run")
    train(bench, bench.plan(training=training), run)
    steps = [load_checkpoint(run.path(f"analog/pcm/{kind}/{LAST}"))["step"] for kind in ("hardware_aware", "control")]
    assert steps[0] == steps[1] > 0


def test_results_are_plain_json(bench: Bench) -> None:
    run = bench.run("run")
    found, _ = train(bench, bench.plan(), run)
    assert read_json(run.path("analog_pcm.json")) == found
