"""Reading medical images through SimpleITK into channel-first float32 arrays. Knows files and grids, no labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascompile.data.dicom import damaged_slices
from nascompile.data.nifti import check_nifti, is_nifti
from nascompile.diagnostics import NasError, did_you_mean, error

FloatArray = NDArray[np.float32]
ItkImage = Any
"""A `SimpleITK.Image`; its generated classes carry no types."""


def itk() -> Any:
    """The module SimpleITK, imported when first needed (0.1 s)."""
    import SimpleITK

    return SimpleITK


@dataclass(frozen=True, slots=True)
class Geometry:
    """The grid of an image in the world (LPS, millimetres), in ITK's axis order x, y, z: the reverse of the array's.

    `oriented` is False for formats that know no world (PNG, JPEG, TIFF), whose spacing is 1 by convention.
    """

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]
    oriented: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        """The spatial shape of the array: slices, rows, columns."""
        return self.size[::-1]

    def affine(self) -> NDArray[np.float64]:
        """Homogeneous matrix from ITK indices (x, y, z) to LPS millimetres."""
        rank = len(self.size)
        matrix = np.eye(rank + 1)
        matrix[:rank, :rank] = np.array(self.direction).reshape(rank, rank) * np.array(self.spacing)
        matrix[:rank, rank] = self.origin
        return matrix


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself without its pixels being read."""

    size: tuple[int, ...]
    components: int


_FLAT = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")  # a TIFF's resolution is a printer's, often wrong


def has_world(path: Path) -> bool:
    """Whether the format of `path` carries spacing and orientation."""
    return not path.name.lower().endswith(_FLAT)


def read_header(path: Path, series: str | None = None) -> Header:
    """Size (x, y, z) and number of components of an image file or DICOM folder; raises `NasError`."""
    _require(path)
    grey_alpha = None if path.is_dir() else _grey_alpha_size(path)
    if grey_alpha is not None:
        return Header(grey_alpha, 2)
    if path.is_dir():
        names = _series_files(path, series)
        slices, path = len(names) if len(names) > 1 else 0, Path(names[0])
    else:
        slices = 0
    try:
        reader = _information(path)
    except RuntimeError as cause:
        raise _unreadable(path, cause) from cause
    size = tuple(int(s) for s in reader.GetSize())
    return Header((*size[:2], slices) if slices else size, int(reader.GetNumberOfComponents()))


def _information(path: Path) -> Any:
    """ITK's reader of a file that has read its header; raises RuntimeError."""
    reader = itk().ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return reader


def open_image(path: Path, series: str | None = None) -> ItkImage:
    """The image at `path`: a file, or a folder with one DICOM series (or the one whose UID is `series`).

    Slices of a series are ordered by their position in the patient. An alpha channel of a PNG or TIFF is dropped.
    Raises `NasError`: `missing-file`, `unreadable-image`, `several-series`, `nan-in-image`.
    """
    sitk = itk()
    _require(path)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # ITK prints to stderr what the checks here report by name
    count = 0
    if is_nifti(path):
        damage, count = check_nifti(path)
        if damage is not None:
            raise error("unreadable-image", f"`{path}` cannot be read: {damage}", hint="fetch or export it again")
    try:
        image = _read(path, series)
    except RuntimeError as cause:
        raise _unreadable(path, cause) from cause
    if "float" in image.GetPixelIDTypeAsString():
        values = sitk.GetArrayViewFromImage(image)
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite to a network
            count = count or int(values.size - np.isfinite(values.astype(np.float32, copy=False)).sum())
    if count:
        hint = "replace them, or leave the case out of the split"
        raise error("nan-in-image", f"`{path}` has {count} values that are NaN, or infinite as float32", hint=hint)
    components = image.GetNumberOfComponentsPerPixel()
    if components in (2, 4) and path.name.lower().endswith((".png", ".tif", ".tiff")):
        planes = [sitk.VectorIndexSelectionCast(image, i) for i in range(components - 1)]
        image = planes[0] if len(planes) == 1 else sitk.Compose(planes)
    if not path.is_dir() and not has_world(path):
        image.SetSpacing([1.0] * image.GetDimension())  # ITK takes it from the dots per inch of TIFF and JPEG
    return image


