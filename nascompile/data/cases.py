"""Finding the cases of a task on disk. Reads directory listings, JSON and CSV, never an image."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nascompile.data.task import Folders, Listing, Pairs, Table, Task
from nascompile.diagnostics import Diagnostic, did_you_mean

IMAGE_SUFFIXES = (
    ".nii",
    ".nii.gz",
    ".mhd",
    ".mha",
    ".nrrd",
    ".nhdr",
    ".png",
    ".tif",
    ".tiff",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".dcm",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One image with its label: a path (segmentation), a class index (classification) or None.

    `images` are one file, or several that are stacked as channels; a folder is a DICOM series. `group` is what must
    not be torn between splits (the patient; the id where no patient is known). `part` is the index in `Task.sources`,
    `plane` the number of a plane of a volume that is an image of its own.
    """

    id: str
    images: tuple[Path, ...]
    label: Path | int | None
    group: str
    part: int = 0
    series: str | None = None
    plane: int | None = None


Found = tuple[tuple[Case, ...], list[Diagnostic]]


def find_cases(task: Task) -> Found:
    """All cases of the task, sorted by id, and what is wrong with them. Ids of a union are `part/id`."""
    if not task.parts:
        return _find(task)
    cases: list[Case] = []
    problems: list[Diagnostic] = []
    for index, part in enumerate(task.parts):
        found, bad = _find(part)
        problems += bad
        name = part.name
        cases += [replace(c, id=f"{name}/{c.id}", group=f"{name}/{c.group}", part=index) for c in found]
    return tuple(cases), problems


def _find(task: Task) -> Found:
    if not task.root.is_dir():
        where = task.root
        hint = "change the path of `data` to the folder with your images"
        if where.parent.is_dir():
            hint = did_you_mean(where.name, (p.name for p in where.parent.iterdir() if p.is_dir())) or hint
        return (), [task.problem("missing-folder", f"there is no folder `{where}`", "data", hint=hint)]
    match task.layout:
        case Pairs():
            cases, problems = _pairs(task, task.layout)
        case Listing():
            cases, problems = _listing(task, task.layout)
        case Table():
            cases, problems = _table(task, task.layout)
        case Folders():
            cases, problems = _folders(task)
    if not cases and not problems:
        problems = [
            task.problem(
                "no-cases", f"no image of `{task.name}` was found in `{task.root}`", "data", hint=_seen(task.root)
            )
        ]
    return tuple(sorted(cases, key=lambda c: c.id)), problems


def _seen(root: Path) -> str:
    if not root.is_dir():
        return f"there is no folder `{root}`"
    names = sorted(p.name + ("/" if p.is_dir() else "") for p in root.iterdir())[:6]
    return f"the folder holds {', '.join(names)}" if names else "the folder is empty"


def _pairs(task: Task, layout: Pairs) -> tuple[list[Case], list[Diagnostic]]:
    patterns = (layout.image,) if isinstance(layout.image, str) else layout.image
    found = [captures(task.root, pattern) for pattern in patterns]
    labels = {} if layout.label is None else captures(task.root, layout.label)
    cases: list[Case] = []
    problems: list[Diagnostic] = []
    for key, first in found[0].items():
        identity = "/".join(key) or first.name
        images = [group[key] for group in found if key in group]
        if len(images) < len(patterns):
            absent = next(p for p, group in zip(patterns, found, strict=True) if key not in group)
            problems.append(
                task.problem("unpaired-image", f"case `{identity}` has no file `{fill(absent, key)}`", "data")
            )
            continue
        if layout.label is not None and key not in labels:
            hint = "add the label map, or make the pattern of `image` narrower"
            message = f"case `{identity}` has no label map `{fill(layout.label, key)}`"
            problems.append(task.problem("unpaired-image", message, "data", hint=hint))
            continue
        cases.append(Case(identity, tuple(images), labels.get(key), identity))
    if not found[0]:
        message = f"nothing in `{task.root}` matches `{patterns[0]}`"
        problems.append(task.problem("no-cases", message, "data", hint=_seen(task.root)))
    return cases, problems


def captures(root: Path, pattern: str) -> dict[tuple[str, ...], Path]:
    """Paths that match the pattern, by the text that each wildcard matched."""
    folders = pattern.endswith("/")
    pieces = re.split(r"(\*\*/|\*|\?+)", pattern.rstrip("/"))
    expression = "".join(
        {"**/": r"(?:(.*)/)?", "*": r"([^/]*)"}.get(p)
        or (f"([^/]{{{len(p)}}})" if p and set(p) == {"?"} else re.escape(p))
        for p in pieces
    )
    matcher = re.compile(expression)
    result: dict[tuple[str, ...], Path] = {}
    for path in sorted(root.glob(pattern.rstrip("/"))):
        match = matcher.fullmatch(path.relative_to(root).as_posix())
        if match is not None and path.is_dir() == folders:
            result[tuple(g or "" for g in match.groups())] = path
    return result


def fill(pattern: str, key: tuple[str, ...]) -> str:
    """The pattern with `key` in its wildcards."""
    values = iter(key)
    return re.sub(r"\*\*/|\*|\?+", lambda m: next(values, "*") + ("/" if m.group() == "**/" else ""), pattern)


