"""What `check_task` says before anything runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from nascompile.data.checks import check_task
from nascompile.data.task import Augment, Pairs, Ratio, Task, Window


def codes(task: Task) -> list[str]:
    return [p.code for p in check_task(task)]


def test_the_shipped_tasks_are_clean(nuclei: Task, lidc: Task) -> None:
    assert check_task(nuclei) == []
    assert check_task(lidc) == []


def test_the_further_data_sets_are_clean(shared: Path) -> None:
    nuclei = Task("n", shared / "nuclei_dsb2018", Pairs("images/*.png", "masks/*.png"), channels=3)
    polyps = replace(nuclei, root=shared / "polyp_kvasir", layout=Pairs("images/*.jpg", "masks/*.jpg"))
    assert check_task(nuclei) == []
    assert check_task(polyps) == []


def test_several_fields_at_once(nuclei: Task) -> None:
    wrong = replace(
        nuclei,
        patch=(64, 64, 64),
        spacing=(1.0,),
        normalise=Window(40, -10),
        augment=(Augment("flop"), Augment("zoom", 1.5), Augment("rotate", probability=50)),
        split=Ratio(0.9, 0.2, 0.1),
    )
    found = codes(wrong)
    expected = ["unknown-augmentation", "bad-augmentation", "bad-augmentation", "rank-mismatch", "rank-mismatch"]
    assert found == [*expected, "bad-window", "bad-ratio"]
    assert check_task(wrong)[0].hint == "did you mean `flip`?"


def test_quarter_turns_of_a_patch_that_is_not_square(nuclei: Task) -> None:
    assert codes(replace(nuclei, patch=(64, 96))) == ["bad-augmentation"]
    assert codes(replace(nuclei, patch=(64, 96), augment=(Augment("flip"),))) == []


def test_patch_larger_than_the_image(nuclei: Task) -> None:
    task = replace(nuclei, patch=(160, 160))
    assert codes(task) == []  # padded
    problems = check_task(replace(task, pad=False))
    assert {p.code for p in problems} == {"patch-too-large"} and len(problems) == 8
    assert problems[0].primary is not None and problems[0].primary.span.text == "[64, 64]"
    assert "`train_r128_c000`" in problems[0].message


def test_empty_split(nuclei: Task) -> None:
    assert codes(replace(nuclei, split=Ratio(1.0, 0.0, 0.0))) == ["empty-split"]


def test_headers_tell_sizes_and_damage(own: Path, nuclei: Task) -> None:
    task = replace(nuclei, root=own)
    label = own / "labels" / "val_r000_c000.png"
    Image.open(label).crop((0, 0, 64, 64)).save(label)
    (own / "images" / "train_r128_c000.png").write_bytes(b"not an image")
    assert sorted(codes(task)) == ["size-mismatch", "unreadable-image"]


def test_rank_that_is_not_the_files(lidc: Task) -> None:
    problems = check_task(replace(lidc, rank=2, patch=(32, 32)))
    assert {p.code for p in problems} == {"rank-mismatch"}


@pytest.mark.parametrize("module", ["checks", "cases", "load", "splits", "task"])
def test_checking_needs_no_torch(module: str) -> None:
    program = f"import sys, nascompile.data.{module}; sys.exit(1 if {{'torch', 'monai'}} & set(sys.modules) else 0)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
