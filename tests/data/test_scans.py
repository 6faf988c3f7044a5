"""Finding what to predict on, checking DICOM series, writing on the grid of the image."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from nascompile.data.post import Cleaning, clean
from nascompile.data.reader import Geometry, geometry_of, open_image, resample, to_array
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


@pytest.mark.parametrize(
    "name",
    [
        "pyradiomics_nrrd/brain1",  # flipped, 6.5 mm slices
        "pyradiomics_nrrd/lung1crop",
        "hippocampus_msd",
    ],
)
def test_labels_survive_another_spacing(name: str, shared: Path, tmp_path: Path) -> None:
    """Probabilities on a grid of other voxels come back on the image's own, exactly, with the labels in place."""
    if name == "hippocampus_msd":
        image, label = (shared / name / f / "hippocampus_001.nii.gz" for f in ("images", "labels"))
    else:
        folder, case = name.split("/")
        image, label = (next((shared / folder).glob(f"{case}_{kind}.nrrd")) for kind in ("image", "label"))
    stored = open_image(label)
    truth = to_array(stored)[0].astype(int)
    count = int(truth.max()) + 1
    spacing = tuple(0.8 * s for s in stored.GetSpacing())
    maps, geometry = [], None
    for value in range(count):
        mask = resample(sitk.Cast(stored == value, sitk.sitkFloat32), spacing)
        maps.append(to_array(mask)[0])
        geometry = geometry_of(mask)
    assert isinstance(geometry, Geometry)
    back = on_stored_grid(np.stack(maps), geometry, label).argmax(0)
    for value in range(1, count):
        both = 2 * ((back == value) & (truth == value)).sum()
        assert both / ((back == value).sum() + (truth == value).sum()) > 0.98
    out = tmp_path / f"mask{'.nii.gz' if label.name.endswith('.gz') else label.suffix}"
    write_label_map(back, None, label, out)
    assert geometry_of(sitk.ReadImage(str(out))) == geometry_of(sitk.ReadImage(str(label)))
    assert image.exists()


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
    return float(sitk.ReadImage(str(path)).GetOrigin()[2])
