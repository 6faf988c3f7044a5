"""First-order bilevel search (Liu et al., DARTS, ICLR 2019, section 2.3, with xi = 0).

Weights descend on one half of the training cases, architecture parameters on the other. Everything random in a step
is a function of (seed, step), so that a killed and resumed search ends in the same bytes as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nascompile.data.dataset import Batch, Patches, batch_at, batch_count
from nascompile.data.mixing import draw_mixture, mix_images, mix_loss
from nascompile.data.task import Task
from nascompile.search.oneshot.dropout import Dropout
from nascompile.search.oneshot.dropout import none as no_dropout
from nascompile.search.oneshot.paths import SampledPaths
from nascompile.search.oneshot.penalty import Penalty
from nascompile.search.oneshot.relaxed import Relaxed
from nascompile.search.oneshot.temperature import Temperature
from nascompile.search.oneshot.temperature import constant as same_temperature
from nascompile.search.oneshot.terms import ramp
from nascompile.train.budget import Budget
from nascompile.train.checkpoint import load_checkpoint, save_checkpoint
from nascompile.train.evaluate import evaluate
from nascompile.train.interrupt import catch_interrupt
from nascompile.train.optimisers import Schedule, constant, make_optimiser, set_learning_rate
from nascompile.train.progress import Report, silent
from nascompile.train.seed import derive, seed_step
from nascompile.train.step import Arithmetic, OutputLoss, Precision, arithmetic, batch_errors, descend, loss_at

STATE = "search.safetensors"


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """An optimiser by name, its options, and its schedule over the share of the budget that is done."""

    name: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    schedule: Schedule = constant


@dataclass(frozen=True, slots=True)
class BilevelConfig:
    """How to search.

    The architecture parameters rest for the first `warmup` of the budget's unit. `arch_first`: the architecture step
    comes before the weight step. `alphas_in_weights`: the weight optimiser also holds the architecture parameters,
    decays them and counts them in the clipped norm (as the code of NAS-Unet does: IEEE Access 2019). `patience`:
    epochs after which a search stops whose genotype does not change any more (None: never). `mix` is mixup's alpha,
    `mix_ways` how many images are mixed; `temperature` divides the logits, by the share of the budget that is done.
    """

    budget: Budget
    loss: OutputLoss
    weights: OptimiserConfig
    alphas: OptimiserConfig
    batch: int = 8
    warmup: Budget | None = None
    arch_first: bool = False
    alphas_in_weights: bool = False
    clip: float | None = 5.0
    patience: int | None = None
    mix: float = 0.0
    mix_ways: int = 2
    temperature: Temperature = same_temperature
    candidate_dropout: Dropout = no_dropout
    paths: SampledPaths | None = None
    precision: Precision = "auto"
    validate: int = 1
    save_seconds: float = 60.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """How a search ended. `history` has one entry a validation; `finished` is False after Ctrl-C."""

    finished: bool
    step: int
    seconds: float
    history: tuple[Mapping[str, Any], ...]
    relaxed: Mapping[str, Sequence[float]]


@dataclass(slots=True)
class _State:
    step: int = 0
    seconds: float = 0.0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0, 0.0])
    history: list[dict[str, Any]] = field(default_factory=list)
    genotype: str = ""
    unchanged: int = 0


def architecture_step(
    supernet: Relaxed,
    batch: Batch,
    optimiser: torch.optim.Optimizer,
    config: BilevelConfig,
    numbers: Arithmetic,
    step: int,
    penalty: Penalty | None = None,
    grown: float = 1.0,
) -> float:
    """One step of the architecture parameters; the weights take no gradient. Returns the loss.

    `grown` is how far ramps of the penalty have grown, 0 to 1.
    """
    weights, alphas = supernet.weight_parameters(), supernet.architecture_parameters()
    _freeze(weights, alphas)
    loss = _loss(supernet, batch, config, numbers, 2 * step + 1)
    if penalty is not None:
        loss = loss + penalty(grown)
    return descend(loss, optimiser, alphas, step=step, scaler=numbers.scaler)


def weight_step(
    supernet: Relaxed,
    batch: Batch,
    optimiser: torch.optim.Optimizer,
    config: BilevelConfig,
    numbers: Arithmetic,
    step: int,
) -> float:
    """One step of the weights; the architecture parameters take no gradient unless they are trained along."""
    weights, alphas = supernet.weight_parameters(), supernet.architecture_parameters()
    _freeze([] if config.alphas_in_weights else alphas, [*weights, *alphas] if config.alphas_in_weights else weights)
    loss = _loss(supernet, batch, config, numbers, 2 * step)
    clipped = [*weights, *alphas] if config.alphas_in_weights else weights
    return descend(loss, optimiser, clipped, step=step, clip=config.clip, scaler=numbers.scaler)


def _freeze(frozen: Sequence[nn.Parameter], free: Sequence[nn.Parameter]) -> None:
    for parameter in frozen:
        parameter.requires_grad_(False)
        parameter.grad = None
    for parameter in free:
        parameter.requires_grad_(True)


def _loss(supernet: Relaxed, batch: Batch, config: BilevelConfig, numbers: Arithmetic, draw: int) -> Tensor:
    mixture = draw_mixture(len(batch.ids), config.mix, np.random.default_rng((config.seed, draw)), config.mix_ways)
    seed_step(config.seed, draw)
    with numbers.cast():
        outputs = supernet(mix_images(batch.image, mixture))
        loss_of = loss_at(config.loss, draw // 2)
        return mix_loss(lambda target: loss_of(outputs, target), batch.label, mixture)


def make_optimisers(supernet: Relaxed, config: BilevelConfig) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """The optimisers of the weights and of the architecture parameters."""
    weights = list(supernet.weight_parameters())
    alphas = list(supernet.architecture_parameters())
    held = [*weights, *alphas] if config.alphas_in_weights else weights
    return (
        make_optimiser(config.weights.name, held, config.weights.options),
        make_optimiser(config.alphas.name, alphas, config.alphas.options),
    )


def run_bilevel(
    supernet: Any,
    task: Task,
    weight_data: Patches,
    arch_data: Patches,
    val: Patches | None,
    config: BilevelConfig,
    folder: Path,
    *,
    digest: str,
    device: torch.device,
    decode: Callable[[Mapping[str, Sequence[float]]], str],
    penalty: Penalty | None = None,
    resume: bool = True,
    report: Report = silent,
) -> SearchOutcome:
    """Search in place; `search.safetensors` in `folder` holds everything that a resumption needs.

    `decode` turns relaxed weights into the text of a genotype, recorded at every validation. Returns early, and
    resumably, on Ctrl-C. Raises NasError: `loss-is-nan`, `out-of-memory`, `disk-full`, `checkpoint-of-another-spec`.
    """
    supernet.to(device)
    optimisers = make_optimisers(supernet, config)
    numbers = arithmetic(device, config.precision)
    state = _State()
    if resume and (folder / STATE).exists():
        state = _restore(load_checkpoint(folder / STATE, digest), supernet, optimisers, numbers)
    else:
        (folder / STATE).unlink(missing_ok=True)
    per_epoch = batch_count(weight_data, config.batch)

    def save() -> None:
        save_checkpoint(folder / STATE, _snapshot(state, supernet, optimisers, numbers), digest)

    with catch_interrupt() as interrupt, batch_errors(config.batch, task.patch):
        saved = started = time.monotonic()
        before = state.seconds
        done = config.budget.progress(state.step, per_epoch, state.seconds)
        while done < 1 and not interrupt.requested and not _is_settled(state, config):
            rate = set_learning_rate(optimisers[0], config.weights.schedule, done)
            set_learning_rate(optimisers[1], config.alphas.schedule, done)
            supernet.architecture.temperature = config.temperature(done)
            supernet.candidate_dropout = config.candidate_dropout(done)
            halves = (weight_data, arch_data)
            losses = _both_steps(supernet, halves, optimisers, config, numbers, state, per_epoch, device, penalty)
            state.step += 1
            for position, loss in enumerate(losses):
                if loss is not None:
                    state.sums[2 * position] += loss
                    state.sums[2 * position + 1] += 1
            state.seconds = before + time.monotonic() - started
            done = config.budget.progress(state.step, per_epoch, state.seconds)
            report(done, {"step": state.step, **_named(losses)})
            if state.step % (per_epoch * config.validate) == 0 or done >= 1:
                _validate(supernet, task, val, device, state, rate, per_epoch, config.seed, decode)
                save()
                saved = time.monotonic()
            elif time.monotonic() - saved > config.save_seconds:
                save()
                saved = time.monotonic()
        if interrupt.requested:
            save()
    finished = done >= 1 or _is_settled(state, config)
    return SearchOutcome(finished, state.step, state.seconds, tuple(state.history), supernet.architecture.relaxed())


def _is_settled(state: _State, config: BilevelConfig) -> bool:
    return config.patience is not None and state.unchanged >= config.patience


def _both_steps(
    supernet: Any,
    data: tuple[Patches, Patches],
    optimisers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
    config: BilevelConfig,
    numbers: Arithmetic,
    state: _State,
    per_epoch: int,
    device: torch.device,
    penalty: Penalty | None,
) -> tuple[float | None, float | None]:
    """(loss of the weight step, loss of the architecture step or None while it rests)."""
    step = state.step
    supernet.train()
    rests = config.warmup is not None and config.warmup.progress(step, per_epoch, state.seconds) < 1

    def weight() -> float:
        batch = batch_at(data[0], config.batch, config.seed, step).to(device)
        if config.paths is None:
            return weight_step(supernet, batch, optimisers[0], config, numbers, step)
        supernet.follow(config.paths.at(step), config.paths.weights)
        try:
            return weight_step(supernet, batch, optimisers[0], config, numbers, step)
        finally:
            supernet.follow(None)

    def architecture() -> float | None:
        if rests:
            return None
        batch = batch_at(data[1], config.batch, derive(config.seed, 1), step).to(device)
        grown = _grown(config, step, per_epoch, state.seconds)
        return architecture_step(supernet, batch, optimisers[1], config, numbers, step, penalty, grown)

    if config.arch_first:
        alpha_loss = architecture()
        return weight(), alpha_loss
    loss = weight()
    return loss, architecture()


def _grown(config: BilevelConfig, step: int, per_epoch: int, seconds: float) -> float:
    """The share of the time after the warm-up that has passed."""
    done = config.budget.progress(step, per_epoch, seconds)
    warm = 0.0 if config.warmup is None else config.warmup.progress(step, per_epoch, seconds)
    return ramp(done, done / warm if warm else 0.0)


def _named(losses: tuple[float | None, float | None]) -> dict[str, float]:
    names = ("loss", "alpha loss")
    return {name: loss for name, loss in zip(names, losses, strict=True) if loss is not None}


def _validate(
    supernet: Any,
    task: Task,
    val: Patches | None,
    device: torch.device,
    state: _State,
    rate: float,
    per_epoch: int,
    seed: int,
    decode: Callable[[Mapping[str, Sequence[float]]], str],
) -> None:
    genotype = decode(supernet.architecture.relaxed())
    total, count, alpha_total, alpha_count = state.sums
    row: dict[str, Any] = {
        "step": state.step,
        "epoch": state.step / per_epoch,
        "loss": total / max(count, 1),
        "alpha_loss": alpha_total / alpha_count if alpha_count else None,
        "rate": rate,
        "genotype": genotype,
    }
    if val is not None:
        found = evaluate(supernet, task, val, device, seed=derive(seed, state.step), resamples=1)
        row[task.metric] = found.summaries[task.metric].value
    state.unchanged = state.unchanged + 1 if genotype == state.genotype and alpha_count else 0
    state.genotype = genotype
    state.sums = [0.0, 0.0, 0.0, 0.0]
    state.history.append(row)


def _snapshot(state: _State, supernet: Any, optimisers: Any, numbers: Arithmetic) -> dict[str, Any]:
    return {
        "weights": supernet.state_dict(),
        "optimisers": [o.state_dict() for o in optimisers],
        "scaler": numbers.scaler.state_dict(),
        "step": state.step,
        "seconds": state.seconds,
        "sums": state.sums,
        "history": state.history,
        "genotype": state.genotype,
        "unchanged": state.unchanged,
        "temperature": supernet.architecture.temperature,  # what a search that had ended is read at
    }


def _restore(saved: dict[str, Any], supernet: Any, optimisers: Any, numbers: Arithmetic) -> _State:
    supernet.load_state_dict(saved["weights"])
    supernet.architecture.temperature = saved.get("temperature", 1.0)
    for optimiser, held in zip(optimisers, saved["optimisers"], strict=True):
        optimiser.load_state_dict(held)
    if saved["scaler"]:
        numbers.scaler.load_state_dict(saved["scaler"])
    names = ("step", "seconds", "sums", "history", "genotype", "unchanged")
    return _State(**{name: saved[name] for name in names})
