"""Whole images through a network: windows, resizing, tables, intervals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from nascompile.data.dataset import datasets
from nascompile.data.task import Task
from nascompile.diagnostics import NasError
from nascompile.train.evaluate import evaluate
from nascompile.train.predict import main_output, predict


class Oracle(nn.Module):
    """Logits for class 1 where the pixel is bright, class 0 elsewhere; no neighbours needed, so windows cannot show."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = x[:, :1] - 0.8
        return torch.cat([-bright, bright, torch.full_like(bright, -9)], 1)


def test_windows_equal_the_whole_for_a_pointwise_network(nuclei: Task) -> None:
    images = datasets(nuclei, "val")[0]["image"][None]
    assert images.shape[2:] == (96, 128)
    windows = predict(Oracle(), images, nuclei)
    assert windows.shape == (1, 3, 96, 128)
    torch.testing.assert_close(windows, Oracle()(images), atol=1e-5, rtol=1e-5)
    larger = replace(nuclei, patch=(160, 160))
    torch.testing.assert_close(predict(Oracle(), images, larger), Oracle()(images), atol=1e-5, rtol=1e-5)


def test_resized_and_back(nuclei: Task) -> None:
    seen = []

    class Watch(Oracle):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(x.shape[2:]))
            return super().forward(x)

    images = datasets(nuclei, "val")[0]["image"][None]
    logits = predict(Watch(), images, replace(nuclei, sampling="resize", patch=(48, 64)))
    assert seen == [(48, 64)] and logits.shape == (1, 3, 96, 128)


def test_segmentation_table(nuclei: Task, cpu: torch.device) -> None:
    seen: list[tuple[int, int]] = []
    found = evaluate(
        Oracle(),
        nuclei,
        "test",
        cpu,
        metrics=("dice", "hausdorff95"),
        seen=lambda done, total: seen.append((done, total)),
    )
    assert found.columns == ("dice interior", "dice boundary", "hausdorff95 interior", "hausdorff95 boundary")
    assert seen[-1] == (4, 4) and len(found.rows) == 4
    dice = found.summaries["dice"]
    assert dice.per_class["interior"] > 0.5 and dice.per_class["boundary"] == 0
    assert dice.low <= dice.value <= dice.high
    column = [row[0] for row in found.rows.values()]
    assert dice.per_class["interior"] == pytest.approx(sum(column) / 4)
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["split"] == "test"


def test_same_seed_same_evaluation(nuclei: Task, net: nn.Module, cpu: torch.device) -> None:
    net.train()
    first = evaluate(net, nuclei, "val", cpu, seed=3)
    assert net.training  # left as it was, and dropout was off:
    assert evaluate(net, nuclei, "val", cpu, seed=3) == first


def test_classification_table(lidc: Task, cpu: torch.device) -> None:
    class Size(nn.Module):
        """The sum of the volume, a known baseline (AUC 0.724 on the test nodules)."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            total = x.flatten(1).sum(1, keepdim=True) / 400 - 1
            return torch.cat([-total, total], 1)

    task = replace(lidc, normalise="none")
    found = evaluate(nn.Sequential(_Scale(), Size()), task, "test", cpu, metrics=("auc", "accuracy"))
    assert found.columns == ("class", "p benign", "p malignant") and len(found.rows) == 60
    assert found.summaries["auc"].value == pytest.approx(0.724, abs=0.002)
    assert found.summaries["auc"].low < 0.724 < found.summaries["auc"].high


class _Scale(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 255


def test_volume_is_fitted_to_the_patch(lidc: Task) -> None:
    sizes = []

    class Watch(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            sizes.append(tuple(x.shape[2:]))
            return x.flatten(1).mean(1, keepdim=True).repeat(1, 2)

    image = datasets(lidc, "val")[0]["image"][None]
    for sampling in ("resize", "crop"):
        predict(Watch(), image, replace(lidc, sampling=sampling, patch=(24, 32, 40)))
    assert sizes == [(24, 32, 40)] * 2


def test_main_output() -> None:
    first, last = torch.zeros(1), torch.ones(1)
    assert main_output({"main": first, "aux": last}) is first
    assert main_output({"out4": first, "out8": last}) is last
    assert main_output([first, last]) is last
    with pytest.raises(TypeError, match="returned str"):
        main_output("x")


def test_empty_split(nuclei: Task, cpu: torch.device, tmp_path: Path) -> None:
    from nascompile.data.task import Ratio

    with pytest.raises(NasError, match="empty-split"):
        evaluate(Oracle(), replace(nuclei, split=Ratio(0.8, 0.2, 0.0)), "test", cpu)
