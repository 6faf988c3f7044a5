"""Writing predictions on the grid of their image, whatever turning and resampling came between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascompile.data.nifti import copy_grid, is_nifti
from nascompile.data.reader import Geometry, ItkImage, channel_volumes, itk, open_image, resample_like
from nascompile.diagnostics import error
from nascompile.files import written_whole

_FLAT = (".png", ".jpg", ".jpeg")
_NO_WORLD = (".tif", ".tiff")


def require_folder(folder: Path) -> None:
    """Raise `NasError` (`cannot-write`) unless `folder` is, or can be made, a folder to write into.

    Makes nothing; for asking before hours of work.
    """
    import os

    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        hint = "remove it, or name another folder: `--out DIR`"
        raise error("cannot-write", f"`{folder}` cannot be a folder: `{place.name}` is a file", hint=hint)
    if not os.access(place, os.W_OK):
        hint = "name another folder: `--out DIR`"
        raise error("cannot-write", f"`{folder}` cannot be written: no permission", hint=hint)


def require_volumes(path: Path, like: Path) -> None:
    """Raise `NasError` (`cannot-write`) where the format of `path` cannot hold a volume on the grid of `like`.

    PNG and JPEG would keep the first slice alone, TIFF no spacing, position or direction.
    """
    kind = path.suffix.lower()
    if kind in _FLAT or (kind in _NO_WORLD and like.suffix.lower() not in _NO_WORLD):
        lost = "holds no volume" if kind in _FLAT else "does not keep the grid of a volume"
        hint = "write `--format nii.gz`, `nrrd` or `mha`"
        raise error("cannot-write", f"`{path}` cannot be written: {kind[1:].upper()} {lost}", hint=hint)


def write_label_map(
    labels: NDArray[Any], geometry: Geometry | None, like: Path, path: Path, series: str | None = None
) -> None:
    """Write class indices (*space) to `path` on the stored grid of the image `like`.

    They lie on `geometry`, or on the stored grid already (None). The format is that of the name of `path`. The file is
    written under another name and renamed. Raises `NasError` (`cannot-write`, and what reading `like` gives).
    """
    found = itk().GetImageFromArray(labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16))
    whole = open_image(like, series)
    stored = _fitted(whole, like, labels.ndim)
    if geometry is None:
        found.CopyInformation(stored)
    else:
        _place(found, geometry)
        found = resample_like(found, stored, nearest=True)
    _write(_as_deep(found, whole), path, like)


def write_scores(scores: NDArray[Any], like: Path, path: Path, series: str | None = None) -> None:
    """Write probabilities (classes, *space) on the stored grid of `like` as one image with a component a class."""
    sitk = itk()
    whole = open_image(like, series)
    found = sitk.GetImageFromArray(np.moveaxis(scores, 0, -1).astype(np.float32), isVector=True)
    found.CopyInformation(_fitted(whole, like, scores.ndim - 1))
    _write(_as_deep(found, whole), path, like)


def on_stored_grid(scores: NDArray[Any], geometry: Geometry, like: Path, series: str | None = None) -> NDArray[Any]:
    """Probabilities (classes, *space) that lie on `geometry`, on the stored grid of the image `like`.

    Each class is resampled linearly, so that classes meet where they are equally likely; labels themselves are never
    interpolated. Outside of `geometry` its edge goes on.
    """
    sitk = itk()
    stored = stored_volume(like, series, scores.ndim - 1)
    maps = []
    for one in scores:
        found = sitk.GetImageFromArray(one.astype(np.float32))
        _place(found, geometry)
        maps.append(sitk.GetArrayFromImage(resample_like(found, stored, nearest=False)))
    return np.stack(maps)


def _place(image: ItkImage, geometry: Geometry) -> None:
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction)


def stored_volume(like: Path, series: str | None, rank: int) -> ItkImage:
    """The first volume of an image as its file has it. Raises NasError as reading does."""
    return _fitted(open_image(like, series), like, rank)


def _fitted(whole: ItkImage, like: Path, rank: int) -> ItkImage:
    volumes = channel_volumes(whole, rank)
    if volumes is None:
        raise error("rank-mismatch", f"`{like}` has no {rank} axes, as its mask has")
    return volumes[0]


def _as_deep(found: ItkImage, whole: ItkImage) -> ItkImage:
    """A plane that stands for a volume of one slice, as such a volume: it keeps its place in the world."""
    if (found.GetDimension(), whole.GetDimension()) == (2, 3):
        found = itk().JoinSeries(found)
        found.CopyInformation(whole)
    return found


def _write(image: ItkImage, path: Path, like: Path) -> None:
    if image.GetDimension() == 3 and image.GetDepth() > 1:
        require_volumes(path, like)
    suffix = ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix
    try:
        with written_whole(path, suffix) as temporary:
            itk().WriteImage(image, str(temporary), useCompression=True)
            if is_nifti(like) and is_nifti(path) and not like.is_dir():
                copy_grid(like, temporary)
    except (RuntimeError, OSError) as cause:
        reason = "no permission" if isinstance(cause, PermissionError) or not _is_writable(path) else "its format"
        hint = "name it .png, .nii.gz, .nrrd or .mha, in a folder that may be written"
        raise error("cannot-write", f"`{path}` cannot be written: {reason}", hint=hint) from cause


def _is_writable(path: Path) -> bool:
    import os

    return path.parent.is_dir() and os.access(path.parent, os.W_OK)
