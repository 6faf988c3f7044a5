"""`predict` and `fuse` with small trained networks of volumes, of planes of volumes, and of classes (`volumes.nas`)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from nascompile.data.reader import geometry_of

from .conftest import Command


def read(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("run", ["near", "flat"])
def test_masks_lie_exactly_where_the_volumes_lie(run: str, predict: Command, scans: Path, tmp_path: Path) -> None:
    """And on the object, whichever way the axes run: as volumes, and plane by plane."""
    done = predict("scans", "--run", run, "--out", "masks")
    assert done.code == 0, done.err
    for path in scans.iterdir():
        mask, image = (sitk.ReadImage(str(p)) for p in (tmp_path / "masks" / path.name, path))
        assert geometry_of(mask) == geometry_of(image)
        assert mask.GetPixelIDTypeAsString() == "8-bit unsigned integer"
        found, truth = sitk.GetArrayFromImage(mask) > 0, sitk.GetArrayFromImage(image) > 127
        assert dice(found, truth) > 0.5
        centres = np.array([ndimage.center_of_mass(found), ndimage.center_of_mass(truth)])
        assert np.abs(np.diff(centres, axis=0)).max() < 2  # voxels; mirrored, one would lie 6 away


def test_the_exported_model_gives_the_same_volumes(
    predict: Command, nascompile: Command, scans: Path, trained: Path, tmp_path: Path
) -> None:
    """Also in an ensemble, over flips, and from float16 within its rounding."""
    for run in ("near", "wide"):
        options = ["--runs", trained / "runs", "--out", f"{run}.onnx", "--fp16"]
        assert nascompile("export", "--run", run, *options).code == 0
    runs = ["--run", "near", "--run", "wide", "--flips"]
    assert predict("scans", *runs, "--out", "torch").code == 0
    models = [["--onnx", f"near{kind}.onnx", "--onnx", f"wide{kind}.onnx"] for kind in ("", ".fp16")]
    for name, files in zip(("onnx", "half"), models, strict=True):
        done = predict("scans", *runs, *files, "--out", name)
        assert done.code == 0, done.err
    for path in scans.iterdir():
        masks = [read(tmp_path / name / path.name) for name in ("torch", "onnx", "half")]
        assert (masks[0] == masks[1]).mean() >= 0.999
        assert (masks[0] == masks[2]).mean() >= 0.99


@pytest.mark.parametrize(
    ("fusion", "weights"), [("mean", ()), ("geometric", ()), ("mean", (3, 1)), ("vote", (1, 2)), ("geometric", (1, 4))]
)
def test_an_ensemble_of_two_runs(
    fusion: str, weights: tuple[int, ...], predict: Command, nascompile: Command, scans: Path, tmp_path: Path
) -> None:
    """It gives what its definition says of the two runs' probabilities, and what `fuse` makes of their folders."""
    for run in ("near", "wide"):
        assert predict("scans", "--run", run, "--out", run, "--scores").code == 0
    options = ["--fusion", fusion, *(word for w in weights for word in ("--weight", w))]
    assert predict("scans", "--run", "near", "--run", "wide", "--out", "both", *options).code == 0
    done = nascompile("fuse", "near", "wide", "--reference", "scans", "--out", "fused", *options)
    assert done.code == 0, done.err
    shares = np.array(weights or (1, 1), float) / sum(weights or (1, 1))
    for path in scans.iterdir():
        name = path.name.split(".")[0]
        scores = [read(tmp_path / run / f"{name}_scores.nii.gz").astype(float) for run in ("near", "wide")]
        assert np.abs(scores[0] - scores[1]).max() > 0.05
        if fusion == "vote":
            fused = sum(w * np.eye(2)[s.argmax(-1)] for w, s in zip(shares, scores, strict=True))
        elif fusion == "geometric":
            fused = np.exp(sum(w * np.log(np.maximum(s, 1e-12)) for w, s in zip(shares, scores, strict=True)))
        else:
            fused = sum(w * s for w, s in zip(shares, scores, strict=True))
        for folder in ("both", "fused"):
            assert (read(tmp_path / folder / path.name) == fused.argmax(-1)).mean() > 0.999


def test_cleaning_and_flips_change_real_masks(predict: Command, scans: Path, tmp_path: Path) -> None:
    assert predict("scans", "--run", "near", "--out", "raw").code == 0
    assert predict("scans", "--run", "near", "--out", "flips", "--flips").code == 0
    assert predict("scans", "--run", "near", "--out", "clean", "--largest", "--holes", "--smallest", "2").code == 0
    names = [path.name for path in scans.iterdir()]
    assert any((read(tmp_path / "raw" / n) != read(tmp_path / "flips" / n)).any() for n in names)
    for name in names:
        raw, cleaned = (read(tmp_path / folder / name) for folder in ("raw", "clean"))
        assert ndimage.label(cleaned)[1] == 1
        assert (ndimage.binary_fill_holes(cleaned) == cleaned).all()
        assert dice(raw > 0, cleaned > 0) > 0.9


