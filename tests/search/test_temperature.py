"""The five temperature schemes against the formulas of DiNTS' first release, and their effect on a relaxation."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from nascompile.backends.architecture import Architecture
from nascompile.backends.supernet import build_supernet
from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.ir.program import Decision, Origin
from nascompile.resources import resource
from nascompile.search.oneshot import terms
from nascompile.search.oneshot.temperature import make_temperature
from nascompile.search.oneshot.terms import consistency, entropy
from nascompile.source import NOWHERE

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


def test_cold_edges_that_are_all_unlikely_stay_numbers() -> None:
    """1 - prod(1 - p) is 0 in float32 where all logits, divided by the temperature, are below -17."""
    spec = Compilation.from_path(resource("specs/dints.nas"))
    program = spec.space(arguments={"classes": 2, "blocks": 3, "depths": 3}, input=(1, 32, 32, 32)).program
    architecture = build_supernet(program).architecture
    with torch.no_grad():
        architecture.logits.copy_(-0.05 - torch.rand(architecture.logits.shape, generator=torch.manual_seed(0)))
    architecture.temperature = make_temperature("linear")(1.0)
    weights = architecture()
    loss = weights.sum() + entropy(architecture, "kept") + consistency(architecture, program.constraints, "kept")
    loss.backward()
    assert loss.isfinite()
    assert weights.max().item() == pytest.approx(1.0)
    gradient = architecture.logits.grad
    assert gradient is not None
    assert gradient.isfinite().all()


@pytest.mark.parametrize("level", [-30.0, -17.0, -3.0, 0.0, 2.0])
def test_entropy_of_more_edges_than_are_listed(level: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed form takes the place of the list of subsets; it is the same number but for the epsilon in the list."""
    decision = Decision("kept", "edges", tuple("abcdefgh"), Origin(NOWHERE), relax="bernoulli")
    architecture = Architecture({"kept": decision}, 0).double()
    with torch.no_grad():
        architecture.logits.copy_(level + torch.linspace(-1, 1, 8))
    monkeypatch.setattr(terms, "EPSILON", 0.0)
    listed = entropy(architecture, "kept")
    monkeypatch.setattr(terms, "_LISTED", 2)
    closed = entropy(architecture, "kept")
    assert closed.item() == pytest.approx(listed.item(), rel=1e-6)
    with torch.no_grad():
        architecture.logits.fill_(-900.0)
    assert entropy(architecture, "kept").item() * 255 == pytest.approx(math.log(8), rel=1e-6)


def test_misspelt_name() -> None:
    with pytest.raises(NasError, match=r"unknown-temperature.*did you mean `linear`"):
        make_temperature("liner")
