"""Training on the shipped nuclei: it learns, resumes bit for bit, and fails with words."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nascompile.data.dataset import Patches, datasets
from nascompile.data.task import Task
from nascompile.diagnostics import NasError
from nascompile.train.budget import Budget
from nascompile.train.checkpoint import load_checkpoint
from nascompile.train.evaluate import evaluate
from nascompile.train.loop import BEST, LAST, Outcome, TrainConfig, fit, load_weights
from nascompile.train.losses import make_loss
from nascompile.train.optimisers import make_schedule

DIGEST = "0123456789abcdef"
Net = Callable[[], nn.Module]


def config(steps: float = 12, **changes: Any) -> TrainConfig:
    base = TrainConfig(
        Budget(steps, "steps"),
        make_loss("dice_ce"),
        batch=3,
        optimiser="sgd",
        options={"lr": 0.05},
        schedule=make_schedule("cosine"),
        mix=0.4,
        clip=5.0,
        seed=1,
    )
    return replace(base, **changes)


@pytest.fixture
def sets(nuclei: Task) -> tuple[Patches, Patches]:
    return datasets(nuclei, "train", seed=1), datasets(nuclei, "val")


def run(
    net: nn.Module, task: Task, sets: tuple[Patches, Patches], settings: TrainConfig, folder: Path, **options: Any
) -> Outcome:
    return fit(net, task, *sets, settings, folder, digest=DIGEST, device=torch.device("cpu"), **options)


def same(a: Any, b: Any) -> bool:
    """Equal trees, tensors bit by bit; time does not count."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a if k != "seconds")
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


class Killed(Exception):
    """Stands for a crash in the middle of an epoch."""


def crash_at(step: int) -> Any:
    def report(done: float, numbers: Mapping[str, float]) -> None:
        if numbers["step"] == step:
            raise Killed

    return report


def test_training_learns(net: nn.Module, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path) -> None:
    settings = config(60, mix=0.0, optimiser="adam", options={"lr": 0.02})
    untrained = evaluate(net, nuclei, sets[1], torch.device("cpu")).summaries["dice"].value
    outcome = run(net, nuclei, sets, settings, tmp_path)
    assert outcome.finished and outcome.step == 60
    assert outcome.history[-1]["loss"] < 0.8 * outcome.history[0]["loss"]
    assert outcome.best is not None and outcome.best["dice"] > max(0.38, 1.5 * untrained)
    assert outcome.best["dice"] == max(h["dice"] for h in outcome.history)
    best = load_checkpoint(tmp_path / BEST, DIGEST)
    assert best["at"] == outcome.best
    load_weights(tmp_path / BEST, net, DIGEST)
    assert same(net.state_dict(), best["weights"])


@pytest.mark.parametrize("crash", [1, 5, 6, 11])
def test_crashed_and_resumed_equals_uninterrupted(
    make_net: Net, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path, crash: int
) -> None:
    settings = config(save_seconds=0.0)
    whole = run(make_net(), nuclei, sets, settings, tmp_path / "whole")
    with pytest.raises(Killed):
        run(make_net(), nuclei, sets, settings, tmp_path / "torn", report=crash_at(crash))
    torch.manual_seed(12345)  # a new process has other global states
    again = run(make_net(), nuclei, sets, settings, tmp_path / "torn")
    assert again.history == whole.history and again.best == whole.best
    for name in (LAST, BEST):
        assert same(load_checkpoint(tmp_path / "torn" / name), load_checkpoint(tmp_path / "whole" / name))


def test_sparse_saving_resumes_as_well(
    make_net: Net, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path
) -> None:
    settings = config()
    whole = run(make_net(), nuclei, sets, settings, tmp_path / "whole")
    with pytest.raises(Killed):
        run(make_net(), nuclei, sets, settings, tmp_path / "torn", report=crash_at(8))
    assert load_checkpoint(tmp_path / "torn" / LAST)["step"] == 6
    assert run(make_net(), nuclei, sets, settings, tmp_path / "torn").history == whole.history


def test_finished_run_stays_as_it_is(
    make_net: Net, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path
) -> None:
    first = run(make_net(), nuclei, sets, config(6), tmp_path)
    files = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    again = run(make_net(), nuclei, sets, config(6), tmp_path)
    assert (again.finished, again.step, again.history, again.best) == (True, 6, first.history, first.best)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == files


def test_seed_matters(make_net: Net, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path) -> None:
    one = run(make_net(), nuclei, sets, config(6), tmp_path / "a")
    two = run(make_net(), nuclei, sets, config(6, seed=2), tmp_path / "b")
    assert one.history != two.history


def test_ctrl_c_stops_after_the_step_and_can_be_resumed(
    net: nn.Module, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path
) -> None:
    def press(done: float, numbers: Mapping[str, float]) -> None:
        if numbers["step"] == 4:
            signal.raise_signal(signal.SIGINT)

    outcome = run(net, nuclei, sets, config(), tmp_path, report=press)
    assert not outcome.finished and outcome.step == 4
    assert load_checkpoint(tmp_path / LAST)["step"] == 4
    outcome = run(net, nuclei, sets, config(), tmp_path)
    assert outcome.finished and outcome.step == 12


def test_checkpoint_of_another_spec_is_refused(
    net: nn.Module, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path
) -> None:
    run(net, nuclei, sets, config(3), tmp_path)
    with pytest.raises(NasError, match="checkpoint-of-another-spec"):
        fit(net, nuclei, *sets, config(3), tmp_path, digest="another", device=torch.device("cpu"))
    outcome = fit(net, nuclei, *sets, config(3), tmp_path, digest="another", device=torch.device("cpu"), resume=False)
    assert outcome.finished


def test_loss_that_is_nan(net: nn.Module, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path) -> None:
    settings = config(40, options={"lr": 1e30}, clip=None)
    with pytest.raises(NasError, match=r"loss-is-nan.*at step.*learning rate"):
        run(net, nuclei, sets, settings, tmp_path)


@pytest.mark.parametrize(("budget", "steps"), [(Budget(2, "epochs"), 6), (Budget(5, "steps"), 5)])
def test_budgets(
    net: nn.Module, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path, budget: Budget, steps: int
) -> None:
    outcome = run(net, nuclei, sets, config(budget=budget), tmp_path)
    assert outcome.step == steps
    assert outcome.history[-1]["step"] == steps  # the end is always validated


def test_budget_in_seconds(net: nn.Module, nuclei: Task, sets: tuple[Patches, Patches], tmp_path: Path) -> None:
    outcome = run(net, nuclei, sets, config(budget=Budget(0.5, "seconds")), tmp_path)
    assert outcome.finished and 0.5 <= outcome.seconds < 10


def test_classification_of_volumes(lidc: Task, tmp_path: Path) -> None:
    from nascompile.data.splits import load_splits
    from nascompile.train.seed import seeded

    splits = load_splits(lidc)
    train = datasets(lidc, splits.train[:24], seed=0)
    val = datasets(lidc, "val").subset(splits.val[:16])
    with seeded(0):
        module = nn.Sequential(
            nn.Conv3d(1, 4, 3, 2), nn.ReLU(), nn.Conv3d(4, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten()
        )
        module.append(nn.Linear(8, 2))
    settings = config(30, loss=make_loss("ce"), batch=8, mix=0.0, optimiser="adam", options={"lr": 0.02})
    outcome = run(module, lidc, (train, val), settings, tmp_path)
    assert outcome.best is not None and outcome.best["auc"] > 0.55
