"""Prediction on real volumes of many kinds: do masks lie exactly where their images lie, and do labels survive?

    python benchmarks/predict_volumes.py --run runs/hippocampus --data ../shared/data

Every volume below `--data` that a folder of this list holds goes through `nascompile predict`'s own code with a trained
3-D network. What the masks show is of no interest: the network knows one organ. Volumes of more than `--voxels` voxels
are read at a coarser spacing, so that a run takes minutes. Recorded: the size of the image, whether the grid of the
mask equals the image's (size, spacing, origin, direction), how far apart they are at most, seconds.

Every label map is taken to another spacing (turned to LPS, linearly, a map a label) and back as probabilities are;
recorded is the Dice of all foreground, and of the worst label.

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
from record import fingerprint, write

from nascompile.data.reader import geometry_of, itk, open_image, reorient, resample, to_array
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
FACTORS = (0.6, 0.8, 1.0)
"""Spacings of the round trip, as shares of the label map's own; 1: turned alone."""


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


def round_trip(path: Path, factor: float) -> dict[str, float]:
    """Dice of a label map with itself after a way to another spacing and back."""
    stored = open_image(path)
    truth = to_array(stored)[0].astype(int)
    turned = reorient(stored)
    spacing = tuple(factor * s for s in turned.GetSpacing())
    back, most = np.zeros_like(truth), np.full(truth.shape, -1.0, np.float32)
    for value in np.unique(truth):
        moved = resample(itk().Cast(turned == int(value), itk().sitkFloat32), spacing)
        (found,) = on_stored_grid(to_array(moved), geometry_of(moved), path)
        better = found > most
        back[better], most[better] = value, found[better]
    labels = [int(v) for v in np.unique(truth) if v]
    each = [2 * ((back == v) & (truth == v)).sum() / ((back == v).sum() + (truth == v).sum()) for v in labels]
    hits = ((back == truth) & (truth > 0)).sum()
    return {
        "dice": round(float(2 * hits / ((back > 0).sum() + (truth > 0).sum())), 4),
        "worst": round(float(min(each)), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a trained 3-D segmentation run")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--voxels", type=int, default=1_000_000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data: Path = arguments.data
    model = open_model(Path("runs"), str(arguments.run), None, torch.device("cpu"))
    scans = [s for s in find_scans([data / f for f in IMAGES]) if not is_label(s.id)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for scan in scans:
            rows.append(predicted(model, scan, data, Path(folder), arguments.voxels))
            print(rows[-1], flush=True)
    trips = []
    for path in sorted(p for pattern in LABELS for p in data.glob(pattern)):
        found = {f"{factor:g}": round_trip(path, factor) for factor in FACTORS}
        labels = int((np.unique(to_array(open_image(path))[0]) > 0).sum())
        trips.append({"file": path.relative_to(data).as_posix(), "labels": labels, "at": found})
        print(trips[-1], flush=True)
    summary = {
        "volumes": len(rows),
        "equal": sum(row["equal"] for row in rows),
        "largest_difference_mm": max(row["largest_difference_mm"] for row in rows),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "label_maps": len(trips),
        "lowest_dice": {f"{f:g}": min(trip["at"][f"{f:g}"]["dice"] for trip in trips) for f in FACTORS},
    }
    task = {"task": model.task.name, "patch": list(model.task.patch), "voxels": arguments.voxels}
    write(RESULTS / "predict_volumes.json", {"machine": fingerprint(), **task, "summary": summary, "volumes": rows,
                                             "round_trips": trips})  # fmt: skip
    print(summary)


if __name__ == "__main__":
    main()
