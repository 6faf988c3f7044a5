"""Finding what to predict on, checking DICOM series, writing on the grid of the image."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from nascompile.data.post import Cleaning, clean
from nascompile.data.reader import geometry_of, open_image, reorient, resample, to_array
from nascompile.data.scans import find_scans
from nascompile.data.writer import on_stored_grid, write_label_map
from nascompile.diagnostics import NasError


def codes(failure: pytest.ExceptionInfo[NasError]) -> list[str]:
    return [d.code for d in failure.value.diagnostics]


def test_files_of_a_folder(demo: Path) -> None:
    images = sorted((demo / "nuclei" / "images").iterdir())
    scans = find_scans([demo / "nuclei" / "images"])
    assert [s.images[0] for s in scans] == images
    assert {s.mask for s in scans} == {p.name for p in images}


def test_a_lossy_image_gets_a_lossless_mask(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.nii.gz").touch()
    (tmp_path / "c.mhd").touch()
    assert [s.mask for s in find_scans([tmp_path])] == ["a.png", "b.nii.gz", "c.mha"]


def test_what_cannot_be_found_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").touch()
    with pytest.raises(NasError) as failure:
        find_scans([tmp_path / "emty", tmp_path / "empty", tmp_path / "one", tmp_path / "two"])
    assert codes(failure) == ["missing-file", "no-images", "same-name"]
    assert "empty" in (failure.value.diagnostics[0].hint or "")


def test_a_series_whose_slices_are_not_all_there(shared: Path, tmp_path: Path) -> None:
    slab = shared / "t1_brain_dicom" / "slab"
    (scan,) = find_scans([slab])
    assert open_image(slab, scan.series).GetSize()[2] == len(list(slab.iterdir()))
    files = sorted(slab.iterdir(), key=lambda p: float(sitk.ReadImage(str(p)).GetMetaData("0020|0032").split("\\")[0]))
    for path in files[:5] + files[6:]:
        shutil.copy(path, tmp_path / path.name)
    with pytest.raises(NasError) as failure:
        open_image(tmp_path)
    assert codes(failure) == ["missing-slices"]


def test_a_slice_twice_at_one_position(shared: Path, tmp_path: Path) -> None:
    slab = shared / "t1_brain_dicom" / "slab"
    for path in slab.iterdir():
        shutil.copy(path, tmp_path / path.name)
    shutil.copy(next(slab.iterdir()), tmp_path / "again.dcm")
    with pytest.raises(NasError) as failure:
        open_image(tmp_path)
    assert codes(failure) == ["missing-slices"]
    assert "one position" in failure.value.diagnostics[0].message


LABEL_MAPS = [
    "hippocampus_msd/labels/hippocampus_001.nii.gz",
    "hippocampus_msd/mhd/Case02_segmentation.mhd",
    "pyradiomics_nrrd/brain1_label.nrrd",  # flipped, 6.5 mm slices
    "pyradiomics_nrrd/breast1_label.nrrd",
    "pyradiomics_nrrd/lung1crop_label.nrrd",
    "dcmqi_ct_seg/liver_spine_seg.nrrd",
    "dcmqi_ct_seg/liver.dcm",  # three slices in one file
    "elastix_lung_mha/3DCT_lung_baseline_mask.mha",
    pytest.param("totalseg_ct/ct3mm_seg.nii.gz", marks=pytest.mark.slow),  # 41 labels
    pytest.param("totalseg_ct/ct_dicom_seg.nii.gz", marks=pytest.mark.slow),  # flipped, 31 labels
    pytest.param("ms_lesions_flair/patient07_lesions.nii.gz", marks=pytest.mark.slow),  # lesions of a few voxels
    pytest.param("ms_lesions_flair/patient19_lesions.nii.gz", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("name", LABEL_MAPS)
def test_labels_survive_another_spacing(name: str, shared: Path, tmp_path: Path) -> None:
    """Turned and taken to smaller voxels as images are, probabilities come back exactly, with each label in place."""
    path = shared / name
    stored = open_image(path)
    truth = to_array(stored)[0].astype(int)
    turned = reorient(stored)
    spacing = tuple(0.6 * s for s in turned.GetSpacing())
    back, most = np.zeros_like(truth), np.full(truth.shape, -1.0, np.float32)
    for value in np.unique(truth):
        moved = resample(sitk.Cast(turned == int(value), sitk.sitkFloat32), spacing)
        (found,) = on_stored_grid(to_array(moved), geometry_of(moved), path)
        better = found > most
        back[better], most[better] = value, found[better]
    for value in np.unique(truth)[1:]:
        both = 2 * ((back == value) & (truth == value)).sum()
        assert both / ((back == value).sum() + (truth == value).sum()) > 0.98
    out = (
        tmp_path / f"mask{'.nii.gz' if path.name.endswith('.gz') else '.mha' if path.suffix == '.dcm' else path.suffix}"
    )
    write_label_map(back, None, path, out)
    assert geometry_of(sitk.ReadImage(str(out))) == geometry_of(stored)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mha"])
def test_an_oblique_grid_is_kept_to_the_last_bit(name: str, demo: Path, tmp_path: Path) -> None:
    """Also by NIfTI, whose axes ITK rounds anew each time it writes; and with the space that they are of."""
    image = sitk.ReadImage(str(min((demo / "lidc" / "volumes").iterdir())))
    a, b, c = np.cos([0.13, 0.4, 1.1]), np.sin([0.13, 0.4, 1.1]), np.eye(3)
    for k in range(3):
        turn = np.eye(3)
        i, j = [(0, 1), (1, 2), (0, 2)][k]
        turn[i, i] = turn[j, j] = a[k]
        turn[i, j], turn[j, i] = -b[k], b[k]
        c = c @ turn
    image.SetDirection(c.ravel().tolist())
    image.SetSpacing((0.7, 0.66667, 1.1))
    image.SetOrigin((-101.3, 77.7, 0.1))
    like, out = tmp_path / name, tmp_path / f"mask_{name}"
    sitk.WriteImage(image, str(like))
    if name == "a.nii":
        data = bytearray(like.read_bytes())
        data[123], data[254] = 3, 4  # in micrometres; the affine matrix is of MNI space
        like.write_bytes(data)
    write_label_map((to_array(image)[0] > 127).astype(int), None, like, out)
    ours, theirs = sitk.ReadImage(str(out)), sitk.ReadImage(str(like))
    assert geometry_of(ours) == geometry_of(theirs)
    assert (sitk.GetArrayFromImage(ours) == (sitk.GetArrayFromImage(image) > 127)).all()
    if name == "a.nii":
        assert ours.GetMetaData("sform_code") == theirs.GetMetaData("sform_code") == "4"


def test_cleaning_a_label_map() -> None:
    labels = np.zeros((9, 9), int)
    labels[1:6, 1:6] = 1
    labels[3, 3] = 0
    labels[8, 8] = 1
    labels[7:9, 0:2] = 2
    assert clean(labels, Cleaning()) is labels
    kept = clean(labels, Cleaning(largest=True))
    assert kept[8, 8] == 0 and kept[7, 0] == 2 and kept[3, 3] == 0
    assert clean(labels, Cleaning(holes=True))[3, 3] == 1
    small = clean(labels, Cleaning(smallest=2.0))
    assert small[8, 8] == 0 and small[7, 0] == 2
    assert clean(labels, Cleaning(smallest=2.0), (2.0, 2.0))[8, 8] == 1
    assert labels[8, 8] == 1


def test_a_damaged_slice_at_the_end_of_a_real_series(shared: Path, tmp_path: Path) -> None:
    """Explicit and implicit value representations, compressed and not; nothing else in the folder tells of it."""
    for folder in ("totalseg_ct/ct_dicom", "t1_brain_dicom/slab", "dcmqi_ct_seg/ct"):
        copy = tmp_path / folder.replace("/", "_")
        copy.mkdir()
        paths = sorted((shared / folder).iterdir(), key=lambda p: _place(p))
        for path in paths:
            (copy / path.name).write_bytes(path.read_bytes())
        assert open_image(copy).GetSize()[2] == len(paths)
        (copy / paths[-1].name).write_bytes(paths[-1].read_bytes()[: paths[-1].stat().st_size // 2])
        with pytest.raises(NasError) as failure:
            open_image(copy)
        assert codes(failure)[0] in ("missing-slices", "unreadable-image"), folder


def _place(path: Path) -> float:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return float(reader.GetOrigin()[2])
