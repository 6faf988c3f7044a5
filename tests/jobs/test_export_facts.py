"""What an exported file says of the images that it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nascompile.data.task import Pairs, Slices, Task, Window
from nascompile.jobs.exporting import facts_of


def test_how_images_of_other_sizes_go_through() -> None:
    task = Task("t", Path("images"), Pairs("*.nii.gz"), patch=(64, 48), normalise=Window(-100, 240))
    facts = facts_of(task)
    assert (facts["patch"], facts["fit"], facts["normalise"]) == ("[64, 48]", "windows", "window(-100, 240)")
    assert "plane" not in facts and "spacing_mm" not in facts
    assert facts_of(replace(task, kind="classification"))["fit"] == "centre"
    assert facts_of(replace(task, kind="classification", sampling="resize"))["fit"] == "resize"
    assert facts_of(replace(task, sampling="resize"))["fit"] == "resize"
    of_planes = facts_of(replace(task, slices=Slices("coronal"), spacing=(1.0, 2.0, 3.0)))
    assert (of_planes["plane"], of_planes["spacing_mm"]) == ("coronal", "[1.0, 2.0, 3.0]")
