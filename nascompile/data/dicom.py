"""Slices that GDCM leaves out of a series without a word, because their files are damaged."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

_NO_IMAGES = (b"RTSTRUCT", b"RTPLAN", b"RTRECORD", b"SR", b"PR", b"KO", b"REG", b"FID", b"PLAN", b"DOC", b"AU", b"ECG")
"""Modalities of DICOM files that lie beside images and are none."""
_HEAD = 1 << 16


def damaged_slices(folder: Path, known: Collection[str], series: str) -> list[Path]:
    """DICOM files of `folder` that are not among the `known` files of its series, yet say that they are of `series`, or
    end before they say of which."""
    names = {Path(name).name for name in known}
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name not in names and path.is_file() and _is_slice(path, series.encode("ascii"))
    ]


def _is_slice(path: Path, series: bytes) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    is_dicom = head[128:132] == b"DICM"
    if not is_dicom and path.suffix.lower() != ".dcm":
        return False
    if _value(head, 0x0008, 0x0060) in _NO_IMAGES:
        return False
    found = _value(head, 0x0020, 0x000E)
    return found == series or (found is None and path.suffix.lower() == ".dcm")


def _value(head: bytes, group: int, element: int) -> bytes | None:
    """The text of a data element in little endian, of either kind of value representation."""
    at = head.find(group.to_bytes(2, "little") + element.to_bytes(2, "little"))
    if at < 0:
        return None
    explicit = head[at + 4 : at + 6].isalpha()
    length = int.from_bytes(head[at + 6 : at + 8] if explicit else head[at + 4 : at + 8], "little")
    return head[at + 8 : at + 8 + length].strip(b" \0")
