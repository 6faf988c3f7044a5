"""Randomness as an argument: seeds derived from numbers, and torch's generators set, taken and put back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derive(*numbers: int) -> int:
    """A 63-bit seed from a run's seed and counters (step, epoch, ...); different numbers give unrelated seeds."""
    high, low = np.random.SeedSequence(numbers).generate_state(2)
    return (int(high) << 31) ^ int(low)


def seed_step(seed: int, step: int) -> None:
    """Set torch's global generators for one training step.

    Dropout knows no other generator. Seeding each step by its number makes the step a function of (seed, step): what
    ran before it (a validation, a resumed process) cannot change it.
    """
    torch.manual_seed(derive(seed, step))


def generator(*numbers: int) -> torch.Generator:
    """A CPU generator of its own, seeded by `derive(*numbers)`."""
    made = torch.Generator()
    made.manual_seed(derive(*numbers))
    return made


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Torch's global generators seeded inside the block (to initialise weights), and as before after it."""
    before = take_rng()
    torch.manual_seed(derive(*numbers))
    try:
        yield
    finally:
        put_rng(before)


def take_rng() -> dict[str, torch.Tensor]:
    """The states of torch's global generators, as tensors a checkpoint can hold."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"cuda:{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def put_rng(states: dict[str, torch.Tensor]) -> None:
    """Restore what `take_rng` took; devices that are not here are skipped."""
    torch.set_rng_state(states["cpu"])
    for name, state in states.items():
        if name.startswith("cuda:") and int(name[5:]) < torch.cuda.device_count():
            torch.cuda.set_rng_state(state, int(name[5:]))


def set_deterministic(threads: int | None = None) -> None:
    """Ask torch for the same bits on the same machine: deterministic kernels where they exist, and fixed threads.

    Results on different machines, or with another number of threads, may still differ in the last bits.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    if threads is not None:
        torch.set_num_threads(threads)
