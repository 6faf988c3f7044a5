"""What a search will take: memory from the activations of the supernet, time from a few steps on the device."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from nascompile.data.dataset import Batch, Patches, batch_count, collate, halves
from nascompile.jobs.searching import Prepared
from nascompile.profile.cost import cost_of

_FLOATS = 4
# Forward values, and about as much again for the gradients that are alive at one time.
_LIVE = 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes at the peak, seconds a step (one of the weights, one of the architecture), the number of steps.

    `seconds` is for the whole budget; for a budget of time it is that time, and `steps` follows from it.
    """

    memory: int
    per_step: float
    steps: int
    seconds: float
    parameters: int
    per_epoch: int


def estimate(prepared: Prepared, train: Patches, device: torch.device) -> Estimate:
    """Run a few steps that change nothing, and scale them up to the budget."""
    settings = prepared.settings
    cost = cost_of(prepared.space.program)
    batch = collate([train.sample(i % len(train), 0) for i in range(settings.batch)]).to(device)
    per_step = 2 * _seconds(prepared, batch, device)
    per_epoch = batch_count(halves(train, settings.seed, prepared.config.split)[0], settings.batch)
    budget = settings.budget
    if budget.unit == "seconds":
        steps, seconds = int(budget.amount / per_step), budget.amount
    else:
        steps = int(budget.amount * (per_epoch if budget.unit == "epochs" else 1))
        seconds = steps * per_step
    weights = sum(p.numel() for p in prepared.supernet.parameters())
    memory = _FLOATS * (_LIVE * cost.activations * settings.batch + 4 * weights)
    return Estimate(memory, per_step, steps, seconds, weights, per_epoch)


def _seconds(prepared: Prepared, batch: Batch, device: torch.device) -> float:
    """The faster of two passes after one that warms up; in evaluation mode, so that no statistic changes."""
    supernet = prepared.supernet.to(device)
    was_training = supernet.training
    supernet.eval()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        loss = prepared.settings.loss(supernet(batch.image), batch.label)
        loss.backward()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
        for parameter in supernet.parameters():
            parameter.grad = None
    supernet.train(was_training)
    return min(times[1:])