def _read(path: Path, series: str | None) -> ItkImage:
    sitk = itk()
    if path.is_dir():
        names = _series_files(path, series)
        if len(names) == 1:
            return sitk.ReadImage(names[0])  # one file may hold all the slices
        # ITK takes the type of the first slice for all; each slice may have a slope of its own, and lose its fractions.
        kind = sitk.sitkFloat32 if _information(Path(names[0])).GetNumberOfComponents() == 1 else sitk.sitkUnknown
        return sitk.ReadImage(names, kind)
    if _grey_alpha_size(path) is not None:
        from PIL import Image

        with Image.open(path) as opened:
            return sitk.GetImageFromArray(np.asarray(opened.getchannel(0)))
    return sitk.ReadImage(str(path))


def _grey_alpha_size(path: Path) -> tuple[int, int] | None:
    """Columns and rows of a PNG of grey with alpha, which SimpleITK cannot read; None for every other file."""
    if not path.name.lower().endswith(".png"):
        return None
    with path.open("rb") as file:
        start = file.read(26)
    if len(start) < 26 or start[:8] != b"\x89PNG\r\n\x1a\n" or start[25] != 4:
        return None
    return int.from_bytes(start[16:20], "big"), int.from_bytes(start[20:24], "big")


def _require(path: Path) -> None:
    if path.exists():
        return
    siblings = (p.name for p in path.parent.iterdir()) if path.parent.is_dir() else ()
    raise error("missing-file", f"there is no file `{path}`", hint=did_you_mean(path.name, siblings))


def _unreadable(path: Path, cause: Exception) -> NasError:
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    reason = lines[-1].removeprefix("sitk::ERROR: ") if lines else "no reason given"
    if path.exists() and "No such file" in reason:  # what is left in `errno` when MetaImage meets the end too early
        reason = "it is damaged, or a file that it names is missing or ends too early"
    hint = "formats that can be read: NIfTI, MetaImage, NRRD, DICOM folders, PNG, TIFF, JPEG"
    return error("unreadable-image", f"`{path}` cannot be read: {reason}", hint=hint)


def series_of(folder: Path) -> tuple[str, ...]:
    """UIDs of the DICOM series that the files of a folder belong to; none without DICOM."""
    sitk = itk()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    return tuple(sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)))


def _series_files(folder: Path, series: str | None) -> tuple[str, ...]:
    found = series_of(folder)
    if not found:
        raise error("unreadable-image", f"the folder `{folder}` holds no DICOM series")
    if series is None and len(found) > 1:
        hint = f'name one in the split file: `"series": "{found[0]}"`, or `--series {found[0]}`'
        raise error("several-series", f"the folder `{folder}` holds {len(found)} DICOM series", hint=hint)
    if series is not None and series not in found:
        hint = did_you_mean(series, found) or f"it holds {found[0]}"
        raise error("missing-file", f"the folder `{folder}` holds no DICOM series `{series}`", hint=hint)
    files = {uid: tuple(itk().ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)) for uid in found}
    chosen = series or found[0]
    damaged = damaged_slices(folder, {name for names in files.values() for name in names}, chosen)
    if damaged:
        listed = f"`{damaged[0].name}`" + (f" and {len(damaged) - 1} more" if len(damaged) > 1 else "")
        message = f"the series in `{folder}` has slices that cannot be read: {listed}"
        raise error("missing-slices", message, hint="fetch the series again; do not predict on what is left")
    return _in_order(folder, files[chosen])


