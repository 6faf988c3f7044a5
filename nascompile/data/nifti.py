"""What ITK hides about NIfTI files: it reads a truncated file as zeros, turns NaN and infinities into zeros, and rounds
oblique axes when it writes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

_FLOATS = {16: "f4", 64: "f8"}
"""NIfTI data type codes of the types that can hold NaN."""


def is_nifti(path: Path) -> bool:
    """Whether the name is that of a single-file NIfTI image."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def copy_grid(source: Path, target: Path) -> None:
    """Give the NIfTI-1 file `target` the place in the world that `source` has, bit for bit.

    ITK computes quaternions anew from rounded axes, and forgets which space they are of (scanner, MNI). Nothing is
    changed if one of them is no NIfTI-1.
    """
    theirs, ours = _content(source), bytearray(_content(target))
    orders = [_order(data) for data in (theirs, bytes(ours))]
    if None in orders:
        return
    for start, count, kind in _GRID:
        values = struct.unpack_from(f"{orders[0]}{count}{kind}", theirs, start)
        struct.pack_into(f"{orders[1]}{count}{kind}", ours, start, *values)
    packed = target.name.lower().endswith(".gz")
    target.write_bytes(gzip.compress(bytes(ours), 6, mtime=0) if packed else bytes(ours))


_GRID = ((76, 4, "f"), (123, 1, "B"), (252, 2, "h"), (256, 6, "f"), (280, 12, "f"))
"""In a NIfTI-1 header: handedness and voxel sizes, units, codes of the spaces, quaternion and offset, affine matrix."""


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _order(data: bytes) -> str | None:
    """The byte order of a NIfTI-1 header; None for anything else."""
    return next((o for o in "<>" if len(data) >= 348 and struct.unpack_from(f"{o}i", data)[0] == 348), None)


def check_nifti(path: Path) -> tuple[str | None, int]:
    """(why the file is damaged or None, number of NaN and infinite voxels) of a NIfTI-1 or NIfTI-2 file."""
    try:
        data = _content(path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as cause:
        return f"its compressed data is damaged ({str(cause).lower()})", 0
    if len(data) < 348:
        return f"it has {len(data)} bytes, less than a header", 0
    order = "<" if struct.unpack_from("<i", data)[0] in (348, 540) else ">"
    version = struct.unpack_from(order + "i", data)[0]
    if version == 348:
        dims = struct.unpack_from(order + "8h", data, 40)
        code, bits = struct.unpack_from(order + "2h", data, 70)
        start = int(struct.unpack_from(order + "f", data, 108)[0])
    elif version == 540 and len(data) >= 540:
        dims = struct.unpack_from(order + "8q", data, 16)
        code, bits = struct.unpack_from(order + "2h", data, 12)
        start = int(struct.unpack_from(order + "q", data, 168)[0])
    else:
        return "it does not begin with a NIfTI header", 0
    voxels = math.prod(dims[1 : 1 + max(0, min(dims[0], 7))])
    wanted = start + voxels * bits // 8
    if len(data) < wanted:
        return f"it ends after {len(data)} of {wanted} bytes", 0
    if code not in _FLOATS:
        return None, 0
    values = np.frombuffer(data, order + _FLOATS[code], voxels, start)
    return None, int(np.size(values) - np.isfinite(values).sum())
