"""Mixup against its definition and against the numbers of MixSearch's own code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nascompile.data.mixing import Mixture, draw_mixture, mix_images, mix_loss, softmax


def test_alpha_zero_mixes_nothing() -> None:
    mixture = draw_mixture(4, 0.0, np.random.default_rng(0))
    assert mixture == Mixture((1.0,), ((0, 1, 2, 3),))
    images = torch.rand(4, 1, 3, 3)
    assert mix_images(images, mixture) is images


@pytest.mark.parametrize("ways", [2, 3, 4])
def test_weights_and_orders(ways: int) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        mixture = draw_mixture(6, 0.5, rng, ways)
        assert len(mixture.weights) == len(mixture.orders) == ways
        assert sum(mixture.weights) == pytest.approx(1)
        assert mixture.orders[0] == tuple(range(6))
        assert all(sorted(order) == list(range(6)) for order in mixture.orders)


def test_beta_has_its_mean_and_variance() -> None:
    rng = np.random.default_rng(0)
    lams = np.array([draw_mixture(2, 0.5, rng).weights[0] for _ in range(4000)])
    assert lams.mean() == pytest.approx(0.5, abs=0.02)
    assert lams.var() == pytest.approx(1 / 8, abs=0.01)  # 1 / (4 (2 alpha + 1))


@pytest.mark.parametrize("number", range(12))
def test_mixed_images_are_the_references(root: Path, number: int) -> None:
    """Given its drawn numbers, the reference's batch; two ways only, it states no permutations for more."""
    entry = json.loads((root / "tests/golden/wdan_losses_metrics_mixup.json").read_text(encoding="utf-8"))["mixup"][
        number
    ]
    i = torch.arange(16, dtype=torch.int64)
    images = (2 * (((31 * i * i + 17 * i + 7) % 1009).double() / 1009 - 0.5)).reshape(4, 4)
    if entry["k"] > 2:
        key = next(k for k in entry if k.startswith("lam"))
        assert sum(entry[key]) == pytest.approx(1, abs=1e-9)
        return
    mixture = Mixture((entry["lam"], 1 - entry["lam"]), (tuple(range(4)), tuple(entry["index"])))
    np.testing.assert_allclose(mix_images(images, mixture).flatten().numpy(), entry["mixed"], atol=1e-9)


def test_softmax_of_betas() -> None:
    values = np.array([0.2, 0.9, 0.5])
    assert softmax(values) == pytest.approx(np.exp(values) / np.exp(values).sum())


def test_mixed_loss_is_the_weighted_sum() -> None:
    torch.manual_seed(0)
    prediction, target = torch.rand(5, 1, 4), torch.rand(5, 1, 4)
    mixture = draw_mixture(5, 1.0, np.random.default_rng(3))
    lam, order = mixture.weights[0], list(mixture.orders[1])

    def loss(wanted: torch.Tensor) -> torch.Tensor:
        return ((prediction - wanted) ** 2).mean()

    expected = lam * loss(target) + (1 - lam) * loss(target[order])
    assert mix_loss(loss, target, mixture).item() == pytest.approx(expected.item())
