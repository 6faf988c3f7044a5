"""The five temperature schemes against the formulas of DiNTS' first release, and their effect on a relaxation."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from nascompile.backends.supernet import build_supernet
from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.resources import resource
from nascompile.search.oneshot.temperature import make_temperature

TOTAL = 40
FORMULAS: dict[str, Callable[[int], float]] = {
    "constant": lambda it: 5.0,
    "triangle": lambda it: 5 + (1 - 5) * it / (0.5 * TOTAL) if it <= 0.5 * TOTAL else max(0, 2 - 2 * it / TOTAL),
    "linear": lambda it: max(0.001, 5 * max(0, 1 - it / TOTAL)),
    "cosine_restarts": lambda it: max(
        0.001, 5 * (1 + math.cos(math.pi * it / (0.1 * TOTAL))) / 2 * (1 + math.cos(math.pi * it / TOTAL)) / 2
    ),
    "cosine": lambda it: max(0.5 * 5 * (1 + math.cos(math.pi * it / TOTAL)), 0.001),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name: str) -> None:
    temperature = make_temperature(name, {"start": 5.0})
    for it in range(TOTAL):  # at the very end the triangle is 0 in the original, which divides by it
        assert temperature(it / TOTAL) == pytest.approx(FORMULAS[name](it))
    assert temperature(1.0) > 0


def test_cold_relaxations_are_decided() -> None:
    program = Compilation.from_path(resource("specs/nasbench201.nas")).space(input=(3, 8, 8)).program
    architecture = build_supernet(program).architecture
    with torch.no_grad():
        architecture.logits.copy_(torch.arange(architecture.logits.numel()).float() % 5)
        architecture.temperature = make_temperature("linear")(0.0)
        warm = architecture().view(-1, 5).amax(1)
        architecture.temperature = make_temperature("linear")(1.0)
        cold = architecture().view(-1, 5).amax(1)
    assert warm.max() < 0.4
    assert cold.min() > 0.999


def test_misspelt_name() -> None:
    with pytest.raises(NasError, match=r"unknown-temperature.*did you mean `linear`"):
        make_temperature("liner")
