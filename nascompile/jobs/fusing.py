"""Fusing the saved predictions of several models, on the grids of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nascompile.data.grid import is_default, same_axes
from nascompile.data.reader import (
    ItkImage,
    geometry_of,
    has_world,
    itk,
    open_image,
    read_header,
    resample_like,
    to_array,
)
from nascompile.data.scans import FORMATS, Scan
from nascompile.data.writer import require_folder, stored_volume, write_label_map
from nascompile.diagnostics import Diagnostic, NasError, error
from nascompile.train.ensemble import Fusion
from nascompile.train.ensemble import fuse as fused

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Saved:
    """A prediction in a folder, of one scan."""

    path: Path
    scan: Scan


def _file(folder: Path, scan: Scan, how: Fusion) -> Path:
    """The prediction of a scan; masks may be in another format than the image."""
    if how != "vote":
        return folder / scan.scores
    names = (scan.mask, *(f"{scan.id}{suffix}" for suffix in FORMATS))
    return next((folder / name for name in names if (folder / name).is_file()), folder / scan.mask)


def require_all(folders: Sequence[Path], scans: Sequence[Scan], out: Path, how: Fusion) -> None:
    """Raise NasError: `missing-file` that names every prediction which is not there, `same-file` where the results
    would replace what is read, `cannot-write` for a folder that cannot be written."""
    problems: list[Diagnostic] = []
    for folder in folders:
        for scan in scans:
            path = _file(folder, scan, how)
            if not path.is_file():
                hint = "predict into that folder first" + ("" if how == "vote" else ", with `--scores`")
                problems += error("missing-file", f"there is no prediction `{path}`", hint=hint).diagnostics
    if problems:
        raise NasError(problems)
    read = {path.resolve() for scan in scans for path in (*scan.images, *(_file(f, scan, how) for f in folders))}
    for scan in scans:
        if (out / scan.mask).resolve() in read:
            hint = "write into another folder: `--out fused`"
            raise error("same-file", f"the fused mask would replace `{out / scan.mask}`", hint=hint)
    require_folder(out)


def fuse_scan(
    folders: Sequence[Path], scan: Scan, out: Path, how: Fusion, weights: tuple[float, ...] | None = None
) -> Path:
    """Write the fused mask of one scan; predictions on other grids are resampled to the scan's by world coordinates,
    labels by nearest neighbour.

    Raises NasError: what reading gives; `size-mismatch`, `grid-mismatch` where a prediction cannot lie on the image;
    `label-outside-classes` for masks that hold no labels; `tasks-disagree` where numbers of classes differ;
    `cannot-write`.
    """
    saved = [_Saved(_file(folder, scan, how), scan) for folder in folders]
    rank = min(len(read_header(scan.images[0], scan.series).size), 3)
    reference = stored_volume(scan.images[0], scan.series, rank)
    arrays = [to_array(_on_reference(one, reference, is_mask=how == "vote")) for one in saved]
    if how == "vote":
        masks = [_labels(one, array) for one, array in zip(saved, arrays, strict=True)]
        labels = voted(masks, weights)
    else:
        if len({array.shape[0] for array in arrays}) > 1:
            raise error("tasks-disagree", f"the predictions of `{scan.id}` have different numbers of classes")
        scores = [torch.from_numpy(array.astype(np.float32)) for array in arrays]
        labels = fused(scores, how, weights).argmax(0).numpy()
    path = out / scan.mask
    write_label_map(labels, None, scan.images[0], path, scan.series)
    return path


def voted(masks: Sequence[Labels], weights: Sequence[float] | None = None) -> Labels:
    """The label with the largest weight at each voxel, the smallest of equals; labels may be any whole numbers."""
    shares = [1.0] * len(masks) if weights is None else weights
    labels, most = np.zeros_like(masks[0]), np.full(masks[0].shape, -1.0)
    for value in np.unique(np.concatenate([np.unique(mask) for mask in masks])):
        share = np.zeros(masks[0].shape)
        for mask, weight in zip(masks, shares, strict=True):
            share += weight * (mask == value)
        better = share > most
        labels[better], most[better] = value, share[better]
    return labels


def _labels(saved: _Saved, array: NDArray[Any]) -> Labels:
    """The labels (*space) of a mask. Raises NasError `label-outside-classes`."""
    hint = "is it a map of probabilities? those are fused with `--fusion mean`"
    if array.shape[0] != 1:
        message = f"`{saved.path}` has {array.shape[0]} channels, a mask has one"
        raise error("label-outside-classes", message, hint=hint)
    labels: Labels = array[0].astype(np.int64)
    odd = array[0][(labels != array[0]) | (labels < 0)]
    if odd.size:
        raise error("label-outside-classes", f"`{saved.path}` holds {odd[0]:g}, which is no label", hint=hint)
    return labels


def _on_reference(saved: _Saved, reference: ItkImage, *, is_mask: bool) -> ItkImage:
    """A prediction on the grid of its image. Raises NasError: `size-mismatch`, `grid-mismatch`."""
    stored, path = open_image(saved.path), saved.path
    ours, theirs = geometry_of(reference), geometry_of(stored)
    is_world = has_world(saved.scan.images[0]) and has_world(path)
    sizes = f"`{path}` is {list(theirs.shape)}, the image `{saved.scan.images[0]}` {list(ours.shape)}"
    if len(ours.size) != len(theirs.size) or (not is_world and ours.size != theirs.size):
        hint = "check that the two belong together" + ("" if is_world else "; PNG and the like cannot be resampled")
        raise error("size-mismatch", sizes, hint=hint)
    if ours.size == theirs.size and (not is_world or same_axes(ours, theirs)):
        return stored
    if ours.size == theirs.size and is_default(theirs):
        message = f"`{path}` has the size of its image, but its header has no position or spacing"
        hint = "copy origin, spacing and direction of the image into its header"
        raise error("grid-mismatch", message, hint=hint)
    if not _overlap(stored, reference):
        message = f"`{path}` lies outside of its image, going by their world coordinates"
        raise error("size-mismatch", message, hint="check origin and direction of both files")
    return resample_like(stored, reference, nearest=is_mask)


def _overlap(first: ItkImage, second: ItkImage) -> bool:
    """Whether any voxel of `second` lies on the grid of `first`."""
    sitk = itk()
    ones = sitk.Image(first.GetSize(), sitk.sitkUInt8) + 1
    ones.CopyInformation(first)
    return bool(sitk.GetArrayFromImage(resample_like(ones, second, nearest=True)).any())
