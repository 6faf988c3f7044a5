"""Tasks over the shipped images."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nascompile.data.task import Augment, Listing, Pairs, Task
from nascompile.source import Source, Span


def words(**texts: str) -> dict[str, Span]:
    """Spans for fields, as if each stood on a line of its own."""
    text = "".join(f"{name} = {value}\n" for name, value in texts.items())
    source = Source("task.nas", text)
    spans = {}
    for name, value in texts.items():
        start = text.index(f"{name} = ") + len(name) + 3
        spans[name] = Span(source, start, start + len(value))
    return spans


SPANS = words(
    name="nuclei", data='pairs("nuclei")', split='"splits.json"', labels="natural", patch="[64, 64]", augment="[flip]"
)


@pytest.fixture
def nuclei(demo: Path) -> Task:
    return Task(
        "nuclei",
        demo / "nuclei",
        Pairs("images/*.png", "labels/*.png"),
        classes=("background", "interior", "boundary"),
        patch=(64, 64),
        augment=(Augment("flip"), Augment("rotate90"), Augment("intensity_shift", 0.1)),
        spans=SPANS,
    )


@pytest.fixture
def lidc(demo: Path) -> Task:
    return Task(
        "lidc",
        demo / "lidc",
        Listing(),
        kind="classification",
        classes=("benign", "malignant"),
        rank=3,
        patch=(32, 32, 32),
        normalise="scale",
        sampling="resize",
        metric="auc",
    )


@pytest.fixture
def own(nuclei: Task, tmp_path: Path) -> Path:
    """A user's copy of the nuclei folder, to be broken."""
    folder = tmp_path / "own"
    shutil.copytree(nuclei.root, folder)
    return folder
