"""Optimisers and learning-rate schedules by name. A schedule is a function of progress: it has no state to save."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.optim import Optimizer

from nascompile.diagnostics import error
from nascompile.source import Span
from nascompile.train.choices import choose

Parameters = Iterable[torch.nn.Parameter]
Schedule = Callable[[float, float], float]
"""(progress from 0 to 1, base learning rate) -> learning rate."""


def make_optimiser(
    name: str, parameters: Parameters, options: Mapping[str, Any] | None = None, span: Span | None = None
) -> Optimizer:
    """An optimiser over `parameters`; raises `NasError` (`unknown-optimiser`, `unknown-option`, `bad-option`)."""
    make = choose("optimiser", OPTIMISERS, name, options or {}, span)
    try:
        return make(list(parameters))
    except ValueError as cause:  # torch names the option: `Nesterov momentum requires a momentum`
        raise error("bad-option", f"the optimiser `{name}` cannot be made: {cause}", span) from None


def make_schedule(name: str, options: Mapping[str, Any] | None = None, span: Span | None = None) -> Schedule:
    """A schedule; raises `NasError` (`unknown-schedule`, `unknown-option`, `bad-option`)."""
    return choose("schedule", SCHEDULES, name, options or {}, span)


def set_learning_rate(optimiser: Optimizer, schedule: Schedule, progress: float) -> float:
    """Set the learning rate of every group from its own base rate; returns that of the first group.

    The base rate is kept in the group as `base_lr`, so it is saved and restored with the optimiser.
    """
    for group in optimiser.param_groups:
        base = group.setdefault("base_lr", float(group["lr"]))
        group["lr"] = schedule(min(max(progress, 0.0), 1.0), base)
    return float(optimiser.param_groups[0]["lr"])


def sgd(
    parameters: list[torch.nn.Parameter],
    *,
    lr: float = 0.025,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> Optimizer:
    """Stochastic gradient descent; the defaults are DARTS'."""
    # Fused: a supernet's weights are one large tensor, and every other way writes copies of all of it.
    return torch.optim.SGD(parameters, lr, momentum, weight_decay=weight_decay, nesterov=nesterov, fused=True)


def adam(
    parameters: list[torch.nn.Parameter],
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    weight_decay: float = 0.0,
    eps: float = 1e-8,
    amsgrad: bool = False,
) -> Optimizer:
    """Adam (arXiv 1412.6980); its weight decay is an L2 term."""
    return torch.optim.Adam(parameters, lr, _pair(betas), eps, weight_decay, amsgrad)


def adamw(
    parameters: list[torch.nn.Parameter],
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    weight_decay: float = 1e-2,
    eps: float = 1e-8,
) -> Optimizer:
    """Adam with decoupled weight decay (arXiv 1711.05101)."""
    return torch.optim.AdamW(parameters, lr, _pair(betas), eps, weight_decay)


def rmsprop(
    parameters: list[torch.nn.Parameter],
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> Optimizer:
    """RMSprop; `alpha` smooths the squared gradients."""
    return torch.optim.RMSprop(parameters, lr, alpha, weight_decay=weight_decay, momentum=momentum)


def adagrad(parameters: list[torch.nn.Parameter], *, lr: float = 1e-2, weight_decay: float = 0.0) -> Optimizer:
    """Adagrad."""
    return torch.optim.Adagrad(parameters, lr, weight_decay=weight_decay)


def adadelta(
    parameters: list[torch.nn.Parameter], *, lr: float = 1.0, rho: float = 0.9, weight_decay: float = 0.0
) -> Optimizer:
    """Adadelta (arXiv 1212.5701)."""
    return torch.optim.Adadelta(parameters, lr, rho, weight_decay=weight_decay)


def adamax(
    parameters: list[torch.nn.Parameter],
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adamax: Adam with the infinity norm."""
    return torch.optim.Adamax(parameters, lr, _pair(betas), weight_decay=weight_decay)


OPTIMISERS: dict[str, Callable[..., Optimizer]] = {
    "adadelta": adadelta,
    "adagrad": adagrad,
    "adam": adam,
    "adamax": adamax,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "sgd": sgd,
}


def _pair(values: Iterable[float]) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)


_ROUNDING = 1e-9
"""Shares of a budget come from divisions: (0.7 - 0.5) / 0.5 is a little less than 0.4."""


def constant(progress: float, base: float) -> float:
    """The base rate."""
    return base


def cosine(progress: float, base: float, *, min: float = 0.0, warmup: float = 0.0) -> float:
    """Half a cosine from the base rate to `min` (SGDR without restarts, arXiv 1608.03983, equation 5).

    `warmup` is the share of the budget in which the rate first climbs from 0.
    """
    if progress < warmup:
        return base * progress / warmup
    rest = (progress - warmup) / (1 - warmup)
    return min + (base - min) * (1 + math.cos(math.pi * rest)) / 2


def poly(progress: float, base: float, *, power: float = 0.9) -> float:
    """base * (1 - progress) ^ power (DeepLab)."""
    return float(base * (1.0 - progress) ** power)


def exponential(progress: float, base: float, *, final: float = 0.01) -> float:
    """Geometric decay that ends at `final` * base."""
    return float(base * final**progress)


def step(progress: float, base: float, *, at: tuple[float, ...] = (0.5, 0.75), factor: float = 0.1) -> float:
    """The rate times `factor` after each share of the budget in `at`."""
    return float(base * factor ** sum(progress >= point - _ROUNDING for point in at))


def halve(progress: float, base: float, *, after_warmup: tuple[float, ...] = (0.4, 0.8), warmup: float = 0.0) -> float:
    """The rate halved after each share in `after_warmup` of the budget that follows the warm-up (DiNTS, 2021)."""
    rest = 0.0 if progress < warmup or warmup >= 1 else (progress - warmup) / (1 - warmup)
    return float(base * 0.5 ** sum(rest >= point - _ROUNDING for point in after_warmup))


SCHEDULES: dict[str, Callable[..., float]] = {
    "constant": constant,
    "cosine": cosine,
    "exponential": exponential,
    "halve": halve,
    "poly": poly,
    "step": step,
}
