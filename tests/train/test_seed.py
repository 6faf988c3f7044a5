"""Seeds: derived, scoped, and restored."""

from __future__ import annotations

import pytest
import torch

from nascompile.diagnostics import NasError
from nascompile.train.device import choose_device, describe
from nascompile.train.seed import derive, generator, put_rng, seed_step, seeded, take_rng


def test_derived_seeds_differ_and_repeat() -> None:
    seeds = {derive(seed, step) for seed in range(30) for step in range(30)}
    assert len(seeds) == 900 and all(0 <= s < 2**63 for s in seeds)
    assert derive(3, 4) == derive(3, 4) != derive(4, 3)


def test_a_step_is_a_function_of_its_number() -> None:
    dropout = torch.nn.Dropout(0.5)
    seed_step(1, 7)
    first = dropout(torch.ones(50))
    torch.rand(13)
    seed_step(1, 7)
    assert torch.equal(dropout(torch.ones(50)), first)
    seed_step(1, 8)
    assert not torch.equal(dropout(torch.ones(50)), first)


def test_seeded_block_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(0):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with seeded(0):
        assert torch.equal(torch.rand(3), inside)


def test_states_can_be_put_back() -> None:
    state = take_rng()
    first = torch.rand(4)
    put_rng(state)
    assert torch.equal(torch.rand(4), first)


def test_generators_are_their_own() -> None:
    assert torch.equal(torch.rand(3, generator=generator(1, 2)), torch.rand(3, generator=generator(1, 2)))


def test_devices() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert "threads" in describe(torch.device("cpu"))
    with pytest.raises(NasError, match="unknown-device"):
        choose_device("gpu0")
    with pytest.raises(NasError, match=r"unknown-device.*not here"):
        choose_device("cuda:99")
