"""What `predict` and `fuse` refuse, each by name and with nothing half-written."""

from __future__ import annotations

import locale
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from nascompile.data.reader import geometry_of, open_image
from nascompile.diagnostics import NasError

from .conftest import Command

FIRST, SECOND = "1.2.826.0.1.3680043.2.1125.1", "1.2.826.0.1.3680043.2.1125.2"


def write_series(folder: Path, image: sitk.Image, uid: str = FIRST) -> list[Path]:
    """A volume as DICOM slices of one series."""
    folder.mkdir(exist_ok=True)
    before = locale.setlocale(
        locale.LC_ALL
    )  # writing DICOM leaves the process in the locale C, whose encoding is ASCII
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    axes = image.GetDirection()
    paths = []
    for i in range(image.GetSize()[2]):
        plane = sitk.Cast(image[:, :, i], sitk.sitkInt16)
        place = image.TransformIndexToPhysicalPoint((0, 0, i))
        tags = {
            "0008|0060": "CT", "0020|000d": "1.2.826.0.1.3680043.2.1125.9", "0020|000e": uid,
            "0008|0018": f"{uid}.{i + 1}", "0020|0013": str(i + 1),
            "0020|0032": "\\".join(f"{v:.6f}" for v in place),
            "0020|0037": "\\".join(f"{axes[k]:.6f}" for k in (0, 3, 6, 1, 4, 7)),
            "0028|0030": "\\".join(f"{v:.6f}" for v in image.GetSpacing()[1::-1]),
        }  # fmt: skip
        for tag, value in tags.items():
            plane.SetMetaData(tag, value)
        paths.append(folder / f"{uid[-1]}_{i:02d}.dcm")
        writer.SetFileName(str(paths[-1]))
        writer.Execute(plane)
    locale.setlocale(locale.LC_ALL, before)
    return paths


@pytest.fixture
def volume(scans: Path) -> sitk.Image:
    """A real volume with spacing and place."""
    image = sitk.ReadImage(str(scans / "plain.nii.gz"))[:, :, 8:24]
    image.SetSpacing((0.75, 0.75, 2.5))
    image.SetOrigin((-30.0, 12.5, 100.0))
    return image


def test_a_series_lies_where_its_slices_lie(predict: Command, volume: sitk.Image, tmp_path: Path) -> None:
    write_series(tmp_path / "ct", volume)
    done = predict("ct", "--run", "near", "--out", "masks")
    assert done.code == 0, done.err
    assert f"wrote masks/ct.mha (series {FIRST})" in done.out
    image, mask = open_image(tmp_path / "ct"), sitk.ReadImage(str(tmp_path / "masks" / "ct.mha"))
    assert geometry_of(mask) == geometry_of(image)
    assert image.GetSpacing() == pytest.approx(volume.GetSpacing())
    assert sitk.GetArrayFromImage(mask).any()


def test_a_series_without_a_slice(predict: Command, volume: sitk.Image, tmp_path: Path) -> None:
    write_series(tmp_path / "ct", volume)[7].unlink()
    done = predict("ct", "--run", "near", "--out", "masks")
    assert (done.code, "missing-slices" in done.err) == (1, True)
    assert "5 mm between slices 7 and 8, 2.5 mm elsewhere" in done.err
    assert not (tmp_path / "masks").exists()


@pytest.mark.parametrize(("number", "cut"), [(7, 400), (15, 400), (0, 2300), (15, 2500)])
def test_a_slice_that_ends_too_early(
    number: int, cut: int, predict: Command, volume: sitk.Image, tmp_path: Path
) -> None:
    """Whether it lies inside or at an end, where no gap tells of it; and whether its header is whole."""
    path = write_series(tmp_path / "ct", volume)[number]
    path.write_bytes(path.read_bytes()[:-cut])
    done = predict("ct", "--run", "near", "--out", "masks")
    assert (done.code, "missing-slices" in done.err, f"cannot be read: `{path.name}`" in done.err) == (1, True, True)
    assert not (tmp_path / "masks").exists()


def test_what_lies_beside_a_series(predict: Command, volume: sitk.Image, tmp_path: Path) -> None:
    """Files that are no slices, and a slice of another series that is damaged, do no harm."""
    write_series(tmp_path / "ct", volume)
    paths = write_series(tmp_path / "ct", volume, SECOND)
    paths[-1].write_bytes(paths[-1].read_bytes()[:-400])
    report = paths[3].read_bytes()[:-400].replace(SECOND.encode(), FIRST.encode())
    modality = b"\x08\x00\x60\x00\x02\x00\x00\x00"  # (0008,0060), two letters
    report = report.replace(modality + b"CT", modality + b"SR")
    (tmp_path / "ct" / "report.dcm").write_bytes(report)
    (tmp_path / "ct" / "README.txt").write_text("notes", encoding="utf-8")
    done = predict("ct", "--run", "near", "--out", "masks", "--series", FIRST)
    assert done.code == 0, done.err


