"""From a case to arrays: grids agree, channels and label values are as the task says, intensities are normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascompile.data.cases import Case
from nascompile.data.grid import Grid, on_grid
from nascompile.data.labels import apply_rule
from nascompile.data.reader import (
    FloatArray,
    Geometry,
    ItkImage,
    channel_volumes,
    fit_rank,
    geometry_of,
    has_world,
    open_image,
    reorient,
    resample,
    to_array,
)
from nascompile.data.task import PLANES, Task, Window
from nascompile.diagnostics import Diagnostic, Label, NasError


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A case in memory: image (channels, *spatial) float32; label (1, *spatial) int64, or a class index, or None."""

    id: str
    image: FloatArray
    label: NDArray[np.int64] | int | None
    geometry: Geometry


def load_cases(task: Task, cases: Sequence[Case]) -> list[Loaded]:
    """Read all the cases; raises one `NasError` with the problems of every case that has one."""
    loaded: list[Loaded] = []
    problems: list[Diagnostic] = []
    for case in cases:
        try:
            loaded.append(load_case(task, case))
        except NasError as bad:
            problems += bad.diagnostics
    if problems:
        raise NasError(problems)
    return loaded


def load_case(task: Task, case: Case) -> Loaded:
    """Read one case as its part of the task says; raises `NasError` that names the case."""
    source = task.sources[case.part]
    if case.plane is None or source.slices is None:
        return _load(source, case)
    volume = load_volume(task, replace(case, id=case.id.rpartition("_")[0], plane=None))
    axis = PLANES.index(source.slices.plane)
    image = np.ascontiguousarray(np.take(volume.image, case.plane, axis + 1))
    label = volume.label
    if isinstance(label, np.ndarray):
        label = np.ascontiguousarray(np.take(label, case.plane, axis + 1))
    return Loaded(case.id, image, label, plane_geometry(volume.geometry, axis))


def load_volume(task: Task, case: Case) -> Loaded:
    """The whole volume of a task of planes; the last one that was read is kept, as its planes follow one another."""
    paths = (*case.images, *((case.label,) if isinstance(case.label, Path) else ()))
    written = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
    return _load_volume(task.sources[case.part].volume, case, written)


@lru_cache(maxsize=1)
def _load_volume(source: Task, case: Case, written: tuple[int, ...]) -> Loaded:
    return _load(source, case)


def plane_geometry(volume: Geometry, axis: int) -> Geometry:
    """The grid of a plane across the array axis `axis` of a volume; it knows no world."""
    kept = [2 - k for k in range(3) if k != axis][::-1]  # ITK counts axes the other way
    size, spacing = tuple(volume.size[k] for k in kept), tuple(volume.spacing[k] for k in kept)
    return Geometry(size, spacing, (0.0, 0.0), (1.0, 0.0, 0.0, 1.0), oriented=False)


def _load(source: Task, case: Case) -> Loaded:
    try:
        world = all(has_world(path) for path in case.images)
        volumes = [v for path in case.images for v in _volumes(source, path, case.series)]
        grid = Grid(volumes[0], _to_spacing(source, volumes[0]), world)
        aligned = [grid.final, *(on_grid(source, case, v, grid, world=world) for v in volumes[1:])]
        image = normalise(match_channels(source, case, np.concatenate([to_array(v) for v in aligned])), source)
        label = _label(source, case, case.label, grid) if isinstance(case.label, Path) else case.label
        return Loaded(case.id, image, label, geometry_of(grid.final, world))
    except NasError as bad:
        raise NasError(_located(source, case, d) for d in bad.diagnostics) from bad


def _located(task: Task, case: Case, problem: Diagnostic) -> Diagnostic:
    """Problems of the reader know no task: let them point at its `data`, and say which case it was."""
    span = task.span("data")
    primary = problem.primary or (None if span is None else Label(span))
    message = problem.message if case.id in problem.message else f"case `{case.id}`: {problem.message}"
    return replace(problem, primary=primary, message=message)


