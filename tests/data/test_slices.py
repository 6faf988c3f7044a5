"""Planes of volumes as images, and data sets of several kinds in one task, on real volumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nascompile.compilation import Compilation
from nascompile.data.checks import check_task
from nascompile.data.dataset import batches, datasets, halves
from nascompile.data.load import load_volume
from nascompile.data.splits import load_splits
from nascompile.data.task import Augment, Pairs, Ratio, Slices, Task, Threshold, ValueMap, union
from nascompile.diagnostics import NasError
from nascompile.train.evaluate import evaluate

VOLUMES = Pairs("volumes/LIDC-IDRI-00*.nii.gz", "volumes/LIDC-IDRI-00*.nii.gz")  # how much of a voxel is nodule, 0..255


@pytest.fixture
def planes(demo: Path) -> Task:
    return Task(
        "planes", demo / "lidc", VOLUMES, patch=(32, 32), split=Ratio(0.6, 0.2, 0.2), slices=Slices(every=4),
        normalise="none", labels=Threshold(),
    )  # fmt: skip


def test_planes_with_objects_are_cases(planes: Task) -> None:
    assert check_task(planes) == []
    splits = load_splits(planes)
    volumes = load_splits(planes.volume)
    for name in ("train", "val", "test"):
        cases = splits.named(name)  # type: ignore[arg-type]
        assert {c.group for c in cases} == {c.group for c in volumes.named(name)}  # type: ignore[arg-type]
        assert all(c.plane is not None and c.plane % 4 == 0 for c in cases)
    data = datasets(planes, "val")
    for i in range(len(data)):
        item = data[i]
        assert item["image"].shape == (1, 32, 32) and item["label"].any()
        assert torch.equal(item["image"] > 127, item["label"] > 0)
        assert len(item["spacing"]) == 2


@pytest.mark.parametrize(("plane", "axis"), [("axial", 0), ("coronal", 1), ("sagittal", 2)])
def test_a_plane_lies_across_its_axis(planes: Task, plane: str, axis: int) -> None:
    task = replace(planes, slices=Slices(plane, every=5, foreground=False))  # type: ignore[arg-type]
    data = datasets(task, "val")
    case = data.cases[3]
    whole = load_volume(task, case)
    assert case.plane == 15 and case.id.endswith(f"_{plane[0]}015")
    assert np.array_equal(data[3]["image"], np.take(whole.image, 15, axis + 1))
    assert len(data) == 7 * len(load_splits(planes.volume).val)


def test_halves_never_tear_a_volume(planes: Task) -> None:
    weights, architecture = halves(datasets(planes, "train"), 0)
    assert not {c.group for c in weights.selected()} & {c.group for c in architecture.selected()}


def test_three_domains_in_one_task(shared: Path) -> None:
    common = {"patch": (48, 48), "channels": 3}
    nuclei = Task("nuclei", shared / "nuclei_dsb2018", Pairs("images/*.png", "masks/*.png"), samples=2, **common)  # type: ignore[arg-type]
    polyps = Task(
        "polyps", shared / "polyp_kvasir", Pairs("images/*.jpg", "masks/*.jpg"), labels=Threshold(),
        sampling="resize", **common,  # type: ignore[arg-type]
    )  # fmt: skip
    hippocampus = Task(
        "hippocampus", shared / "hippocampus_msd", Pairs("images/*.nii.gz", "labels/*.nii.gz"), patch=(48, 48),
        slices=Slices(every=8), labels=ValueMap(((0, 0), (1, 1), (2, 1))), augment=(Augment("flip"),),
    )  # fmt: skip
    task = union("mixed", (nuclei, polyps, hippocampus))
    assert check_task(task) == []
    data = datasets(task, "train")
    assert len(data) == len(data.cases) + 49  # two patches of the nuclei, one of the others
    seen: set[str] = set()
    both = False
    for batch in batches(data, 16, 0, 0):
        assert batch.image.shape[1:] == (3, 48, 48) and set(batch.label.unique().tolist()) <= {0, 1}
        domains = {name.partition("/")[0] for name in batch.ids}
        seen |= domains
        both = both or len(domains) > 1
    assert seen == {"nuclei", "polyps", "hippocampus"} and both
    again = next(batches(datasets(task, "train"), 16, 0, 1))
    assert torch.equal(again.image, next(batches(data, 16, 0, 1)).image)


class Bright(torch.nn.Module):
    """Calls every pixel above 0 an object."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 10 * x[:, :1]


def test_parts_are_evaluated_each_and_together(planes: Task, demo: Path) -> None:
    nuclei = Task(
        "nuclei", demo / "nuclei", Pairs("images/*.png", "labels/*.png"), labels=ValueMap(((0, 0), (1, 1), (2, 1))),
        patch=(32, 32),
    )  # fmt: skip
    task = union("both", (replace(planes, metric="jaccard"), nuclei))
    found = evaluate(Bright(), task, "test", torch.device("cpu"), resamples=10)
    alone = evaluate(Bright(), nuclei, "test", torch.device("cpu"), metrics=["jaccard"], resamples=10)
    assert set(found.parts) == {"planes", "nuclei"}
    assert found.parts["nuclei"]["jaccard"] == alone.summaries["jaccard"]
    values = [row[0] for row in found.rows.values()]
    assert found.summaries["jaccard"].value == pytest.approx(float(np.mean(values)))
    assert 0.2 < found.as_json()["parts"]["planes"]["jaccard"]["value"] < 1
    assert "parts" not in alone.as_json()


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("slices = axal", "unknown-word", "did you mean `axial`?"),
        ("slices = axial(every = 0)", "bad-option", "above 0"),
        ("slices = axial(evry = 2)", "unknown-option", "did you mean `every`?"),
        ("slices = axial\n  rank = 3", "rank-mismatch", "leave `slices` out"),
    ],
)
def test_mistakes(demo: Path, line: str, code: str, words: str) -> None:
    text = f'nas 1\ntask t {{\n  data = pairs("lidc", image = "volumes/*.nii.gz")\n  {line}\n}}\n'
    with pytest.raises(NasError) as failure:
        Compilation.from_text(text, folder=demo).task()
    (found,) = failure.value.diagnostics
    assert found.code == code and words in f"{found.message} {found.hint}"


def test_a_volume_where_planes_are_wanted_says_how(planes: Task) -> None:
    (found, *_) = check_task(replace(planes, slices=None))
    assert found.code == "rank-mismatch" and "`slices = axial`" in (found.hint or "")