def test_a_folder_of_two_series(predict: Command, volume: sitk.Image, tmp_path: Path) -> None:
    """Each gets a mask that says whose it is; one can be chosen; a reader of one image must choose."""
    write_series(tmp_path / "ct", volume)
    write_series(tmp_path / "ct", volume[:, :, 2:], SECOND)
    done = predict("ct", "--run", "near", "--out", "masks")
    assert done.code == 0, done.err
    assert [line.split()[1:] for line in done.out.splitlines()] == [
        ["masks/ct_1.mha", "(series", f"{FIRST})"], ["masks/ct_2.mha", "(series", f"{SECOND})"],
    ]  # fmt: skip
    assert predict("ct", "--run", "near", "--out", "one", "--series", SECOND).code == 0
    assert sitk.ReadImage(str(tmp_path / "one" / "ct.mha")).GetSize()[2] == 14
    wrong = predict("ct", "--run", "near", "--out", "none", "--series", SECOND[:-1] + "7")
    assert (wrong.code, "missing-file" in wrong.err, "did you mean" in wrong.err) == (1, True, True)
    with pytest.raises(NasError) as failure:
        open_image(tmp_path / "ct")
    assert failure.value.diagnostics[0].code == "several-series"
    assert f"--series {FIRST}" in (failure.value.diagnostics[0].hint or "")


