"""Prediction on real volumes of many kinds: do masks lie exactly where their images lie, and do labels survive?

    python benchmarks/predict_volumes.py --run runs/hippocampus --data ../shared/data

Every volume below `--data` that a folder of this list holds goes through `nascompile predict`'s own code with a trained
3-D network. What the masks show is of no interest: the network knows one organ. Volumes of more than `--voxels` voxels
are read at a coarser spacing, so that a run takes minutes. Recorded: the size of the image, whether the grid of the
mask equals the image's (size, spacing, origin, direction), how far apart they are at most, seconds.

Every label map is turned to LPS and taken to another spacing as training reads label maps (nearest neighbour), and back
in two ways: as `labels` (nearest neighbour, as `fuse` takes masks to a grid), and as `probabilities`, as what a network
puts out goes back in `predict` (linearly, a map a label): the most that a perfect network could get. Recorded is the
Dice of all foreground, and of the worst label. `--trips` measures the label maps alone and keeps the recorded volumes.

Results go to `benchmarks/results/predict_volumes.json`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from record import fingerprint, read, write

from nascompile.data.reader import geometry_of, itk, open_image, reorient, resample, resample_like, to_array
from nascompile.data.scans import Scan, find_scans
from nascompile.data.writer import on_stored_grid
from nascompile.jobs.prediction import Model, open_model, predict_maps
from nascompile.jobs.scan_scores import Settings

RESULTS = Path(__file__).parent / "results"
IMAGES = (
    "hippocampus_msd/mhd",
    "hippocampus_msd/dicom_unlabelled",
    "pyradiomics_nrrd",
    "totalseg_ct",
    "ms_lesions_flair",
    "t1_brain_dicom",
    "dcmqi_ct_seg/ct",
    "elastix_lung_mha",
)
LABELS = (
    "hippocampus_msd/mhd/*_segmentation.mhd",
    "pyradiomics_nrrd/*_label.nrrd",
    "totalseg_ct/*_seg.nii.gz",
    "ms_lesions_flair/*_lesions.nii.gz",
    "dcmqi_ct_seg/*_seg.nrrd",
    "dcmqi_ct_seg/liver.dcm",
    "elastix_lung_mha/*_mask.mha",
)
FACTORS = (0.6, 0.8, 1.0, 1.25)
"""Spacings of the round trip, as shares of the label map's own; 1: turned alone; above 1 voxels are lost."""
WAYS = ("labels", "probabilities")


def is_label(name: str) -> bool:
    return any(word in name for word in ("_seg", "_label", "_lesions", "_mask"))


def predicted(model: Model, scan: Scan, data: Path, out: Path, voxels: int) -> dict[str, Any]:
    """Write the mask of one volume and compare the two grids."""
    image = open_image(scan.images[0], scan.series)
    spacing, count = image.GetSpacing(), int(np.prod(image.GetSize()))
    if count > voxels:
        coarse = max(*spacing[:2], (count * float(np.prod(spacing)) / voxels) ** (1 / 3))
        wanted = tuple(max(coarse, s) for s in reorient(image).GetSpacing()[::-1])
        model = replace(model, task=replace(model.task, spacing=wanted))
    start = time.perf_counter()
    ((_, path),) = predict_maps([model], [scan], out, torch.device("cpu"), Settings())
    seconds = time.perf_counter() - start
    ours, theirs = geometry_of(itk().ReadImage(str(path))), geometry_of(image)
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in theirs.size])).reshape(3, -1)
    corners = np.vstack([corners, np.ones(corners.shape[1])])
    return {
        "file": scan.images[0].relative_to(data).as_posix(),
        "mask": scan.suffix,
        "size": list(theirs.size),
        "spacing_mm": [round(s, 4) for s in theirs.spacing],
        "turned": any(row[i] <= 0.999 for i, row in enumerate(np.array(theirs.direction).reshape(3, 3))),
        "read_at_mm": None if model.task.spacing is None else [round(s, 3) for s in model.task.spacing[::-1]],
        "equal": ours == theirs,
        "largest_difference_mm": float(np.abs((ours.affine() - theirs.affine()) @ corners).max()),
        "seconds": round(seconds, 2),
    }


