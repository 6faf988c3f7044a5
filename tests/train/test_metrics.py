"""Metrics against hand counts, MONAI's published numbers and each other; intervals cover what they should."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nascompile.diagnostics import NasError
from nascompile.train.metrics import METRICS, bootstrap, interval, metric, score_map, score_set


@pytest.fixture
def labels(demo: Path) -> torch.Tensor:
    paths = sorted((demo / "nuclei" / "labels").glob("train*.png"))
    return torch.stack([torch.from_numpy(np.asarray(Image.open(p)).copy()).long() for p in paths])


def score(name: str, found: torch.Tensor, truth: torch.Tensor, spacing: tuple[float, float] = (1, 1)) -> list[float]:
    return list(score_map(METRICS[name], found, truth, 3, spacing))


def test_counts_by_hand(labels: torch.Tensor) -> None:
    found, truth = labels[0], labels[1]
    for k in (1, 2):
        f, t = found == k, truth == k
        both, total = int((f & t).sum()), found.numel()
        hits = {
            "dice": 2 * both / int(f.sum() + t.sum()),
            "jaccard": both / int((f | t).sum()),
            "sensitivity": both / int(t.sum()),
            "precision": both / int(f.sum()),
            "specificity": int((~f & ~t).sum()) / int((~t).sum()),
            "accuracy": int((f == t).sum()) / total,
        }
        for name, expected in hits.items():
            assert score(name, found, truth)[k - 1] == pytest.approx(expected, abs=1e-6), name


def test_dice_is_the_one_dints_reports(root: Path) -> None:
    for case in json.loads((root / "tests/golden/dints_seglosses.json").read_text(encoding="utf-8"))["cases"]:
        shape = tuple(case["logit_shape"])
        logits = 2 * torch.sin(0.7 * torch.arange(math.prod(shape), dtype=torch.float64)).reshape(shape)
        i = torch.arange(math.prod(shape) // shape[1])
        target = ((i * 7 // 3) % case["C"]).reshape(shape[0], *shape[2:])
        for n, expected in enumerate(case["compute_dice(onehot argmax, include_background=False)"]):
            found = score_map(METRICS["dice"], logits.argmax(1)[n], target[n], case["C"], (1,) * (len(shape) - 2))
            assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("key", "shape"), [("2x30", (2, 30)), ("3x64", (3, 64))])
def test_binary_metrics_are_nas_wdans(root: Path, key: str, shape: tuple[int, int]) -> None:
    """Its epsilon of 1e-6 apart. The reference counts the whole batch as one case."""
    stored = json.loads((root / "tests/golden/wdan_losses_metrics_mixup.json").read_text(encoding="utf-8"))["metrics"]
    i = torch.arange(math.prod(shape))
    found = (((31 * i * i + 17 * i + 7) % 1009).double() / 1009 > 0.5).long()
    truth = ((i * i + 3 * i) // 7) % 2
    names = ("sensitivity", "specificity", "precision", "dice", "jaccard", "dice", "accuracy")
    expected = stored[f"Binary {key}"]["recall,specificity,precision,f1,jaccard,dice,acc"]
    values = [score_map(METRICS[name], found[None], truth[None], 2, (1.0, 1.0))[0] for name in names]
    assert values == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.maps is not None])
def test_a_perfect_map_scores_best(labels: torch.Tensor, name: str) -> None:
    best = 1.0 if METRICS[name].maximise else 0.0
    assert score(name, labels[0], labels[0]) == pytest.approx([best, best])
    assert METRICS[name].better(score(name, labels[0], labels[0])[0], score(name, labels[1], labels[0])[0])


def test_distances_are_in_millimetres() -> None:
    truth, found = torch.zeros(20, 20, dtype=torch.long), torch.zeros(20, 20, dtype=torch.long)
    truth[5, 5], found[5, 8] = 1, 1
    assert score("hausdorff95", found, truth)[0] == pytest.approx(3)
    assert score("hausdorff95", found, truth, (1, 0.5))[0] == pytest.approx(1.5)
    assert score("surface_distance", found, truth, (1, 0.5))[0] == pytest.approx(1.5)


def test_classes_that_are_absent(labels: torch.Tensor) -> None:
    nothing = torch.zeros_like(labels[0])
    only_interior = torch.where(labels[0] == 1, 1, 0)
    for name in ("dice", "jaccard"):
        assert score(name, only_interior, only_interior)[0] == 1
        assert math.isnan(score(name, only_interior, only_interior)[1])  # in neither
        assert score(name, only_interior, nothing)[0] == 0  # invented
        assert score(name, nothing, only_interior)[0] == 0  # missed
    assert math.isnan(score("hausdorff95", nothing, only_interior)[0])


def test_classification_by_hand() -> None:
    target = torch.tensor([0, 0, 0, 1, 1])
    positive = torch.tensor([0.1, 0.4, 0.8, 0.3, 0.9])
    scores = torch.stack([1 - positive, positive], 1)
    assert score_set(METRICS["accuracy"], scores, target) == pytest.approx(3 / 5)
    assert score_set(METRICS["sensitivity"], scores, target) == pytest.approx(1 / 2)
    assert score_set(METRICS["specificity"], scores, target) == pytest.approx(2 / 3)
    # Of the 6 pairs (negative, positive), 4 are in the right order: .1<.3, .1<.9, .4<.9, .8<.9.
    assert score_set(METRICS["auc"], scores, target) == pytest.approx(4 / 6)
    assert math.isnan(score_set(METRICS["auc"], scores[:3], target[:3]))


def test_more_than_two_classes() -> None:
    target = torch.tensor([0, 0, 1, 1, 2, 2])
    chosen = torch.tensor([0, 1, 1, 1, 2, 0])
    scores = torch.nn.functional.one_hot(chosen, 3).double()
    assert score_set(METRICS["sensitivity"], scores, target) == pytest.approx((1 / 2 + 1 + 1 / 2) / 3)
    assert score_set(METRICS["specificity"], scores, target) == pytest.approx((3 / 4 + 3 / 4 + 1) / 3)
    assert score_set(METRICS["auc"], scores, target) == pytest.approx((5 / 8 + 7 / 8 + 3 / 4) / 3)


def test_better_is_strict_and_nan_never_is() -> None:
    assert METRICS["dice"].better(0.1, None) and METRICS["dice"].better(0.2, 0.1)
    assert not METRICS["dice"].better(0.1, 0.1) and not METRICS["dice"].better(float("nan"), None)
    assert METRICS["hausdorff95"].better(1.0, 2.0)


def test_interval_is_seeded_and_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    some = rng.normal(0.8, 0.1, 20).tolist()
    assert interval(some, 3) == interval(some, 3) != interval(some, 4)
    low, high = interval([0.5, float("nan"), 0.7, 0.9], 0)
    assert 0.5 <= low < 0.7 < high <= 0.9
    covered = 0
    for seed in range(150):
        low, high = interval(rng.normal(0.8, 0.1, 40).tolist(), seed, resamples=400)
        covered += low <= 0.8 <= high
    assert 0.88 <= covered / 150 <= 0.99
    assert all(math.isnan(v) for v in bootstrap(lambda chosen: 0.0, 1, 0))


def test_unknown_metric() -> None:
    with pytest.raises(NasError, match=r"unknown-metric.*`dise`.*did you mean `dice`"):
        metric("dise", "segmentation")
    with pytest.raises(NasError, match=r"`dice` does not measure a classification"):
        metric("dice", "classification")
