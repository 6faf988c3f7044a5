"""Plain training of one network: a budget, validation, the best weights, and exact resumption.

Everything random in a step is a function of (seed, step): batches, augmentation, mixing and dropout. So a run that was
killed and resumed ends in the same weights and metrics, bit for bit, as one that was not (on the same machine).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from nascompile.data.dataset import Batch, Patches, batch_at, batch_count
from nascompile.data.mixing import draw_mixture, mix_images, mix_loss
from nascompile.data.task import Task
from nascompile.train.budget import Budget
from nascompile.train.checkpoint import load_checkpoint, save_checkpoint
from nascompile.train.evaluate import evaluate
from nascompile.train.held import after_step, before_validation, put_weights, take_weights
from nascompile.train.interrupt import catch_interrupt
from nascompile.train.metrics import metric
from nascompile.train.optimisers import Schedule, constant, make_optimiser, set_learning_rate
from nascompile.train.progress import Report, silent
from nascompile.train.seed import derive, seed_step
from nascompile.train.step import Arithmetic, OutputLoss, Precision, arithmetic, batch_errors, descend, loss_at

LAST = "last.safetensors"
BEST = "best.safetensors"


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train. `optimiser` is a name of `OPTIMISERS`, `options` are its own.

    `mix` is mixup's alpha (0: none) over `mix_ways` images. `validate` is the number of epochs between two validations.
    `save_seconds` is the longest time that a kill can cost.
    """

    budget: Budget
    loss: OutputLoss
    batch: int = 8
    optimiser: str = "adamw"
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    schedule: Schedule = constant
    clip: float | None = None
    mix: float = 0.0
    mix_ways: int = 2
    precision: Precision = "auto"
    validate: int = 1
    save_seconds: float = 60.0
    seed: int = 0
    drop_last: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended. `finished` is False after Ctrl-C. `history` has one entry a validation."""

    finished: bool
    step: int
    epoch: float
    seconds: float
    history: tuple[Mapping[str, float], ...]
    best: Mapping[str, float] | None


@dataclass(slots=True)
class _State:
    """What changes while training, but for weights and optimiser."""

    step: int = 0
    seconds: float = 0.0
    losses: float = 0.0
    counted: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] | None = None


def fit(
    module: torch.nn.Module,
    task: Task,
    train: Patches,
    val: Patches,
    config: TrainConfig,
    folder: Path,
    *,
    digest: str,
    device: torch.device,
    resume: bool = True,
    report: Report = silent,
) -> Outcome:
    """Train `module` in place; write `last.safetensors` (everything) and `best.safetensors` (weights) into `folder`.

    With `resume` a `last.safetensors` of the same `digest` in `folder` is continued; without, it is removed. Returns
    early, and resumably, on Ctrl-C. Raises `NasError`: `loss-is-nan`, `out-of-memory`, `disk-full`,
    `checkpoint-of-another-spec`, and what data and names can give.
    """
    module.to(device)
    optimiser = make_optimiser(config.optimiser, module.parameters(), config.options)
    numbers = arithmetic(device, config.precision)
    wanted = metric(task.metric, task.kind, task.span("metric"))
    state = _State()
    if resume and (folder / LAST).exists():
        state = _restore(load_checkpoint(folder / LAST, digest), module, optimiser, numbers)
    else:
        (folder / LAST).unlink(missing_ok=True)
        (folder / BEST).unlink(missing_ok=True)
    per_epoch = batch_count(train, config.batch, drop_last=config.drop_last)

    def save() -> None:
        save_checkpoint(folder / LAST, _snapshot(state, module, optimiser, numbers), digest)

    with catch_interrupt() as interrupt, batch_errors(config.batch, task.patch):
        saved = started = time.monotonic()
        before = state.seconds
        done = config.budget.progress(state.step, per_epoch, state.seconds)
        while done < 1 and not interrupt.requested:
            rate = set_learning_rate(optimiser, config.schedule, done)
            batch = batch_at(train, config.batch, config.seed, state.step, drop_last=config.drop_last)
            value = _step(module, batch.to(device), optimiser, numbers, config, state.step)
            state.step += 1
            state.losses += value
            state.counted += 1
            state.seconds = before + time.monotonic() - started
            done = config.budget.progress(state.step, per_epoch, state.seconds)
            report(done, {"step": state.step, "loss": value, **_shown(state, task.metric)})
            if state.step % (per_epoch * config.validate) == 0 or done >= 1:
                _validate(module, task, val, device, state, rate, per_epoch, config.seed)
                latest = state.history[-1]
                if wanted.better(latest[task.metric], None if state.best is None else state.best[task.metric]):
                    state.best = dict(latest)
                    save_checkpoint(folder / BEST, {"weights": take_weights(module), "at": latest}, digest)
                save()
                saved = time.monotonic()
            elif time.monotonic() - saved > config.save_seconds:
                save()
                saved = time.monotonic()
        if interrupt.requested:
            save()
    return Outcome(done >= 1, state.step, state.step / per_epoch, state.seconds, tuple(state.history), state.best)


def load_weights(path: Path, module: torch.nn.Module, digest: str | None = None) -> None:
    """Put the weights of a checkpoint (`best` or `last`) into `module`; raises `NasError` as `load_checkpoint` does."""
    put_weights(module, load_checkpoint(path, digest)["weights"])


def _step(
    module: torch.nn.Module,
    batch: Batch,
    optimiser: torch.optim.Optimizer,
    numbers: Arithmetic,
    config: TrainConfig,
    step: int,
) -> float:
    module.train()
    mixture = draw_mixture(len(batch.ids), config.mix, np.random.default_rng((config.seed, step)), config.mix_ways)
    seed_step(config.seed, step)
    with numbers.cast():
        outputs = module(mix_images(batch.image, mixture))
        loss_of = loss_at(config.loss, step)
        loss = mix_loss(lambda target: loss_of(outputs, target), batch.label, mixture)
    value = descend(loss, optimiser, module.parameters(), step=step, clip=config.clip, scaler=numbers.scaler)
    after_step(module)
    return value


def _validate(
    module: torch.nn.Module,
    task: Task,
    val: Patches,
    device: torch.device,
    state: _State,
    rate: float,
    per_epoch: int,
    seed: int,
) -> None:
    before_validation(module)
    found = evaluate(module, task, val, device, seed=derive(seed, state.step), resamples=1)
    state.history.append(
        {
            "step": state.step,
            "epoch": state.step / per_epoch,
            "loss": state.losses / max(state.counted, 1),
            "rate": rate,
            task.metric: found.summaries[task.metric].value,
        }
    )
    state.losses, state.counted = 0.0, 0


def _shown(state: _State, name: str) -> dict[str, float]:
    shown = {name: state.history[-1][name]} if state.history else {}
    return shown | ({f"best {name}": state.best[name]} if state.best else {})


def _snapshot(
    state: _State, module: torch.nn.Module, optimiser: torch.optim.Optimizer, numbers: Arithmetic
) -> dict[str, Any]:
    return {
        "weights": take_weights(module),
        "optimiser": optimiser.state_dict(),
        "scaler": numbers.scaler.state_dict(),
        "step": state.step,
        "seconds": state.seconds,
        "losses": state.losses,
        "counted": state.counted,
        "history": state.history,
        "best": state.best,
    }


def _restore(
    saved: dict[str, Any], module: torch.nn.Module, optimiser: torch.optim.Optimizer, numbers: Arithmetic
) -> _State:
    put_weights(module, saved["weights"])
    optimiser.load_state_dict(saved["optimiser"])
    if saved["scaler"]:
        numbers.scaler.load_state_dict(saved["scaler"])
    names = ("step", "seconds", "losses", "counted", "history", "best")
    return _State(**{name: saved[name] for name in names})
