"""Metrics over time and programmings: functions of seed, programming and time alone."""

from __future__ import annotations

import pytest
import torch
from tiny_bench import CPU, Bench

from nascompile.analog.device import load_device
from nascompile.backends.analog.network import AnalogNetwork
from nascompile.diagnostics import NasError
from nascompile.jobs.analog_evaluation import (
    TIMES,
    label_of,
    over_time,
    read_times,
    task_measure,
    times_of,
)
from nascompile.jobs.together import Noting
from nascompile.jobs.training import whole_images

DAY = 86400.0


def made(bench: Bench, device: str = "pcm") -> AnalogNetwork:
    plan = bench.plan(device=device)
    return plan.converted(plan.network(), None)


def probe(network: torch.nn.Module) -> float:
    """Something that every change of a weight or of noise changes."""
    with torch.no_grad():
        return float(network(torch.linspace(-1, 1, 256).view(1, 1, 16, 16)).square().mean())


def test_other_times_and_more_programmings_change_no_value(bench: Bench) -> None:
    few = over_time(made(bench), probe, [1.0, DAY], 2, seed=5)
    many = over_time(made(bench), probe, [60.0, DAY, 1.0, 30 * DAY], 3, seed=5)
    for seconds in (1.0, DAY):
        assert few.values[seconds] == many.values[seconds][:2]
    assert len({v for row in many.values.values() for v in row}) == 12
    assert over_time(made(bench), probe, [1.0], 2, seed=6).values[1.0] != few.values[1.0]


def test_randomness_elsewhere_changes_nothing_and_is_left_alone(bench: Bench) -> None:
    torch.manual_seed(1)
    first = over_time(made(bench), probe, [1.0], 2)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert over_time(made(bench), probe, [1.0], 2).values == first.values
    assert torch.equal(before, torch.get_rng_state())


def test_the_network_is_clean_afterwards(bench: Bench) -> None:
    network = made(bench)
    before = {name: value.clone() for name, value in network.clean_state().items()}
    over_time(network, probe, [DAY], 2)
    assert not network.is_programmed
    assert all(torch.equal(before[name], value) for name, value in network.clean_state().items())

    def broken(network: torch.nn.Module) -> float:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        over_time(network, broken, [DAY], 2)
    assert not network.is_programmed


def test_drift_without_compensation_shrinks_what_a_network_says(bench: Bench) -> None:
    from dataclasses import replace

    from nascompile.backends.analog.network import analog

    plan = bench.plan()
    bare = analog(plan.network(), plan.program, replace(plan.device, compensation="none", output_noise=0.0))
    found = over_time(bare, lambda network: float(sum(_held(network))), [1.0, 30 * DAY], 3)
    assert found.mean[30 * DAY] < 0.8 * found.mean[1.0]
    assert found.std[1.0] > 0


def _held(network: torch.nn.Module) -> list[float]:
    assert isinstance(network, AnalogNetwork)
    return [float(held.weights.abs().sum()) for layer in network.layers() for held in layer.held or ()]


def test_means_spreads_and_intervals(bench: Bench) -> None:
    values = iter([1.0, 2.0, 6.0])
    found = over_time(made(bench), lambda network: next(values), [1.0], 3)
    assert found.mean[1.0] == 3.0
    assert found.std[1.0] == pytest.approx(7**0.5)
    row = found.as_json({1.0: "1 s"})["1 s"]
    assert row["values"] == [1.0, 2.0, 6.0] and 1.0 <= row["low"] < 3.0 < row["high"] <= 6.0
    nothing = over_time(made(bench), lambda network: float("nan"), [1.0], 2).as_json({1.0: "1 s"})["1 s"]
    assert nothing["mean"] is None and nothing["values"] == [None, None]


def test_all_images_together_score_as_one_by_one(bench: Bench) -> None:
    task, network = bench.data.task, made(bench, "ideal")
    images = whole_images(task, "test")
    noting = Noting(bench.plan().network())
    task_measure(task, images, CPU)(noting)
    assert noting.inputs is not None and len(noting.inputs) > len(images)  # windows of whole images
    together = task_measure(task, images, CPU, digital=bench.plan().network())
    assert together(network) == pytest.approx(task_measure(task, images, CPU)(network), abs=1e-6)
    assert together(network) == together(network)


def test_times_that_a_device_does_not_know(bench: Bench) -> None:
    assert times_of(load_device("pcm")) == tuple(TIMES.items())
    assert [label for label, _ in times_of(load_device("reram"))] == ["1 s", "1 day", "2 days"]
    with pytest.raises(NasError) as caught:
        times_of(load_device("reram"), (("1 hour", 3600.0),))
    assert caught.value.diagnostics[0].code == "unknown-time"
    for name, text in (("pcm", "1e400 s"), ("cmo", "1 ns")):
        with pytest.raises(NasError) as caught:
            times_of(load_device(name), read_times(text))
        assert caught.value.diagnostics[0].code == "unknown-time"


def test_times_of_a_command_line() -> None:
    assert read_times("1 s, 2  hours,1.5 days") == (("1 s", 1.0), ("2 hours", 7200.0), ("1.5 days", 1.5 * DAY))
    for text, code in (("1", "missing-unit"), ("1 lightyear", "wrong-unit"), ("soon", "bad-value"), ("", "bad-value")):
        with pytest.raises(NasError) as caught:
            read_times(text)
        assert caught.value.diagnostics[0].code == code
    assert read_times("1 hour, 60 minutes, 1 s") == (("1 hour", 3600.0), ("1 s", 1.0))  # one moment, one label
    assert [label_of(t) for t in (1.0, 90.0, 120.0, 7200.0, 2592000.0)] == [
        "1 s", "90 s", "2 minutes", "2 hours", "1 month",
    ]  # fmt: skip
