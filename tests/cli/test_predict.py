"""`nascompile predict` and `fuse`: a tiny trained run on the shipped images."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from .conftest import Command


def read(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_masks_lie_on_the_images(nascompile: Command, work: Path, images: Path) -> None:
    done = nascompile("predict", images, "--out", "masks", "--device", "cpu")
    assert done.code == 0, done.err
    for path in images.iterdir():
        mask = sitk.ReadImage(str(work / "masks" / path.name))
        image = sitk.ReadImage(str(path))
        assert (mask.GetSize(), mask.GetSpacing()) == (image.GetSize(), image.GetSpacing())
        assert mask.GetPixelIDTypeAsString() == "8-bit unsigned integer"
        assert set(np.unique(sitk.GetArrayFromImage(mask))) <= {0, 1, 2}
    assert len(done.out.splitlines()) == 2


def test_the_exported_model_gives_the_same_masks(nascompile: Command, work: Path, images: Path) -> None:
    first = nascompile("predict", images, "--out", "torch", "--device", "cpu", "--flips")
    model = work / "runs" / "all" / "model.onnx"
    second = nascompile("predict", images, "--out", "onnx", "--onnx", model, "--device", "cpu", "--flips")
    assert first.code == second.code == 0, second.err
    for path in images.iterdir():
        assert (read(work / "torch" / path.name) == read(work / "onnx" / path.name)).mean() >= 0.999


def test_an_ensemble_equals_its_fused_folders(nascompile: Command, work: Path, images: Path) -> None:
    for name, options in (("a", ["--scores"]), ("b", ["--scores", "--flips"])):
        assert nascompile("predict", images, "--out", name, "--device", "cpu", *options).code == 0
    done = nascompile("fuse", "a", "b", "--reference", images, "--out", "both", "--fusion", "mean")
    assert done.code == 0, done.err
    for path in images.iterdir():
        scores = [read(work / n / f"{path.stem}_scores.nii.gz") for n in ("a", "b")]
        wanted = np.argmax(np.squeeze(sum(scores)), axis=-1)
        assert (read(work / "both" / path.name) == wanted).mean() > 0.999
    one = nascompile("fuse", "a", "a", "--reference", images, "--out", "vote")
    assert one.code == 0, one.err
    assert all((read(work / "vote" / p.name) == read(work / "a" / p.name)).all() for p in images.iterdir())


def test_what_cannot_be_fused_is_listed(nascompile: Command, work: Path, images: Path) -> None:
    (work / "empty").mkdir()
    done = nascompile("fuse", "empty", "gone", "--reference", images, "--out", "both")
    assert done.code == 1
    assert done.err.count("missing-file") == 4
    assert not (work / "both").exists()


def test_a_model_of_another_genotype_is_refused(nascompile: Command, work: Path, images: Path, root: Path) -> None:
    spec = root / "specs" / "genotypes" / "nas_unet.nas"
    options = ["--set", "depth=2", "--set", "c=8", "--input", "1x32x32", "--out", "other.onnx"]
    made = nascompile("export", spec, "--genotype", "NASUNET", "--onnx", *options)
    assert made.code == 0, made.err
    done = nascompile("predict", images, "--onnx", "other.onnx", "--out", "masks", "--device", "cpu")
    assert done.code == 1
    assert "weights-of-another-genotype" in done.err
    assert not (work / "masks").exists()


def test_an_image_with_nan_leaves_no_mask(nascompile: Command, work: Path, tmp_path: Path) -> None:
    values = np.zeros((16, 16), np.float32)
    values[3, 3] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "bad.nii.gz"))
    done = nascompile("predict", "bad.nii.gz", "--out", "masks", "--device", "cpu")
    assert done.code == 1
    assert "nan-in-image" in done.err
    assert not list((work / "masks").glob("*")) if (work / "masks").exists() else True


@pytest.mark.skipif(os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(nascompile: Command, work: Path, images: Path) -> None:
    (work / "locked").mkdir(mode=0o500)
    done = nascompile("predict", images, "--out", "locked/masks", "--device", "cpu")
    assert done.code == 1
    assert "cannot-write" in done.err


def test_a_file_where_the_folder_should_be(nascompile: Command, work: Path, images: Path) -> None:
    (work / "masks").write_text("not a folder", encoding="utf-8")
    done = nascompile("predict", images, "--out", "masks", "--device", "cpu")
    assert done.code == 1
    assert "cannot-write" in done.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--fusion", "sum"], "bad-option"),
        (["--weight", "1", "--weight", "2"], "bad-option"),
        (["--onnx", "a.onnx", "--onnx", "b.onnx"], "bad-option"),
        (["--onnx", "a.onnx"], "missing-file"),
        (["--run", "gone"], "unknown-run"),
    ],
)
def test_options_that_do_not_fit(options: list[str], code: str, nascompile: Command, work: Path, images: Path) -> None:
    done = nascompile("predict", images, *options, "--device", "cpu")
    assert done.code == 1
    assert code in done.err


def test_scans_of_many_kinds_keep_their_grids(nascompile: Command, work: Path, tmp_path: Path) -> None:
    """A mask of an oblique volume's plane, stored with a world, lies where the plane lies."""
    plane = sitk.GetImageFromArray(np.arange(40 * 48, dtype=np.float32).reshape(40, 48))
    plane.SetSpacing((0.7, 1.3))
    plane.SetOrigin((-20.0, 35.0))
    plane.SetDirection((0.8, -0.6, 0.6, 0.8))
    sitk.WriteImage(plane, str(tmp_path / "oblique.nrrd"))
    done = nascompile("predict", "oblique.nrrd", "--out", "masks", "--device", "cpu")
    assert done.code == 0, done.err
    mask = sitk.ReadImage(str(work / "masks" / "oblique.nrrd"))
    assert (mask.GetSize(), mask.GetSpacing(), mask.GetOrigin()) == ((48, 40), (0.7, 1.3), (-20.0, 35.0))
    assert mask.GetDirection() == pytest.approx(plane.GetDirection())
