"""Reading a scan as a network's task says: its part of a union, its channels, its planes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import Tensor, nn

from nascompile.data.post import Cleaning
from nascompile.data.scans import Scan, find_scans
from nascompile.data.task import Pairs, Slices, Task, union
from nascompile.diagnostics import NasError
from nascompile.jobs.prediction import Model, channel_patterns, predict_maps
from nascompile.jobs.scan_scores import Settings, part_of, scores_of

CPU = torch.device("cpu")


class Bright(nn.Module):
    """Class 1 where the sum of the channels is above zero: where each voxel went can be read off."""

    def forward(self, x: Tensor) -> Tensor:
        total = x.sum(1, keepdim=True)
        return torch.cat([-total, total], 1)


@pytest.fixture
def volume(demo: Path, tmp_path: Path) -> Path:
    """A real volume, off the centre, with unequal sizes and a flipped axis."""
    image = sitk.ReadImage(str(min((demo / "lidc" / "volumes").iterdir())))[4:30, 2:, 8:28]
    image.SetDirection((1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0))
    sitk.WriteImage(image, str(tmp_path / "v.nii.gz"))
    return tmp_path / "v.nii.gz"


def task(folder: Path, **changes: object) -> Task:
    plain = Task("plain", folder, Pairs("*.png"), classes=("background", "nodule"), patch=(16, 16))
    return replace(plain, **changes)  # type: ignore[arg-type]


def truth(path: Path) -> np.ndarray:
    """What `Bright` says of the volume in LPS, standardised."""
    image = sitk.GetArrayFromImage(sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")).astype(np.float64)
    return image > image.mean()


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("flips", [False, True])
def test_planes_of_a_volume_come_back_in_their_places(plane: str, flips: bool, volume: Path) -> None:
    of_planes = task(volume.parent, slices=Slices(plane, every=8))  # type: ignore[arg-type]
    (scan,) = find_scans([volume])
    scores, geometry = scores_of(Bright(), of_planes, scan, CPU, Settings(flips=flips))
    assert tuple(scores.shape[1:]) == geometry.shape
    assert (scores.argmax(0).numpy() == truth(volume)).all()


def test_a_network_of_planes_reads_a_plane(volume: Path, tmp_path: Path) -> None:
    plane = sitk.ReadImage(str(volume))[:, :, 9]
    sitk.WriteImage(plane, str(tmp_path / "p.nrrd"))
    of_planes = task(tmp_path, slices=Slices())
    scores, _ = scores_of(Bright(), of_planes, Scan("p", (tmp_path / "p.nrrd",), None, ".nrrd"), CPU, Settings())
    values = sitk.GetArrayFromImage(plane).astype(np.float64)
    assert (scores.argmax(0).numpy() == (values > values.mean())).all()


def test_a_union_reads_as_the_part_that_fits(volume: Path, demo: Path) -> None:
    """Or as the one that is named; a flat part cannot take a volume."""
    flat, deep = task(volume.parent, name="flat"), task(volume.parent, name="deep", slices=Slices("sagittal"))
    both = union("both", (flat, deep))
    (scan,) = find_scans([volume])
    scores, _ = scores_of(Bright(), both, scan, CPU, Settings())
    assert (scores.argmax(0).numpy() == truth(volume)).all()
    with pytest.raises(NasError) as failure:
        scores_of(Bright(), both, scan, CPU, Settings(part="flat"))
    (problem,) = failure.value.diagnostics
    assert (problem.code, problem.primary) == ("rank-mismatch", None)
    assert "2-D images" in (problem.hint or "")
    with pytest.raises(NasError) as failure:
        part_of(both, "deap")
    assert failure.value.diagnostics[0].hint == "did you mean `deep`?"


def test_channels_in_files_of_their_own(volume: Path, tmp_path: Path) -> None:
    folder = tmp_path / "patients"
    for name in ("anna", "bert"):
        (folder / name).mkdir(parents=True)
        for kind in ("t1", "t2"):
            shutil.copy(volume, folder / name / f"{name}_{kind}.nii.gz")
    image = sitk.ReadImage(str(volume))
    sitk.WriteImage(sitk.Cast(image, sitk.sitkFloat32) * -3 + 100, str(folder / "bert" / "bert_t2.nii.gz"))
    layout = Pairs(("scans/*/*_t1.nii.gz", "scans/*/*_t2.nii.gz"))
    several = task(tmp_path, layout=layout, rank=3, patch=(16, 16, 16), channels=2)
    patterns = channel_patterns([Model("a", several, Bright()), Model("b", several, Bright())], None)
    assert patterns == ("*/*_t1.nii.gz", "*/*_t2.nii.gz")
    anna, bert = find_scans([folder], patterns=patterns)
    assert (anna.id, anna.mask, len(anna.images)) == ("anna_anna", "anna_anna.nii.gz", 2)
    scores, _ = scores_of(Bright(), several, anna, CPU, Settings())
    assert (scores.argmax(0).numpy() == truth(volume)).all()
    opposite, _ = scores_of(Bright(), several, bert, CPU, Settings())
    assert (opposite - 0.5).abs().max() < 1e-3
    (folder / "bert" / "bert_t2.nii.gz").unlink()
    with pytest.raises(NasError) as failure:
        find_scans([folder, volume, tmp_path / "patients" / "anna"], patterns=patterns)
    assert [d.code for d in failure.value.diagnostics] == ["unpaired-image", "unpaired-image", "no-images"]
    assert "bert_t2.nii.gz" in failure.value.diagnostics[0].message
    single = task(tmp_path, rank=3, patch=(16, 16, 16))
    with pytest.raises(NasError) as failure:
        channel_patterns([Model("a", several, Bright()), Model("b", single, Bright())], None)
    assert failure.value.diagnostics[0].code == "tasks-disagree"


def test_the_smallest_component_is_measured_on_the_grid_of_the_mask(tmp_path: Path) -> None:
    """Voxels of 1 mm3, read by the network at 2 mm: 8 of them are 8 mm3, not 64."""
    values = np.zeros((16, 16, 16), np.float32)
    values[2:4, 2:4, 2:4] = 1.0
    values[8:14, 8:14, 8:14] = 1.0
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "v.nii.gz"))
    coarse = task(tmp_path, rank=3, patch=(8, 8, 8), spacing=(2.0, 2.0, 2.0))
    model = Model("coarse", coarse, Bright())
    settings = Settings(cleaning=Cleaning(smallest=20.0))
    ((_, path),) = predict_maps([model], find_scans([tmp_path / "v.nii.gz"]), tmp_path / "out", CPU, settings)
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert mask[9:13, 9:13, 9:13].all() and not mask[:6, :6, :6].any()
