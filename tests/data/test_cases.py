"""How cases are found: by pattern, by listing, by table, by folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from nascompile.data.cases import find_cases
from nascompile.data.task import Folders, Listing, Pairs, Table, Task


def test_pairs_of_the_shipped_nuclei(nuclei: Task) -> None:
    cases, problems = find_cases(nuclei)
    assert not problems
    assert len(cases) == 16
    assert [c.id for c in cases] == sorted(p.stem for p in (nuclei.root / "images").iterdir())
    for case in cases:
        assert isinstance(case.label, Path)
        assert case.images[0].stem == case.label.stem
        assert case.label.parent.name == "labels"


def test_listing_finds_what_the_pattern_finds(nuclei: Task) -> None:
    by_pattern, _ = find_cases(nuclei)
    by_list, problems = find_cases(replace(nuclei, layout=Listing()))
    assert not problems
    assert [(c.id, c.images, c.label) for c in by_list] == [(c.id, c.images, c.label) for c in by_pattern]


def test_a_folder_for_each_case(own: Path, nuclei: Task) -> None:
    for image in sorted((own / "images").iterdir()):
        (own / image.stem).mkdir()
        shutil.move(image, own / image.stem / "image.png")
        shutil.move(own / "labels" / image.name, own / image.stem / "mask.png")
    cases, problems = find_cases(replace(nuclei, root=own, layout=Pairs("*/image.png", "*/mask.png")))
    assert not problems
    assert len(cases) == 16 and cases[0].id == "test_r416_c000"


def test_a_suffix_for_each_channel_and_the_label(own: Path, nuclei: Task) -> None:
    for image in sorted((own / "images").iterdir()):
        shutil.copy(image, own / f"{image.stem}_t1.png")
        shutil.copy(image, own / f"{image.stem}_t2.png")
        shutil.copy(own / "labels" / image.name, own / f"{image.stem}_seg.png")
    layout = Pairs(("*_t1.png", "*_t2.png"), "*_seg.png")
    cases, problems = find_cases(replace(nuclei, root=own, layout=layout))
    assert not problems
    assert [p.name for p in cases[0].images] == ["test_r416_c000_t1.png", "test_r416_c000_t2.png"]
    (own / "val_r000_c000_t2.png").unlink()
    _, problems = find_cases(replace(nuclei, root=own, layout=layout))
    assert [p.code for p in problems] == ["unpaired-image"]
    assert "`val_r000_c000_t2.png`" in problems[0].message


def test_image_without_label_map(own: Path, nuclei: Task) -> None:
    (own / "labels" / "val_r000_c128.png").unlink()
    (own / "labels" / "train_r128_c000.png").unlink()
    _, problems = find_cases(replace(nuclei, root=own))
    assert [p.code for p in problems] == ["unpaired-image"] * 2
    assert problems[1].message == "case `val_r000_c128` has no label map `labels/val_r000_c128.png`"
    assert problems[0].primary is not None and problems[0].primary.span.text == 'pairs("nuclei")'


def test_misspelt_folder_and_empty_pattern(nuclei: Task) -> None:
    _, problems = find_cases(replace(nuclei, root=nuclei.root.parent / "nuclie"))
    assert (problems[0].code, problems[0].hint) == ("missing-folder", "did you mean `nuclei`?")
    _, problems = find_cases(replace(nuclei, layout=Pairs("images/*.tif", "labels/*.tif")))
    assert problems[0].code == "no-cases"
    assert problems[0].hint is not None and "images/, labels/" in problems[0].hint


def test_classes_from_a_table(lidc: Task, tmp_path: Path) -> None:
    listed, _ = find_cases(lidc)
    table = tmp_path / "labels.csv"
    rows = [f"{c.id},{lidc.classes[int(str(c.label))]},{c.group}" for c in listed]
    table.write_text("\n".join(["name,class,patient", *rows]), encoding="utf-8")
    shutil.copytree(lidc.root / "volumes", tmp_path / "volumes")
    layout = Table("volumes/{id}.nii.gz", id="name", label="class", group="patient")
    task = replace(lidc, root=tmp_path, layout=layout)
    cases, problems = find_cases(task)
    assert not problems
    assert [(c.id, c.label, c.group) for c in cases] == [(c.id, c.label, c.group) for c in listed]
    _, problems = find_cases(replace(task, layout=replace(layout, label="clas")))
    assert (problems[0].code, problems[0].hint) == ("missing-column", "did you mean `class`?")


def test_odd_rows_of_a_table(lidc: Task, tmp_path: Path) -> None:
    """Classes that are no whole numbers, rows that end too early, ids that come twice, patients left blank."""
    task = replace(lidc, root=tmp_path, layout=Table("{id}.nii.gz", group="patient"))
    table = tmp_path / "labels.csv"
    for row, code in (
        ("a,1.7,", "label-outside-classes"),
        ("a,-0.5,", "label-outside-classes"),
        ("a,inf,", "label-outside-classes"),
        ("a,1,\na,0,", "bad-table"),
        (" ,1,", "bad-table"),
    ):
        table.write_text(f"id,label,patient\n{row}\n", encoding="utf-8")
        assert [p.code for p in find_cases(task)[1]] == [code], row
    table.write_text("patient,label,id\nP1,1\n", encoding="utf-8")
    assert [p.message for p in find_cases(task)[1]] == ["`labels.csv` names no case in row 1"]
    table.write_text("id,label,patient\na,1.0,P1\nb,0,P1 \nc,0,\nd,1\n", encoding="utf-8")
    cases, problems = find_cases(task)
    assert not problems
    assert [(c.id, c.label, c.group) for c in cases] == [("a", 1, "P1"), ("b", 0, "P1"), ("c", 0, "c"), ("d", 1, "d")]


def test_the_patient_number_0_is_a_patient(lidc: Task, tmp_path: Path) -> None:
    listed = {name: {"image": f"{name}.nii.gz", "label": 0, "patient": 0} for name in ("left", "right")}
    (tmp_path / "splits.json").write_text(json.dumps({"cases": listed}), encoding="utf-8")
    cases, _ = find_cases(replace(lidc, root=tmp_path))
    assert [c.group for c in cases] == ["0", "0"]


def test_label_that_is_no_class(lidc: Task, tmp_path: Path) -> None:
    listing = json.loads((lidc.root / "splits.json").read_text(encoding="utf-8"))
    identity = listing["train"][0]
    listing["cases"][identity]["label"] = 2
    (tmp_path / "splits.json").write_text(json.dumps(listing), encoding="utf-8")
    _, problems = find_cases(replace(lidc, root=tmp_path))
    assert [p.code for p in problems] == ["label-outside-classes"]
    assert f"`{identity}`" in problems[0].message and "`2`" in problems[0].message
    assert problems[0].hint == "the classes are 0 `benign`, 1 `malignant`"


def test_one_folder_a_class(lidc: Task, tmp_path: Path) -> None:
    listed, _ = find_cases(lidc)
    for name in lidc.classes:
        (tmp_path / name).mkdir()
    for case in listed[:10]:
        shutil.copy(case.images[0], tmp_path / lidc.classes[int(str(case.label))])
    cases, problems = find_cases(replace(lidc, root=tmp_path, layout=Folders()))
    assert not problems
    assert {c.images[0].name: c.label for c in cases} == {c.images[0].name: c.label for c in listed[:10]}
