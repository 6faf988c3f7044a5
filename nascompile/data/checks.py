"""Checking a task before anything runs: file names, splits and image headers, never pixels, never torch."""

from __future__ import annotations

from pathlib import Path

from nascompile.data.augment import check_augmentations
from nascompile.data.cases import Case, find_cases
from nascompile.data.load import fits_patch, label_problem, patch_problem, rank_problem
from nascompile.data.reader import Header, has_world, read_header
from nascompile.data.splits import empty_split, split_cases
from nascompile.data.task import SPLITS, SplitName, Task, Window
from nascompile.diagnostics import Diagnostic, Label, NasError

NEEDED: tuple[SplitName, ...] = ("train", "val")


def check_task(task: Task, *, headers: bool = True) -> list[Diagnostic]:
    """Everything wrong with a task that can be told without reading pixels; empty if nothing is.

    With `headers` the header of every file in a split is read (about 1 ms each). Label values and NaN are seen only
    when the cases are loaded.
    """
    problems = [problem for source in task.sources for problem in _check_fields(source)]
    cases, bad = find_cases(task)
    problems += bad
    splits, bad = split_cases(task, cases)
    problems += bad
    if not any(p.severity == "error" for p in problems):
        problems += [empty_split(task, name) for name in NEEDED if not splits.named(name)]
    if headers and not any(p.severity == "error" for p in problems):
        for name in SPLITS:
            for case in splits.named(name):
                problems += _check_headers(task.sources[case.part], case, trained=name == "train")
    return problems


def _check_fields(task: Task) -> list[Diagnostic]:
    problems = check_augmentations(task)
    if len(task.patch) != task.rank:
        message = f"`patch` has {len(task.patch)} sizes, the rank of `{task.name}` is {task.rank}"
        problems.append(task.problem("rank-mismatch", message, "patch", hint=f"write {task.rank} sizes"))
    axes = task.volume.rank
    if task.spacing is not None and len(task.spacing) != axes:
        message = f"`spacing` has {len(task.spacing)} values, the files of `{task.name}` have {axes} axes"
        problems.append(task.problem("rank-mismatch", message, "spacing", hint=f"write {axes} values"))
    if isinstance(task.normalise, Window) and task.normalise.low >= task.normalise.high:
        message = f"the window from {task.normalise.low:g} to {task.normalise.high:g} is empty"
        problems.append(task.problem("bad-window", message, "normalise", hint="write the lower value first"))
    if len(task.classes) < 2:
        message = f"`{task.name}` has {len(task.classes)} classes"
        problems.append(task.problem("too-few-classes", message, "classes", hint="name the background as well"))
    return problems


def _check_headers(task: Task, case: Case, *, trained: bool) -> list[Diagnostic]:
    problems: list[Diagnostic] = [] if case.label is not None else [label_problem(task, case)]
    found: list[Header] = []
    for path in (*case.images, *((case.label,) if isinstance(case.label, Path) else ())):
        try:
            found.append(read_header(path, case.series))
        except NasError as bad:
            span = task.span("data")
            problems += [_named(d, case, None if span is None else Label(span)) for d in bad.diagnostics]
    if problems:
        return problems
    image = found[0]
    whole = task.volume
    shape = spatial_shape(image, whole.rank)
    if shape is None:
        return [rank_problem(whole, case.images[0], image.size)]
    flat = not has_world(case.images[0])
    if isinstance(case.label, Path):
        label = spatial_shape(found[-1], whole.rank)
        if label is None:
            return [rank_problem(whole, case.label, found[-1].size)]
        if flat and label != shape:
            message = f"case `{case.id}`: the image is {list(shape)}, its label map is {list(label)}"
            problems.append(task.problem("size-mismatch", message, "data", hint="check that the pair belongs together"))
    if trained and task.spacing is None and task.slices is None:  # the planes of files may be turned
        problems += [] if fits_patch(task, shape) else [patch_problem(task, case, shape)]
    return problems


def spatial_shape(header: Header, rank: int) -> tuple[int, ...] | None:
    """The array shape of a file as an image of `rank` axes, or None if it is none."""
    size = header.size
    if len(size) == rank + 1 and (size[-1] == 1 or rank == 3):
        size = size[:-1]  # one slice, or the channels of a 4-D NIfTI
    return size[::-1] if len(size) == rank else None


def _named(problem: Diagnostic, case: Case, primary: Label | None) -> Diagnostic:
    from dataclasses import replace

    return replace(problem, message=f"case `{case.id}`: {problem.message}", primary=problem.primary or primary)
