"""The page on tasks and searches names every field, option list and choice that is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nascompile.config import analog, search, tables, task
from nascompile.data.augment import AUGMENTATIONS


def section(root: Path, start: str) -> str:
    text = (root / "docs" / "tasks-and-searches.md").read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"## `{start}")[2], flags=re.MULTILINE)[0]


def fields(part: str) -> set[str]:
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(
    ("start", "readers"),
    [
        ("task", task.READERS),
        ("search", search.READERS),
        ("stage train", search.TRAIN_READERS),
        ("stage analog", analog.OWN_READERS),
    ],
)
def test_every_field_is_there_and_no_other(root: Path, start: str, readers: dict[str, object]) -> None:
    assert fields(section(root, start)) == set(readers)


def test_every_choice_is_there(root: Path) -> None:
    names = [
        *tables.LOSSES,
        *tables.OPTIMISERS,
        *tables.STRATEGIES,
        *tables.SCHEDULES,
        *tables.TEMPERATURES,
        *search._NOT_LEARNED,
    ]
    names += [option for row in tables.STRATEGIES.values() for option in row]
    missing = [name for name in names if not re.search(rf"\b{name}\b", section(root, "search"))]
    missing += [
        name for name in (*AUGMENTATIONS, *tables.METRICS) if not re.search(rf"\b{name}\b", section(root, "task"))
    ]
    assert missing == []
