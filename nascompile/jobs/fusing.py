"""Fusing the saved predictions of several models, on the grids of the images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from nascompile.data.reader import geometry_of, open_image, resample_like, to_array
from nascompile.data.scans import Scan
from nascompile.data.writer import stored_volume, write_label_map
from nascompile.diagnostics import Diagnostic, NasError, error
from nascompile.train.ensemble import Fusion
from nascompile.train.ensemble import fuse as fused


def _file(folder: Path, scan: Scan, how: Fusion) -> Path:
    return folder / (scan.mask if how == "vote" else f"{scan.id}_scores.nii.gz")


def require_all(folders: Sequence[Path], scans: Sequence[Scan], how: Fusion) -> None:
    """Raise NasError (`missing-file`) that names every prediction that is not there."""
    problems: list[Diagnostic] = []
    for folder in folders:
        for scan in scans:
            path = _file(folder, scan, how)
            if not path.is_file():
                hint = "predict into that folder first" + ("" if how == "vote" else ", with `--scores`")
                problems += error("missing-file", f"there is no prediction `{path}`", hint=hint).diagnostics
    if problems:
        raise NasError(problems)


def fuse_scan(
    folders: Sequence[Path], scan: Scan, out: Path, how: Fusion, weights: tuple[float, ...] | None = None
) -> Path:
    """Write the fused mask of one scan; masks on other grids are resampled to the scan's, labels by nearest neighbour.

    Raises NasError: what reading gives, `tasks-disagree` where the numbers of classes differ, `cannot-write`.
    """
    scores = []
    for folder in folders:
        stored = open_image(_file(folder, scan, how))
        reference = stored_volume(scan.images[0], scan.series, stored.GetDimension())
        scores.append(_scores(stored, reference, how))
    if how == "vote":
        count = max(s.shape[0] for s in scores)
        scores = [torch.nn.functional.pad(s.movedim(0, -1), (0, count - s.shape[0])).movedim(-1, 0) for s in scores]
    elif len({s.shape[0] for s in scores}) > 1:
        raise error("tasks-disagree", f"the predictions of `{scan.id}` have different numbers of classes")
    labels = fused(scores, how, weights).argmax(0).numpy()
    path = out / scan.mask
    write_label_map(labels, None, scan.images[0], path, scan.series)
    return path


def _scores(stored: object, reference: object, how: Fusion) -> torch.Tensor:
    """(classes, *space) on the grid of `reference`: probabilities, or ones where a mask has a class."""
    if geometry_of(stored) != geometry_of(reference):
        stored = resample_like(stored, reference, nearest=how == "vote")
    array = to_array(stored)
    if how == "vote":
        return torch.nn.functional.one_hot(torch.from_numpy(array[0].astype(np.int64))).movedim(-1, 0).float()
    return torch.from_numpy(array.astype(np.float32))
