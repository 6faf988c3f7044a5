"""Whole images through a network: windows, resizing, tables, intervals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import nn

from nascompile.data.cases import find_cases
from nascompile.data.dataset import datasets
from nascompile.data.task import Pairs, Task
from nascompile.data.writer import write_label_map
from nascompile.diagnostics import NasError
from nascompile.train.evaluate import evaluate, of_rows
from nascompile.train.metrics import interval, metric
from nascompile.train.predict import main_output, predict, predict_case


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


def test_the_interval_is_of_the_value_where_classes_are_absent(nuclei: Task) -> None:
    """A class that one case in ten has counts as much as one that all have, in the value and in its interval."""
    nan = float("nan")
    rows = {f"c{i}": (0.9, 0.1 if i == 0 else nan) for i in range(10)} | {"empty": (nan, nan)}
    dice = of_rows(nuclei, rows, [metric("dice", "segmentation")], "test").summaries["dice"]
    assert dice.value == pytest.approx(0.5)
    assert (dice.low, dice.high) == pytest.approx((0.5, 0.9))
    whole = {f"c{i}": (0.1 * i, 0.05 * i) for i in range(10)}
    dice = of_rows(nuclei, whole, [metric("dice", "segmentation")], "test", seed=2).summaries["dice"]
    assert (dice.low, dice.high) == pytest.approx(interval([sum(row) / 2 for row in whole.values()], 2))


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


def test_a_compiled_network_is_judged_by_its_main_output(root: Path) -> None:
    """The auxiliary head of a U-Net stands behind its main one."""
    from nascompile.backends.pytorch import build
    from nascompile.compilation import Compilation

    text = Compilation.from_path(root / "specs" / "unets.nas", input=(1, 16, 16))
    call = text.call("unet_aux")
    network = build(text.program(replace(call, arguments={"c": 4, "depth": 2}), binding={}, is_fixed=True)).eval()
    assert network.output_names == ("main", "aux")
    image = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    task = Task("t", root, Pairs("x"), patch=(16, 16))
    assert torch.equal(predict(network, image, task), network(image)[0])


def test_main_output() -> None:
    first, last = torch.zeros(1), torch.ones(1)
    assert main_output((first, last), ("main", "aux")) is first
    assert main_output((first, last), ("logits[0]", "logits[1]")) is first
    assert main_output((first, last), ("out[4]", "out[8]")) is last
    assert main_output([first, last]) is last
    with pytest.raises(TypeError, match="returned str"):
        main_output("x")


def test_empty_split(nuclei: Task, cpu: torch.device, tmp_path: Path) -> None:
    from nascompile.data.task import Ratio

    with pytest.raises(NasError, match="empty-split"):
        evaluate(Oracle(), replace(nuclei, split=Ratio(0.8, 0.2, 0.0)), "test", cpu)


class Bright(nn.Module):
    """Class 1 where a voxel is above 127."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([127.5 - x, x - 127.5], 1)


def test_prediction_is_written_on_the_grid_of_its_image(lidc: Task, cpu: torch.device, tmp_path: Path) -> None:
    """Turned, then read in LPS, predicted, and written back: the same voxels as in the file."""
    case = max(find_cases(lidc)[0][:30], key=lambda c: sitk.GetArrayFromImage(sitk.ReadImage(str(c.images[0]))).sum())
    image = sitk.ReadImage(str(case.images[0]))
    task = replace(lidc, kind="segmentation", classes=("background", "nodule"), normalise="none", metric="dice")
    oblique = sitk.Image(image)
    oblique.SetDirection((0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1))
    for stored in (image, oblique, sitk.PermuteAxes(sitk.Flip(image, [True, False, True]), [2, 0, 1])):
        path = tmp_path / "image.nii.gz"
        sitk.WriteImage(stored, str(path))
        scores, geometry = predict_case(Bright(), task, replace(case, images=(path,)), cpu)
        out = tmp_path / "out" / "map.nii.gz"
        write_label_map(scores.argmax(0).numpy(), geometry, path, out)
        written = sitk.ReadImage(str(out))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(written), sitk.GetArrayFromImage(stored) > 127)
        assert written.GetDirection() == pytest.approx(stored.GetDirection())
        assert [p.name for p in out.parent.iterdir()] == ["map.nii.gz"]
    coarse = replace(task, spacing=(2.5, 2.5, 2.5))
    scores, geometry = predict_case(Bright(), coarse, case, cpu)
    assert scores.shape == (2, 16, 16, 16)
    write_label_map(scores.argmax(0).numpy(), geometry, case.images[0], tmp_path / "coarse.nrrd")
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "coarse.nrrd")))
    truth = sitk.GetArrayFromImage(image) > 127
    assert 2 * (found * truth).sum() / (found.sum() + truth.sum()) > 0.8


def test_plane_is_written_as_png(nuclei: Task, cpu: torch.device, tmp_path: Path) -> None:
    case = find_cases(nuclei)[0][0]
    scores, geometry = predict_case(Oracle(), nuclei, case, cpu)
    write_label_map(scores.argmax(0).numpy(), geometry, case.images[0], tmp_path / "a.png")
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "a.png")))
    np.testing.assert_array_equal(found, scores.argmax(0).numpy())
    with pytest.raises(NasError, match=r"cannot-write.*\.nii\.gz"):
        write_label_map(scores.argmax(0).numpy(), geometry, case.images[0], tmp_path / "a.xyz")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