def _in_order(folder: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """The files by the positions of their slices, which lie equally far apart. Raises NasError (`missing-slices`).

    A tenth of a distance is left to rounding in the headers; series without positions are taken as they are.
    """
    placed = [(place, name) for name in names if (place := _position(name)) is not None]
    if len(placed) != len(names) or len(names) < 2:
        return names
    placed.sort()
    ordered = tuple(name for _, name in placed)
    gaps = np.diff(np.array([place for place, _ in placed]))
    usual = float(np.median(gaps))
    wide = np.flatnonzero(np.abs(gaps - usual) > 0.1 * usual)
    if usual > 0 and wide.size == 0:
        return ordered
    if float(gaps.min()) < 0.1 * usual or usual == 0:
        message = f"the series in `{folder}` has two slices at one position"
        raise error("missing-slices", message, hint="it may hold two phases or echoes: keep one of them")
    at = int(wide[0])
    message = (
        f"the series in `{folder}` misses slices: {gaps[at]:g} mm between slices {at + 1} and {at + 2},"
        f" {usual:g} mm elsewhere"
    )
    raise error("missing-slices", message, hint="fetch the series again; do not predict on what is left")


def _position(name: str) -> float | None:
    """Where a slice lies along the normal of its plane, in millimetres."""
    reader = itk().ImageFileReader()
    reader.SetFileName(name)
    reader.LoadPrivateTagsOn()
    try:
        reader.ReadImageInformation()
        place = [float(v) for v in reader.GetMetaData("0020|0032").split("\\")]
        axes = [float(v) for v in reader.GetMetaData("0020|0037").split("\\")]
    except (RuntimeError, ValueError):
        return None
    return float(np.dot(np.cross(axes[:3], axes[3:]), place)) if len(place) == 3 and len(axes) == 6 else None


def geometry_of(image: ItkImage, oriented: bool = True) -> Geometry:
    """The grid of a SimpleITK image."""
    return Geometry(
        tuple(int(s) for s in image.GetSize()),
        tuple(float(s) for s in image.GetSpacing()),
        tuple(float(s) for s in image.GetOrigin()),
        tuple(float(s) for s in image.GetDirection()),
        oriented,
    )


def to_array(image: ItkImage) -> NDArray[Any]:
    """The pixels as (channels, *spatial), spatial axes slowest first; a scalar image has one channel."""
    sitk = itk()
    array: NDArray[Any] = sitk.GetArrayFromImage(image)
    if image.GetNumberOfComponentsPerPixel() > 1:
        return np.ascontiguousarray(np.moveaxis(array, -1, 0))
    return array[None]


def fit_rank(image: ItkImage, rank: int) -> ItkImage | None:
    """The image with `rank` spatial axes: one-slice volumes become planes; None if that cannot be."""
    if image.GetDimension() == rank:
        return image
    if image.GetDimension() == rank + 1 and image.GetSize()[-1] == 1:
        return image[..., 0] if rank == 3 else image[:, :, 0]
    return None


def channel_volumes(image: ItkImage, rank: int) -> list[ItkImage] | None:
    """An image with a fourth axis (several modalities or echoes in one NIfTI file) as one volume per channel."""
    if rank == 3 and image.GetDimension() == 4:
        return [image[:, :, :, i] for i in range(image.GetSize()[3])]
    fitted = fit_rank(image, rank)
    return None if fitted is None else [fitted]


def reorient(image: ItkImage) -> ItkImage:
    """A volume with its axes permuted and flipped to the nearest of LPS; planes are returned as they are."""
    sitk = itk()
    return sitk.DICOMOrient(image, "LPS") if image.GetDimension() == 3 else image


def resample(image: ItkImage, spacing: tuple[float, ...]) -> ItkImage:
    """The image at another spacing (x, y, z; millimetres), linearly, covering the same extent."""
    old = image.GetSpacing()
    if np.allclose(old, spacing, rtol=1e-4):
        return image
    size = [max(1, round(n * s / t)) for n, s, t in zip(image.GetSize(), old, spacing, strict=True)]
    rank = image.GetDimension()
    direction = np.array(image.GetDirection()).reshape(rank, rank)
    shift = direction @ ((np.array(spacing) - np.array(old)) / 2)  # keep the outer edge of the first voxel in place
    origin = np.array(image.GetOrigin()) + shift
    return _resample(image, size, origin.tolist(), spacing, image.GetDirection(), nearest=False)


def resample_like(image: ItkImage, reference: ItkImage, *, nearest: bool) -> ItkImage:
    """The image on the grid of `reference`; outside of it a label map is 0, another image its edge value."""
    grid = (reference.GetSize(), reference.GetOrigin(), reference.GetSpacing(), reference.GetDirection())
    return _resample(image, *grid, nearest=nearest)


def _resample(image: ItkImage, size: Any, origin: Any, spacing: Any, direction: Any, *, nearest: bool) -> ItkImage:
    sitk = itk()
    how = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    edge = not nearest
    if edge:  # beyond the last half voxel ITK takes the nearest voxel along all axes, not only across the edge
        rim = [1] * image.GetDimension()
        image = sitk.ZeroFluxNeumannPad(image, rim, rim)
    smooth = sitk.sitkFloat32 if image.GetNumberOfComponentsPerPixel() == 1 else sitk.sitkVectorFloat32
    kind = image.GetPixelID() if nearest else smooth
    return sitk.Resample(image, size, sitk.Transform(), how, origin, spacing, direction, 0.0, kind, edge)