def _volumes(task: Task, path: Path, series: str | None) -> list[ItkImage]:
    image = open_image(path, series)
    volumes = channel_volumes(image, task.rank)
    if volumes is None:
        raise NasError([rank_problem(task, path, image.GetSize())])
    return [reorient(v) for v in volumes]


def rank_problem(task: Task, path: Path, size: Sequence[int]) -> Diagnostic:
    shape = " x ".join(str(s) for s in size)
    message = f"`{path.name}` has {len(size)} axes ({shape}), but `{task.name}` has rank {task.rank}"
    hint = f"set `rank = {len(size)}`" if len(size) in (2, 3) else "give a volume for each channel"
    if task.rank == 2 and len(size) == 3:
        hint += ", or take the planes of volumes: `slices = axial`"
    return task.problem("rank-mismatch", message, "rank", hint=hint)


def label_problem(task: Task, case: Case) -> Diagnostic:
    """The error that a case which is to be learnt from or measured on has no label."""
    noun = "label map" if task.kind == "segmentation" else "class"
    hint = 'name it: `pairs(..., label = "labels/*.png")`' if task.kind == "segmentation" else "list its class"
    return task.problem("missing-label", f"case `{case.id}` has no {noun}", "data", hint=hint)


def fits_patch(task: Task, shape: Sequence[int]) -> bool:
    """Whether a training image of this shape can give a patch."""
    return task.pad or task.sampling == "resize" or all(p <= s for p, s in zip(task.patch, shape, strict=True))


def patch_problem(task: Task, case: Case, shape: Sequence[int]) -> Diagnostic:
    """The error that it cannot."""
    message = f"the patch {list(task.patch)} is larger than the image {list(shape)} of case `{case.id}`"
    return task.problem("patch-too-large", message, "patch", hint="make the patch smaller, or set `pad = true`")


def _to_spacing(task: Task, image: ItkImage) -> ItkImage:
    return image if task.spacing is None else resample(image, task.spacing[::-1])


def match_channels(task: Task, case: Case, array: NDArray[Any]) -> FloatArray:
    """Colour to grey (ITU-R 601 luma), grey to several equal channels; anything else must fit."""
    image = array.astype(np.float32)
    have, want = image.shape[0], task.channels
    if have == want:
        return image
    if have == 1:
        return np.repeat(image, want, axis=0)
    if have == 3 and want == 1:
        return _grey(image)
    message = f"case `{case.id}` has {have} channels, `{task.name}` has {want}"
    raise NasError([task.problem("channel-mismatch", message, "channels", hint=f"set `channels = {have}`")])


def _grey(image: NDArray[Any]) -> FloatArray:
    """Luma; of three equal channels exactly their value, as label maps saved in colour need it."""
    if (image == image[:1]).all():
        return image[:1].astype(np.float32)
    luma: FloatArray = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), image.astype(np.float32), 1)
    return luma[None]


def normalise(image: FloatArray, task: Task) -> FloatArray:
    """Intensities of one case: `zscore` per channel, `scale` to 0..1 over the image, a window to 0..1, or unchanged."""
    match task.normalise:
        case "zscore":
            axes = tuple(range(1, image.ndim))
            mean = image.mean(axis=axes, keepdims=True, dtype=np.float64)
            spread = image.std(axis=axes, keepdims=True, dtype=np.float64)
            standard: FloatArray = ((image - mean) / np.where(spread > 0, spread, 1)).astype(np.float32)
            return standard
        case "scale":
            low, high = float(image.min()), float(image.max())
            return ((image - low) / (high - low if high > low else 1)).astype(np.float32)
        case Window(low, high):
            return ((np.clip(image, low, high) - low) / (high - low)).astype(np.float32)
        case "none":
            return image


def _label(task: Task, case: Case, path: Path, grid: Grid) -> NDArray[np.int64]:
    opened = open_image(path)
    image = fit_rank(opened, task.rank)
    if image is None:
        raise NasError([rank_problem(task, path, opened.GetSize())])
    world = grid.world and has_world(path)
    array = to_array(on_grid(task, case, reorient(image), grid, world=world, label=True))
    return apply_rule(task, case.id, _grey(array) if array.shape[0] == 3 else array[:1])
