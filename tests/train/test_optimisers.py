"""Optimisers go downhill and resume; schedules are their formulas."""

from __future__ import annotations

import copy
import itertools
import json
from pathlib import Path

import pytest
import torch

from nascompile.diagnostics import NasError
from nascompile.train.optimisers import OPTIMISERS, SCHEDULES, make_optimiser, make_schedule, set_learning_rate


@pytest.mark.parametrize("name", OPTIMISERS)
def test_goes_downhill_and_resumes(name: str) -> None:
    def fresh() -> tuple[torch.nn.Parameter, torch.optim.Optimizer]:
        weight = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
        return weight, make_optimiser(name, [weight], {"lr": 0.05})

    def steps(weight: torch.nn.Parameter, optimiser: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimiser.zero_grad()
            (weight**2).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    weight, optimiser = fresh()
    steps(weight, optimiser, 5)
    half, state = weight.detach().clone(), copy.deepcopy(optimiser.state_dict())
    steps(weight, optimiser, 5)
    assert float((weight**2).sum().detach()) < 13
    other, resumed = fresh()
    other.data.copy_(half)
    resumed.load_state_dict(state)
    steps(other, resumed, 5)
    assert torch.equal(other, weight)


def test_lists_stand_for_pairs() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    assert make_optimiser("adam", [weight], {"betas": [0.5, 0.999]}).param_groups[0]["betas"] == (0.5, 0.999)


def test_misspelt_names() -> None:
    with pytest.raises(NasError, match=r"unknown-optimiser.*did you mean `adamw`"):
        make_optimiser("adamww", [])
    with pytest.raises(NasError, match=r"unknown-option.*`momentun`.*did you mean `momentum`"):
        make_optimiser("sgd", [], {"momentun": 0.9})
    with pytest.raises(NasError, match=r"unknown-schedule.*`cosin`.*did you mean `cosine`"):
        make_schedule("cosin")


def test_cosine_is_torchs(root: Path) -> None:
    stored = json.loads((root / "tests/golden/nasunet_losses_metrics.json").read_text(encoding="utf-8"))
    sequence = next(v for k, v in next(v for k, v in stored.items() if k.startswith("lr_")).items() if "T_max=10" in k)
    cosine = make_schedule("cosine", {"min": 1e-3})
    assert [cosine(k / 10, 0.1) for k in range(11)] == pytest.approx(sequence[:11], abs=1e-9)


def test_schedules_by_formula() -> None:
    assert make_schedule("constant")(0.7, 0.1) == 0.1
    assert make_schedule("poly", {"power": 0.5})(0.75, 0.1) == pytest.approx(0.05)
    step = make_schedule("step", {"at": [0.5, 0.75], "factor": 0.1})
    assert [step(p, 1.0) for p in (0.49, 0.5, 0.74, 0.75)] == pytest.approx([1, 0.1, 0.1, 0.01])
    halve = make_schedule("halve", {"after_warmup": [0.4, 0.8], "warmup": 0.5})
    assert [halve(p, 1.0) for p in (0.0, 0.49, 0.69, 0.7, 0.89, 0.9, 1.0)] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert make_schedule("exponential", {"final": 0.01})(0.5, 1.0) == pytest.approx(0.1)
    warm = make_schedule("cosine", {"warmup": 0.1})
    assert warm(0.05, 1.0) == pytest.approx(0.5) and warm(0.1, 1.0) == 1 and warm(1.0, 1.0) == pytest.approx(0)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_start_at_the_base_and_never_rise(name: str) -> None:
    rates = [make_schedule(name)(k / 100, 0.2) for k in range(101)]
    assert rates[0] == 0.2
    assert all(b <= a for a, b in itertools.pairwise(rates)) and rates[-1] >= 0


def test_base_rate_survives_saving() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    optimiser = make_optimiser("sgd", [weight], {"lr": 0.4})
    half = make_schedule("poly", {"power": 1.0})
    assert set_learning_rate(optimiser, half, 0.5) == pytest.approx(0.2)
    resumed = make_optimiser("sgd", [weight], {"lr": 0.4})
    resumed.load_state_dict(optimiser.state_dict())
    assert set_learning_rate(resumed, half, 0.75) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "options"), [("sgd", {"nesterov": True, "momentum": 0.0}), ("adam", {"betas": [0.9]})]
)
def test_options_that_do_not_go_together(name: str, options: dict[str, object]) -> None:
    with pytest.raises(NasError) as failure:
        make_optimiser(name, [torch.nn.Parameter(torch.zeros(1))], options)
    assert failure.value.diagnostics[0].code == "bad-option"
