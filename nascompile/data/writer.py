"""Writing a predicted label map on the grid of its image, whatever turning and resampling came between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascompile.data.reader import Geometry, channel_volumes, itk, open_image, resample_like
from nascompile.diagnostics import error


def write_label_map(
    labels: NDArray[Any], geometry: Geometry, like: Path, path: Path, series: str | None = None
) -> None:
    """Write class indices (*space), which lie on `geometry`, to `path` on the stored grid of the image `like`.

    The format is that of the name of `path`. The file is written under another name and renamed. Raises `NasError`
    (`cannot-write`, and what reading `like` gives).
    """
    sitk = itk()
    found = sitk.GetImageFromArray(labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16))
    found.SetSpacing(geometry.spacing)
    found.SetOrigin(geometry.origin)
    found.SetDirection(geometry.direction)
    volumes = channel_volumes(open_image(like, series), labels.ndim)
    if volumes is None:
        raise ValueError(f"{like} has not {labels.ndim} axes")
    stored = resample_like(found, volumes[0], nearest=True)
    suffix = ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix
    temporary = path.with_name(f".{path.name}.tmp{suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        sitk.WriteImage(stored, str(temporary), useCompression=True)
        temporary.replace(path)
    except (RuntimeError, OSError) as cause:
        temporary.unlink(missing_ok=True)
        hint = "name it .png, .nii.gz, .nrrd or .mha"
        raise error("cannot-write", f"`{path}` cannot be written", hint=hint) from cause