def round_trip(path: Path, factor: float) -> dict[str, dict[str, float]]:
    """Dice of a label map with itself after a way to another spacing and both ways back."""
    stored = open_image(path)
    truth = to_array(stored)[0].astype(int)
    turned = reorient(stored)
    grid = resample(turned, tuple(factor * s for s in turned.GetSpacing()))
    moved = resample_like(turned, grid, nearest=True)
    labels = to_array(resample_like(moved, stored, nearest=True))[0].astype(int)
    back, most = np.zeros_like(truth), np.full(truth.shape, -1.0, np.float32)
    for value in np.unique(truth):
        here = (to_array(moved) == value).astype(np.float32)
        (found,) = on_stored_grid(here, geometry_of(moved), path)
        better = found > most
        back[better], most[better] = value, found[better]
    return {"labels": dices(truth, labels), "probabilities": dices(truth, back)}


def dices(truth: NDArray[Any], back: NDArray[Any]) -> dict[str, float]:
    """Of all foreground, each label counted apart, and of the worst label."""
    labels = [int(v) for v in np.unique(truth) if v]
    each = [2 * ((back == v) & (truth == v)).sum() / ((back == v).sum() + (truth == v).sum()) for v in labels]
    hits = ((back == truth) & (truth > 0)).sum()
    return {
        "dice": round(float(2 * hits / ((back > 0).sum() + (truth > 0).sum())), 4),
        "worst": round(float(min(each)), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a trained 3-D segmentation run")
    parser.add_argument("--trips", action="store_true", help="label maps alone")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--voxels", type=int, default=1_000_000)
    arguments = parser.parse_args()
    if not (arguments.run or arguments.trips):
        parser.error("--run is needed, or --trips")
    torch.set_num_threads(1)
    results = (read(RESULTS / "predict_volumes.json") or {}) if arguments.trips else volumes(arguments)
    trips = round_trips(arguments.data)
    lowest = {way: {f"{f:g}": min(trip[way][f"{f:g}"]["dice"] for trip in trips) for f in FACTORS} for way in WAYS}
    summary = {**results.get("summary", {}), "label_maps": len(trips), "lowest_dice": lowest}
    write(RESULTS / "predict_volumes.json", {**results, "summary": summary, "round_trips": trips})
    print(summary)


def volumes(arguments: argparse.Namespace) -> dict[str, Any]:
    """Predict every volume."""
    data: Path = arguments.data
    model = open_model(Path("runs"), str(arguments.run), None, torch.device("cpu"))
    scans = [s for s in find_scans([data / f for f in IMAGES]) if not is_label(s.id)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for scan in scans:
            rows.append(predicted(model, scan, data, Path(folder), arguments.voxels))
            print(rows[-1], flush=True)
    summary = {
        "volumes": len(rows),
        "equal": sum(row["equal"] for row in rows),
        "largest_difference_mm": max(row["largest_difference_mm"] for row in rows),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
    }
    task = {"task": model.task.name, "patch": list(model.task.patch), "voxels": arguments.voxels}
    return {"machine": fingerprint(), **task, "summary": summary, "volumes": rows}


def round_trips(data: Path) -> list[dict[str, Any]]:
    """Every label map, both ways, at every factor."""
    trips: list[dict[str, Any]] = []
    for path in sorted(p for pattern in LABELS for p in data.glob(pattern)):
        kinds = int((np.unique(to_array(open_image(path))[0]) > 0).sum())
        found = {f"{f:g}": round_trip(path, f) for f in FACTORS}
        ways = {way: {f: both[way] for f, both in found.items()} for way in WAYS}
        trips.append({"file": path.relative_to(data).as_posix(), "kinds": kinds, **ways})
        print(trips[-1], flush=True)
    return trips


if __name__ == "__main__":
    main()
