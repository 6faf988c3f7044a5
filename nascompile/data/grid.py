"""Bringing the files of one case onto one grid: by world coordinates, never by index.

Two files of one scan may count their axes differently, cover different parts of it, or have other voxel sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nascompile.data.cases import Case
from nascompile.data.reader import Geometry, ItkImage, geometry_of, itk, resample_like
from nascompile.data.task import Task
from nascompile.diagnostics import NasError


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The grid of a case's first image as it was stored, and as it is after resampling to the task's spacing."""

    stored: ItkImage
    final: ItkImage
    world: bool


def on_grid(task: Task, case: Case, image: ItkImage, grid: Grid, *, world: bool, label: bool = False) -> ItkImage:
    """`image` (a label map or a further channel) on the final grid; a label map nearest-neighbour, a channel linearly.

    Both are turned to LPS already. Raises `NasError`: `size-mismatch` where files without world coordinates differ in
    size, or with them do not overlap; `grid-mismatch` for a file whose header was lost.
    """
    ours, theirs = geometry_of(grid.stored), geometry_of(image)
    noun = "label map" if label else "other channel"
    if not world or same_axes(ours, theirs):
        if ours.size != theirs.size:
            message = f"case `{case.id}`: the image is {list(ours.shape)}, its {noun} is {list(theirs.shape)}"
            hint = "check that the two belong together; without world coordinates they cannot be resampled"
            raise NasError([task.problem("size-mismatch", message, "data", hint=hint)])
        if grid.stored is grid.final:
            return image
        image = itk().Image(image)
        image.CopyInformation(grid.stored)
        return resample_like(image, grid.final, nearest=label)
    if ours.size == theirs.size and is_default(theirs):
        message = f"case `{case.id}`: the {noun} has the size of the image, but its header has no position or spacing"
        hint = "copy origin, spacing and direction of the image into its header"
        raise NasError([task.problem("grid-mismatch", message, "data", hint=hint)])
    moved = resample_like(image, grid.final, nearest=label)
    before, after = (itk().GetArrayViewFromImage(i).any() for i in (image, moved))
    if before and not after:
        message = f"case `{case.id}`: the {noun} lies outside of the image, going by their world coordinates"
        hint = "check origin and direction of both files"
        raise NasError([task.problem("size-mismatch", message, "data", hint=hint)])
    return moved


def same_axes(ours: Geometry, theirs: Geometry) -> bool:
    """Whether two grids have the same origin, spacing and direction, up to rounding in their headers."""
    tolerance = 1e-3 * min(ours.spacing)
    pairs = ((ours.origin, theirs.origin), (ours.spacing, theirs.spacing), (ours.direction, theirs.direction))
    return all(np.allclose(a, b, rtol=1e-4, atol=tolerance) for a, b in pairs)


def is_default(geometry: Geometry) -> bool:
    """The header of an array that was saved without one: voxels of 1 mm from the origin on.

    A NIfTI file then counts x and y the other way, and begins at minus its extent once it is turned to LPS.
    """
    rank = len(geometry.size)
    return (
        all(s == 1 for s in geometry.spacing)
        and all(o in (0, 1 - n) for o, n in zip(geometry.origin, geometry.size, strict=True))
        and np.array_equal(np.array(geometry.direction).reshape(rank, rank), np.eye(rank))
    )
