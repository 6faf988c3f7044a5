"""Images to predict: files and folders that a user names, each file or DICOM series one scan. Reads no pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nascompile.data.cases import IMAGE_SUFFIXES, captures, fill
from nascompile.data.reader import series_of
from nascompile.diagnostics import Diagnostic, NasError, did_you_mean, error

_SERIES = ".mha"
"""What the masks of a DICOM series are written as: NIfTI rounds positions to float32, NRRD oblique axes."""
FORMATS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".png", ".tif", ".tiff")
"""What masks can be written as."""
_LOSSY = (".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True, slots=True)
class Scan:
    """An image to predict: the files that are its channels (a folder is a DICOM series), and the name of its mask."""

    id: str
    images: tuple[Path, ...]
    series: str | None
    suffix: str

    @property
    def mask(self) -> str:
        """The file name of its mask: the format of the image where that can hold labels."""
        return f"{self.id}{self.suffix}"

    @property
    def scores(self) -> str:
        """The file name of its probabilities."""
        return f"{self.id}_scores.nii.gz"


def find_scans(
    paths: Sequence[Path], series: str | None = None, patterns: Sequence[str] = (), suffix: str | None = None
) -> list[Scan]:
    """The scans of files and folders, in the order of their names.

    A folder of image files gives one scan a file, one of DICOM slices one scan a series (only `series`, if it is
    named); folders inside are looked into. With `patterns` the files of a folder that match them with the same text in
    their wildcards are the channels of one scan. `suffix` is the format of all masks (`.nii.gz`), by default each
    image's own. Raises NasError with all problems: `missing-file`, `no-images`, `same-name`, `unpaired-image`.
    """
    problems: list[Diagnostic] = []
    found: list[Scan] = []
    for path in paths:
        if not path.exists():
            siblings = (p.name for p in path.parent.iterdir()) if path.parent.is_dir() else ()
            hint = did_you_mean(path.name, siblings)
            problems += error("missing-file", f"there is no file or folder `{path}`", hint=hint).diagnostics
            continue
        if patterns:
            scans, absent = _channels(path, patterns)
            problems += absent
            if absent:
                continue
        else:
            scans = [_file(path)] if path.is_file() else list(_folder(path, series))
            if series is not None and scans and all(scan.series is None for scan in scans):
                message = f"`{path}` holds no DICOM series `{series}`"
                problems += error("missing-file", message, hint="leave `--series` out").diagnostics
        if not scans:
            hint = f"images end in {', '.join(IMAGE_SUFFIXES[:7])}, or are a folder of DICOM slices"
            problems += error("no-images", f"`{path}` holds no image", hint=hint).diagnostics
        found += scans if suffix is None else [replace(scan, suffix=suffix) for scan in scans]
    counts = Counter(s.mask for s in found)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        message = f"{len(twice)} names of masks stand for several images: `{'`, `'.join(twice[:3])}`"
        hint = "predict the folders one after the other, each into a folder of its own"
        problems += error("same-name", message, hint=hint).diagnostics
    if problems:
        raise NasError(problems)
    return found


def _folder(folder: Path, series: str | None) -> Iterable[Scan]:
    known = series_of(folder)
    if known and series is not None and series not in known and any(path.is_dir() for path in folder.iterdir()):
        known = ()
    if known:
        chosen = [s for s in known if series in (None, s)]
        if not chosen:
            hint = did_you_mean(str(series), known) or f"it holds {known[0]}"
            raise error("missing-file", f"`{folder}` holds no DICOM series `{series}`", hint=hint)
        for number, uid in enumerate(chosen, start=1):
            name = folder.resolve().name if len(chosen) == 1 else f"{folder.resolve().name}_{number}"
            yield Scan(name, (folder,), uid, _SERIES)
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _folder(path, series)
        elif path.name.lower().endswith(IMAGE_SUFFIXES) and not (known and path.name.lower().endswith(".dcm")):
            yield _file(path)


def _channels(folder: Path, patterns: Sequence[str]) -> tuple[list[Scan], list[Diagnostic]]:
    """The scans of a folder whose channels are files of their own, and which of these are not there."""
    listed = f"`{'`, `'.join(patterns)}`"
    if not folder.is_dir():
        message = f"`{folder}` is one file, but the network reads {len(patterns)} files an image"
        return [], [*error("unpaired-image", message, hint=f"name their folder; they match {listed}").diagnostics]
    found = [captures(folder, pattern) for pattern in patterns]
    scans: list[Scan] = []
    problems: list[Diagnostic] = []
    for key in sorted({key for group in found for key in group}):
        files = [group[key] for group in found if key in group]
        name = "_".join(text for text in key if text).replace("/", "_") or folder.resolve().name
        if len(files) < len(patterns):
            absent = next(p for p, group in zip(patterns, found, strict=True) if key not in group)
            message = f"`{name}` has no file `{fill(absent, key)}` in `{folder}`"
            problems += error("unpaired-image", message, hint=f"an image is {listed}").diagnostics
            continue
        scans.append(Scan(name, tuple(files), None, _SERIES if files[0].is_dir() else _file(files[0]).suffix))
    if not scans and not problems:
        problems += error("no-images", f"nothing in `{folder}` matches {listed}").diagnostics
    return scans, problems


def _file(path: Path) -> Scan:
    suffix = _suffix(path)
    stem = path.name[: len(path.name) - len(suffix)]
    lossless = {".dcm": _SERIES, ".mhd": ".mha", ".nhdr": ".nrrd"}.get(suffix.lower(), suffix.lower())
    return Scan(stem, (path,), None, ".png" if lossless in _LOSSY else lossless)


def _suffix(path: Path) -> str:
    lower = path.name.lower()
    known = next((s for s in (".nii.gz", *IMAGE_SUFFIXES) if lower.endswith(s)), path.suffix)
    return path.name[len(path.name) - len(known) :] if known else ""
