"""Splits are disjoint, seeded and keep patients together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nascompile.data.cases import Case, find_cases
from nascompile.data.dataset import datasets
from nascompile.data.dataset import halves as patch_halves
from nascompile.data.splits import halves, load_splits, split_cases
from nascompile.data.task import SPLITS, ByFolder, Ratio, Task, union
from nascompile.diagnostics import NasError


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "splits.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def test_images_elsewhere_are_in_no_folder_of_a_split(lidc: Task, tmp_path: Path) -> None:
    """A list may name its images from the root of the file system."""
    listed = {"a": {"image": (tmp_path / "elsewhere" / "a.nii.gz").as_posix(), "label": 0}}
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "splits.json").write_text(json.dumps({"cases": listed}), encoding="utf-8")
    task = replace(lidc, root=tmp_path / "list", split=ByFolder())
    splits, problems = split_cases(task, find_cases(task)[0])
    assert not problems and not any(splits.named(name) for name in SPLITS)


def test_the_shipped_splits(nuclei: Task, lidc: Task) -> None:
    splits = load_splits(nuclei)
    assert [len(splits.named(n)) for n in ("train", "val", "test")] == [8, 4, 4]
    assert all(c.id.startswith("train") for c in splits.train)
    splits = load_splits(lidc)
    assert [len(splits.named(n)) for n in ("train", "val", "test")] == [180, 60, 60]


def test_several_mistakes_of_a_split_file_in_one_run(own: Path, nuclei: Task) -> None:
    def spoil(value: dict[str, Any]) -> None:
        value["train"].append("train_r128_c001")
        value["val"].append(value["train"][0])

    edit(own, spoil)
    with pytest.raises(NasError) as caught:
        load_splits(replace(nuclei, root=own))
    absent, overlap = caught.value.diagnostics
    assert (absent.code, overlap.code) == ("absent-case", "overlapping-splits")
    assert "`train_r128_c001`" in absent.message and absent.hint == "did you mean `train_r128_c000`?"
    assert overlap.message == "`train_r128_c000` is in the splits `train` and `val`"
    assert overlap.primary is not None and overlap.primary.span.text == '"splits.json"'


def test_split_file_that_is_not_there_or_not_json(own: Path, nuclei: Task) -> None:
    task = replace(nuclei, root=own)
    (own / "splits.json").write_text("{", encoding="utf-8")
    assert [p.code for p in split_cases(task, find_cases(task)[0])[1]] == ["bad-split-file"]
    (own / "splits.json").rename(own / "split.json")
    problems = split_cases(task, find_cases(task)[0])[1]
    assert (problems[0].code, problems[0].hint) == ("missing-file", "did you mean `split.json`?")


def test_patient_in_two_splits_is_a_warning(lidc: Task) -> None:
    cases, _ = find_cases(lidc)
    torn = replace(cases[0], group="somebody"), *cases[1:]
    other = next(i for i, c in enumerate(torn) if c.id in {v.id for v in load_splits(lidc).val})
    same = tuple(replace(c, group="somebody") if i == other else c for i, c in enumerate(torn))
    _, problems = split_cases(lidc, same)
    assert [(p.code, p.severity) for p in problems] == [("patient-in-two-splits", "warning")]


def test_ratio_is_seeded_and_keeps_patients_together(lidc: Task) -> None:
    task = replace(lidc, split=Ratio(0.6, 0.2, 0.2, seed=3))
    splits = load_splits(task)
    sizes = [len(splits.named(n)) for n in ("train", "val", "test")]
    assert sum(sizes) == 300
    assert all(abs(have - want) <= 6 for have, want in zip(sizes, (180, 60, 60), strict=True))
    groups = [{c.group for c in splits.named(n)} for n in ("train", "val", "test")]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert load_splits(task) == splits
    assert load_splits(replace(task, split=Ratio(0.6, 0.2, 0.2, seed=4))) != splits


def test_shares_that_do_not_sum_to_one(nuclei: Task) -> None:
    with pytest.raises(NasError, match="bad-ratio"):
        load_splits(replace(nuclei, split=Ratio(0.7, 0.2, 0.2)))


def test_folders_called_train_val_test(own: Path, nuclei: Task) -> None:
    for kind in ("images", "labels"):
        for path in sorted((own / kind).iterdir()):
            home = own / path.name.split("_")[0] / kind
            home.mkdir(parents=True, exist_ok=True)
            path.rename(home / path.name)
    from nascompile.data.task import Pairs

    task = replace(nuclei, root=own, layout=Pairs("*/images/*.png", "*/labels/*.png"), split=ByFolder())
    splits = load_splits(task)
    assert [len(splits.named(n)) for n in ("train", "val", "test")] == [8, 4, 4]


def test_halves_of_the_training_cases(lidc: Task) -> None:
    train = load_splits(lidc).train
    weights, architecture = halves(train, 0, 0.5)
    assert sorted(c.id for c in (*weights, *architecture)) == sorted(c.id for c in train)
    assert not {c.group for c in weights} & {c.group for c in architecture}
    assert abs(len(weights) - len(architecture)) <= 6
    assert halves(train, 0, 0.5) == (weights, architecture)
    assert halves(train, 1, 0.5) != (weights, architecture)


@given(st.lists(st.integers(0, 6), min_size=2, max_size=30), st.floats(0.05, 0.95), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_halves_never_tear_a_group_and_are_never_empty(groups: list[int], portion: float, seed: int) -> None:
    cases = tuple(Case(str(i), (), None, str(g)) for i, g in enumerate(groups))
    weights, architecture = halves(cases, seed, portion)
    assert sorted((*weights, *architecture), key=lambda c: int(c.id)) == list(cases)
    assert not {c.group for c in weights} & {c.group for c in architecture}
    if len(set(groups)) > 1:
        assert weights and architecture


@pytest.mark.parametrize("portion", [0.4, 0.5, 0.6])
def test_halves_of_a_union_of_single_cases_are_never_empty(portion: float) -> None:
    cases = tuple(Case(str(i), (), None, str(i), part=i) for i in range(3))
    assert all(halves(cases, 0, portion))


def test_a_single_case_cannot_be_divided(nuclei: Task) -> None:
    train = datasets(nuclei, load_splits(nuclei).train[:1])
    with pytest.raises(NasError, match=r"empty-split.*a single case to train on"):
        patch_halves(train, 0)


def test_union_divides_each_part_by_its_own_rule(nuclei: Task, own: Path) -> None:
    other = replace(nuclei, name="other", root=own, split=Ratio(0.5, 0.25, 0.25, seed=1))
    both = union("both", (nuclei, other))
    splits = load_splits(both)
    assert [len(splits.named(n)) for n in ("train", "val", "test")] == [16, 8, 8]
    assert {c.id.split("/")[0] for c in splits.val} == {"nuclei", "other"}
    assert {c.id.split("/")[1] for c in splits.train if c.part == 0} == {c.id for c in load_splits(nuclei).train}


def test_union_of_tasks_that_disagree(nuclei: Task) -> None:
    with pytest.raises(NasError, match=r"tasks-disagree.*number of classes.*3.*2"):
        union("both", (nuclei, replace(nuclei, name="two", classes=("a", "b"))))