def test_bad_scans_are_all_named_and_the_others_predicted(predict: Command, scans: Path, tmp_path: Path) -> None:
    good = {path.name for path in scans.iterdir()}
    image = sitk.Cast(sitk.ReadImage(str(scans / "plain.nii.gz")), sitk.sitkFloat32)
    image[4, 5, 6] = float("nan")
    for suffix in (".nii.gz", ".nrrd"):
        sitk.WriteImage(image, str(scans / f"nan{suffix}"))
    for name in ("oblique.nrrd", "flipped.mha"):
        content = (scans / name).read_bytes()
        (scans / f"short_{name}").write_bytes(content[: len(content) * 2 // 3])
    (scans / "empty.nrrd").write_bytes(b"")
    sitk.WriteImage(image[:, :, 3], str(scans / "plane.nrrd"))
    sitk.WriteImage(sitk.JoinSeries([image + 1, image + 2]), str(scans / "two.nii"))
    (scans / "plain.nii.gz").rename(scans / "renamed.nii.gz")
    shutil.copy(scans / "nan.nii.gz", scans / "nan2.nii.gz")
    done = predict("scans", "--run", "near", "--out", "masks")
    assert done.code == 1
    assert done.err.count("nan-in-image") == 4
    assert done.err.count("unreadable-image") == 3
    assert "no reason" not in done.err and "No such file" not in done.err
    assert "trained on 3-D images with 1 channel" in done.err
    assert "volumes.nas" not in done.err and "spec.nas" not in done.err
    assert {p.name for p in (tmp_path / "masks").iterdir()} == {n.replace("plain", "renamed") for n in good}


def test_no_table_without_all_of_its_rows(predict: Command, scans: Path, tmp_path: Path) -> None:
    (scans / "empty.nrrd").write_bytes(b"")
    done = predict("scans", "--run", "benign", "--out", "classes.csv")
    assert (done.code, "unreadable-image" in done.err) == (1, True), done.err
    assert not (tmp_path / "classes.csv").exists()


def test_images_are_never_written_over(predict: Command, nascompile: Command, scans: Path) -> None:
    before = {path: path.read_bytes() for path in scans.iterdir()}
    done = predict("scans", "--run", "near", "--out", "scans")
    assert (done.code, "same-file" in done.err) == (1, True)
    for folder, reference in (("scans", "scans"), ("masks", "scans")):
        if folder == "masks":
            assert predict("scans", "--run", "near", "--out", "masks").code == 0
        done = nascompile("fuse", folder, "masks", "--reference", reference, "--out", folder)
        assert done.code == 1
    assert "same-file" in done.err
    assert {path: path.read_bytes() for path in scans.iterdir()} == before


@pytest.mark.parametrize(("run", "out"), [("near", "file/masks"), ("near", "file"), ("benign", "file/x.csv")])
def test_a_place_that_cannot_be_written_is_said_at_once(
    run: str, out: str, predict: Command, scans: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (scans / "empty.nrrd").write_bytes(b"")
    done = predict("scans", "--run", run, "--out", out)
    assert (done.code, "cannot-write" in done.err, "unreadable-image" in done.err) == (1, True, False)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may write anywhere")
def test_a_folder_without_permission(predict: Command, scans: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    done = predict("scans", "--run", "near", "--out", "locked")
    assert (done.code, "no permission" in done.err) == (1, True)


def test_weights_of_another_genotype(
    predict: Command, nascompile: Command, trained: Path, scans: Path, tmp_path: Path
) -> None:
    """A changed run predicts nothing, and no format is written of it."""
    runs = tmp_path / "runs"
    shutil.copytree(trained / "runs" / "near", runs / "near")
    shutil.copy(trained / "runs" / "flat" / "weights.safetensors", runs / "near" / "weights.safetensors")
    done = nascompile("predict", "scans", "--run", "near", "--runs", runs, "--out", "masks")
    assert (done.code, "weights-of-another-genotype" in done.err) == (1, True)
    for option in (["--onnx", "--out", "n.onnx"], ["--python", "n.py"], ["--bundle", "n"], ["--pt2", "n.pt2"]):
        done = nascompile("export", "--run", "near", "--runs", runs, *option)
        assert (done.code, "weights-of-another-genotype" in done.err) == (1, True), option
    assert not list(tmp_path.glob("n*")) and not (tmp_path / "masks").exists()


def fused(nascompile: Command, mask: sitk.Image, tmp_path: Path, *options: str) -> str:
    """What `fuse` says when one mask of the volume is this."""
    sitk.WriteImage(mask, str(tmp_path / "a" / "v.nrrd"))
    done = nascompile("fuse", "a", "b", "--reference", "v.nrrd", "--out", "fused", *options)
    assert (done.code, (tmp_path / "fused").exists()) == (1, False), (options, done.out)
    return done.err


def test_masks_that_are_not_of_their_image(nascompile: Command, volume: sitk.Image, tmp_path: Path) -> None:
    mask = volume > 127
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        sitk.WriteImage(mask, str(tmp_path / folder / "v.nrrd"))
    sitk.WriteImage(volume, str(tmp_path / "v.nrrd"))
    elsewhere = sitk.Image(mask)
    elsewhere.SetOrigin((500.0, 0.0, 0.0))
    assert "size-mismatch" in fused(nascompile, elsewhere, tmp_path)
    assert "size-mismatch" in fused(nascompile, mask[:, :, 3], tmp_path)
    assert "grid-mismatch" in fused(nascompile, sitk.GetImageFromArray(sitk.GetArrayFromImage(mask)), tmp_path)
    assert "holds 0.5" in fused(nascompile, sitk.Cast(mask, sitk.sitkFloat32) * 0.5, tmp_path)
    assert "2 channels" in fused(nascompile, sitk.Compose(mask, mask), tmp_path)
    assert "missing-file" in fused(nascompile, mask, tmp_path, "--fusion", "mean")
    assert "bad-option" in fused(nascompile, mask, tmp_path, "--weight", "1", "--weight", "-1")
    finer = sitk.Resample(mask, [48, 48, 16], sitk.Transform(), sitk.sitkNearestNeighbor, volume.GetOrigin(),
                          (0.5, 0.5, 2.5), volume.GetDirection())  # fmt: skip
    sitk.WriteImage(finer, str(tmp_path / "a" / "v.nrrd"))
    assert nascompile("fuse", "a", "b", "--reference", "v.nrrd", "--out", "fused").code == 0
    both = sitk.ReadImage(str(tmp_path / "fused" / "v.nrrd"))
    assert geometry_of(both) == geometry_of(volume)
    assert (sitk.GetArrayFromImage(both) == sitk.GetArrayFromImage(mask)).mean() > 0.99


def test_a_flat_mask_of_another_size(nascompile: Command, images: Path, tmp_path: Path) -> None:
    path = min(images.iterdir())
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        sitk.WriteImage(
            sitk.ReadImage(str(path))[: 20 if folder == "a" else None] > 99, str(tmp_path / folder / path.name)
        )
    done = nascompile("fuse", "a", "b", "--reference", path, "--out", "fused")
    assert (done.code, "size-mismatch" in done.err, (tmp_path / "fused").exists()) == (1, True, False)
    assert "PNG and the like cannot be resampled" in done.err


def test_labels_of_any_number_are_voted_on(nascompile: Command, volume: sitk.Image, tmp_path: Path) -> None:
    """Masks by other programs: 0 and 255, instance numbers; the smallest of equal shares."""
    values = sitk.GetArrayFromImage(volume > 127).astype(np.uint16)
    for folder, value in (("a", 255), ("b", 40000), ("c", 40000)):
        (tmp_path / folder).mkdir()
        mask = sitk.GetImageFromArray(values * value)
        mask.CopyInformation(volume)
        sitk.WriteImage(mask, str(tmp_path / folder / "v.nii.gz"))
    sitk.WriteImage(volume, str(tmp_path / "v.nii.gz"))
    for folders, value in ((("a", "b"), 255), (("a", "b", "c"), 40000)):
        assert nascompile("fuse", *folders, "--reference", "v.nii.gz", "--out", "fused").code == 0
        assert (sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "fused" / "v.nii.gz"))) == values * value).all()