def test_a_class_table_of_several_models(predict: Command, scans: Path, tmp_path: Path) -> None:
    tables = {}
    runs = {"benign": ["benign"], "malign": ["malign"], "mean": ["benign", "malign"], "vote": ["benign", "malign"]}
    for name, models in runs.items():
        how = ["--fusion", name, "--weight", 1, "--weight", 2] if len(models) > 1 else []
        done = predict("scans", *(word for m in models for word in ("--run", m)), "--out", f"{name}.csv", *how)
        assert done.code == 0, done.err
        tables[name] = table(tmp_path / f"{name}.csv")
    assert [row["id"] for row in tables["mean"]] == ["flipped", "oblique", "plain"]
    columns = ["p benign", "p malignant"]
    for i, row in enumerate(tables["mean"]):
        first, second = (np.array([float(tables[n][i][c]) for c in columns]) for n in ("benign", "malign"))
        mean = np.array([float(row[c]) for c in columns])
        assert np.allclose(mean, (first + 2 * second) / 3, atol=2e-6)
        assert row["class"] == ["benign", "malignant"][int(mean.argmax())]
        vote = np.array([float(tables["vote"][i][c]) for c in columns])
        assert np.allclose(vote, (np.eye(2)[first.argmax()] + 2 * np.eye(2)[second.argmax()]) / 3, atol=2e-6)


def test_an_image_smaller_than_the_divisor(predict: Command, scans: Path, tmp_path: Path) -> None:
    """Is padded to the patch, and its mask cropped."""
    tiny = sitk.ReadImage(str(scans / "plain.nii.gz"))[12:17, 12:15, 16:17]
    sitk.WriteImage(tiny, str(tmp_path / "tiny.nii.gz"))
    for run in ("near", "flat"):
        done = predict("tiny.nii.gz", "--run", run, "--out", run)
        assert done.code == 0, done.err
        mask = sitk.ReadImage(str(tmp_path / run / "tiny.nii.gz"))
        assert geometry_of(mask) == geometry_of(sitk.ReadImage(str(tmp_path / "tiny.nii.gz")))


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_a_format_that_loses_slices_or_the_grid_is_refused(
    predict: Command, nascompile: Command, scans: Path, tmp_path: Path, kind: str
) -> None:
    for network in ("near", "flat"):
        done = predict("scans", "--run", network, "--out", "masks", "--format", kind)
        assert done.code == 1
        assert "error[cannot-write]" in done.err and "`--format nii.gz`" in done.err
        assert not (tmp_path / "masks").exists()
    for name in ("a", "b"):
        assert predict("scans/plain.nii.gz", "--run", "near", "--out", name).code == 0
    done = nascompile("fuse", "a", "b", "--reference", "scans/plain.nii.gz", "--out", "fused", "--format", kind)
    assert done.code == 1
    assert "error[cannot-write]" in done.err
    assert not list((tmp_path / "fused").glob("*"))


def test_masks_in_another_format(predict: Command, nascompile: Command, scans: Path, tmp_path: Path) -> None:
    assert predict("scans", "--run", "near", "--out", "masks", "--format", "nii.gz").code == 0
    assert sorted(p.name for p in (tmp_path / "masks").iterdir()) == [
        "flipped.nii.gz",
        "oblique.nii.gz",
        "plain.nii.gz",
    ]
    done = nascompile("fuse", "masks", "masks", "--reference", "scans", "--out", "fused")
    assert done.code == 0, done.err
    assert {p.name for p in (tmp_path / "fused").iterdir()} == {"flipped.mha", "oblique.nrrd", "plain.nii.gz"}
    wrong = predict("scans", "--run", "near", "--out", "m", "--format", "jpg")
    assert (wrong.code, "bad-option" in wrong.err, (tmp_path / "m").exists()) == (1, True, False)


def test_a_series_of_what_is_no_dicom_is_not_passed_over(predict: Command, scans: Path, tmp_path: Path) -> None:
    for place in ("scans", "scans/plain.nii.gz"):
        done = predict(place, "--run", "near", "--series", "1.2.3", "--out", "masks")
        assert done.code == 1
        assert "holds no DICOM series `1.2.3`" in done.err
        assert not (tmp_path / "masks").exists()
