"""Nuclei demo: tiles of StarDist's example image with the classes background, interior and boundary."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

CLASSES = ("background", "interior", "boundary")
# Two pixels: one-pixel outlines are 3 % of the image, and two readers would not agree on them.
BOUNDARY_WIDTH = 2
TILE_WIDTH = 128
# Rows of the 512 x 512 image, and the height of a tile. Between the splits 32 rows are left out, enough that
# no nucleus has pixels in two splits (with 16 rows, three nuclei would).
BANDS = {"val": (0, 96, 96), "train": (128, 384, 128), "test": (416, 512, 96)}


def derive(package: Path, folder: Path) -> None:
    """Write `images/`, `labels/` and `splits.json` of the StarDist wheel or source archive to `folder`."""
    image, instances = read_package(package)
    labels = classes_of(instances)
    cases: dict[str, dict[str, Any]] = {}
    splits: dict[str, Any] = {
        "dataset": "nuclei",
        "task": "2D segmentation in 3 classes (0 background, 1 interior, 2 boundary)",
        "licence": "BSD-3-Clause (StarDist 0.9.2)",
        "grouping": "blocks of one image, 32 rows apart; no nucleus is in two splits",
    }
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for split, (start, stop, height) in BANDS.items():
        splits[split] = []
        for row in range(start, stop, height):
            for column in range(0, image.shape[1], TILE_WIDTH):
                name = f"{split}_r{row:03d}_c{column:03d}"
                tile = np.s_[row : row + height, column : column + TILE_WIDTH]
                Image.fromarray(image[tile]).save(folder / "images" / f"{name}.png", optimize=True)
                Image.fromarray(labels[tile]).save(folder / "labels" / f"{name}.png", optimize=True)
                splits[split].append(name)
                box = [row, column, row + height, column + TILE_WIDTH]
                cases[name] = {"image": f"images/{name}.png", "mask": f"labels/{name}.png", "box": box}
    splits["cases"] = cases
    (folder / "splits.json").write_text(json.dumps(splits, indent=1) + "\n", encoding="utf-8")


def read_package(package: Path) -> tuple[Labels, npt.NDArray[np.int64]]:
    """The example image (512 x 512, 8 bit: its values end at 235) and its instance ids (0 = background)."""
    with zipfile.ZipFile(package) as archive:
        names = ("stardist/data/images/img2d.tif", "stardist/data/images/mask2d.tif")
        image, instances = (np.array(Image.open(io.BytesIO(archive.read(name)))) for name in names)
    assert image.shape == instances.shape == (512, 512), "not the image of StarDist 0.9.2"
    assert image.max() <= 255, "the image needs more than 8 bits"
    return image.astype(np.uint8), instances.astype(np.int64)


def classes_of(instances: npt.NDArray[np.int64]) -> Labels:
    """Class of every pixel: the outer `BOUNDARY_WIDTH` pixel layers of each nucleus are its boundary.

    The image's edge is no boundary: a nucleus goes on outside of it.
    """
    labels = np.zeros(instances.shape, np.uint8)
    for identity in np.unique(instances[instances > 0]):
        nucleus = instances == identity
        labels[nucleus] = CLASSES.index("boundary")
        labels[_inside(nucleus)] = CLASSES.index("interior")
    return labels


def baseline(folder: Path) -> str:
    """Markdown table: Dice on the test tiles, pixels pooled, of an Otsu threshold found on the training tiles."""
    splits = json.loads((folder / "splits.json").read_text(encoding="utf-8"))
    threshold = otsu(np.concatenate([_load(folder, splits, name, "image").ravel() for name in splits["train"]]))
    truth, otsu_labels = [], []
    for name in splits["test"]:
        bright = _load(folder, splits, name, "image") > threshold
        predicted = np.where(_inside(bright), 1, np.where(bright, 2, 0))
        truth.append(_load(folder, splits, name, "mask"))
        otsu_labels.append(predicted)
    y, p = np.concatenate(truth, axis=1), np.concatenate(otsu_labels, axis=1)
    rows = [dice(p > 0, y > 0), *(dice(p == index, y == index) for index in (1, 2))]
    nuclei_mean = (rows[1] + rows[2]) / 2
    shares = " / ".join(f"{(y == index).mean():.3f}" for index in range(3))
    return (
        "| baseline | foreground | interior | boundary | mean of interior and boundary |\n|---|---|---|---|---|\n"
        f"| Otsu (threshold {threshold} from the training tiles, then its outer two layers as boundary) "
        f"| {rows[0]:.3f} | {rows[1]:.3f} | {rows[2]:.3f} | {nuclei_mean:.3f} |\n"
        "| all background | 0.000 | 0.000 | 0.000 | 0.000 |\n\n"
        f"Shares of background / interior / boundary in the test tiles: {shares}.\n"
    )


def otsu(values: npt.NDArray[np.uint8]) -> int:
    """The threshold that maximises the between-class variance (Otsu 1979, eq. 18); the bright class is above it."""
    counts = np.bincount(values, minlength=256).astype(np.float64)
    weight, moment = counts.cumsum() / counts.sum(), (counts * np.arange(256)).cumsum() / counts.sum()
    between = np.zeros(256)
    split = (weight > 0) & (weight < 1)
    between[split] = (moment[-1] * weight[split] - moment[split]) ** 2 / (weight[split] * (1 - weight[split]))
    return int(between.argmax())


def dice(a: Mask, b: Mask) -> float:
    """2 |a and b| / (|a| + |b|), pixels pooled."""
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _inside(mask: Mask) -> Mask:
    padded = np.pad(mask, 1, mode="edge")
    eroded: Mask = ndimage.binary_erosion(padded, iterations=BOUNDARY_WIDTH, border_value=1)[1:-1, 1:-1]
    return eroded & mask


def _load(folder: Path, splits: dict[str, Any], name: str, kind: str) -> Labels:
    return np.array(Image.open(folder / splits["cases"][name][kind]))
