"""Masks of real volumes of many kinds lie exactly where their images lie (skipped where the larger data is not)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascompile.data.reader import geometry_of, itk, open_image
from nascompile.data.scans import find_scans

from .conftest import Command

SMALL = (
    "hippocampus_msd/dicom_unlabelled",
    "hippocampus_msd/mhd/Case04.mhd",
    "hippocampus_msd/images/hippocampus_001.nii.gz",
    "pyradiomics_nrrd/breast1_image.nrrd",
    "totalseg_ct/ct3mm.nii.gz",  # flipped
    "t1_brain_dicom/slab",  # oblique
)
LARGE = (
    "pyradiomics_nrrd",  # flipped, slices of 5 and 6.5 mm
    "totalseg_ct",  # DICOM in JPEG 2000, and flipped maps
    "ms_lesions_flair",
    "dcmqi_ct_seg",  # a segmentation object beside maps and a folder of slices
    "elastix_lung_mha",
)


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_masks_of_all_kinds_of_volumes(name: str, shared: Path, predict: Command, tmp_path: Path) -> None:
    done = predict(shared / name, "--run", "near", "--out", "masks", "--overlap", "0")
    assert done.code == 0, done.err
    scans = find_scans([shared / name])
    assert {path.name for path in (tmp_path / "masks").iterdir()} == {scan.mask for scan in scans}
    for scan in scans:
        mask = itk().ReadImage(str(tmp_path / "masks" / scan.mask))
        assert geometry_of(mask) == geometry_of(open_image(scan.images[0], scan.series)), scan.mask
        assert mask.GetPixelIDTypeAsString() == "8-bit unsigned integer"