def read_json(task: Task, name: str, at: str) -> tuple[dict[str, Any], list[Diagnostic]]:
    """The JSON object in the file `name` of the task's folder, or diagnostics."""
    path = task.root / name
    if not path.is_file():
        near = did_you_mean(path.name, (p.name for p in task.root.glob("*.json")))
        return {}, [task.problem("missing-file", f"there is no file `{path}`", at, hint=near or _seen(task.root))]
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as cause:
        return {}, [task.problem("bad-split-file", f"`{path}` is not readable JSON: {cause}", at)]
    if not isinstance(value, dict):
        hint = 'write `{"train": [ids], "val": [ids], "test": [ids]}`'
        return {}, [task.problem("bad-split-file", f"`{path}` holds no JSON object", at, hint=hint)]
    return value, []


def _listing(task: Task, layout: Listing) -> tuple[list[Case], list[Diagnostic]]:
    value, problems = read_json(task, layout.path, "data")
    entries = value.get("cases")
    if not problems and not isinstance(entries, dict):
        hint = 'write `"cases": {id: {"image": path, "mask": path}}`, or use `pairs(...)`'
        problems.append(task.problem("bad-split-file", f"`{layout.path}` lists no `cases`", "data", hint=hint))
    cases: list[Case] = []
    for identity, entry in entries.items() if isinstance(entries, dict) else ():
        images = entry.get("image") if isinstance(entry, dict) else None
        names = [images] if isinstance(images, str) else images
        if not names or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            problems.append(
                task.problem("bad-split-file", f"case `{identity}` of `{layout.path}` names no `image`", "data")
            )
            continue
        paths = tuple(task.root / name for name in names)
        label: Path | int | None = None
        if task.kind == "segmentation":
            label = task.root / str(entry["mask"]) if entry.get("mask") else None
        else:
            label, bad = _class(task, identity, entry.get(layout.label))
            problems += bad
        patient = entry.get("patient")
        group = str(identity if patient in (None, "") else patient)  # a patient may be number 0
        cases.append(Case(identity, paths, label, group, series=entry.get("series")))
    return cases, problems


def _table(task: Task, layout: Table) -> tuple[list[Case], list[Diagnostic]]:
    path = task.root / layout.path
    if not path.is_file():
        return [], [task.problem("missing-file", f"there is no file `{path}`", "data", hint=_seen(task.root))]
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeError, csv.Error) as cause:
        hint = "save it as CSV in UTF-8, with a first line of column names"
        return [], [task.problem("bad-table", f"`{path}` is not readable CSV: {cause}", "data", hint=hint)]
    columns = list(rows[0]) if rows else []
    wanted = [layout.id, layout.label] + ([layout.group] if layout.group else [])
    problems = [
        task.problem(
            "missing-column",
            f"`{layout.path}` has no column `{column}`",
            "data",
            hint=did_you_mean(column, columns) or f"its columns are {', '.join(columns)}",
        )
        for column in wanted
        if column not in columns
    ]
    if problems:
        return [], problems
    cases: dict[str, Case] = {}
    for number, row in enumerate(rows, start=1):
        cells = {column: (row[column] or "").strip() for column in wanted}  # None in a line that ends too early
        identity = cells[layout.id]
        if not identity or identity in cases:
            what = f"names the case `{identity}` twice" if identity else f"names no case in row {number}"
            hint = f"every row is one case, with an id of its own in `{layout.id}`"
            message = f"`{layout.path}` {what}"
            problems.append(task.problem("bad-table", message, "data", hint=hint))
            continue
        label, bad = _class(task, identity, cells[layout.label])
        problems += bad
        group = cells[layout.group] if layout.group else ""
        path = task.root / layout.image.replace("{id}", identity)
        cases[identity] = Case(identity, (path,), label, group or identity)
    return list(cases.values()), problems


def _folders(task: Task) -> tuple[list[Case], list[Diagnostic]]:
    """`root/<class>/file`, or `root/<split>/<class>/file`."""
    cases: list[Case] = []
    for index, name in enumerate(task.classes):
        for folder in sorted(p for p in (*task.root.glob(name), *task.root.glob(f"*/{name}")) if p.is_dir()):
            cases += [
                Case(path.relative_to(task.root).as_posix(), (path,), index, path.relative_to(task.root).as_posix())
                for path in sorted(_images(folder.iterdir()))
            ]
    return cases, []


def _images(paths: Iterable[Path]) -> Iterable[Path]:
    return (p for p in paths if p.name.lower().endswith(IMAGE_SUFFIXES))


def _class(task: Task, identity: str, raw: object) -> tuple[int | None, list[Diagnostic]]:
    text = "" if raw is None else str(raw).strip()
    if text in task.classes:
        return task.classes.index(text), []
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if value in range(len(task.classes)):  # 1.0 is class 1; 0.7, NaN and infinity are none
        return int(value), []
    classes = ", ".join(f"{i} `{name}`" for i, name in enumerate(task.classes))
    message = f"case `{identity}` has the label `{text}`, which is no class of `{task.name}`"
    return None, [task.problem("label-outside-classes", message, "classes", hint=f"the classes are {classes}")]
