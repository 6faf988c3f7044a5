"""Predicting on images that have no labels: masks on the grids of the images, or a table of class probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nascompile.backends.onnx_module import OnnxNetwork
from nascompile.data.cases import Case
from nascompile.data.load import load_case
from nascompile.data.post import Cleaning, clean
from nascompile.data.reader import Geometry
from nascompile.data.scans import Scan
from nascompile.data.task import Task
from nascompile.data.writer import on_stored_grid, write_label_map, write_scores
from nascompile.diagnostics import error
from nascompile.jobs.folder import WEIGHTS
from nascompile.jobs.target import of_run
from nascompile.runs import find, write_table
from nascompile.train.ensemble import Fusion, fuse, over_flips
from nascompile.train.predict import class_scores, predict


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network (or its exported file) with the task that says how images are read for it."""

    name: str
    task: Task
    network: torch.nn.Module


@dataclass(frozen=True, slots=True)
class Settings:
    """How probabilities become results. `weights` are those of the models in a mean or vote."""

    overlap: float = 0.25
    flips: bool = False
    fusion: Fusion = "mean"
    weights: tuple[float, ...] | None = None
    cleaning: Cleaning = field(default_factory=Cleaning)
    keep_scores: bool = False


def open_model(root: Path, run: str | None, onnx: Path | None, device: torch.device) -> Model:
    """The trained network of a run, by default the newest; with `onnx` an exported file in its place.

    Raises NasError: `no-runs`, `missing-weights`, `weights-of-another-genotype`, `unreadable-model`.
    """
    found = find(root, run, having=() if run else (WEIGHTS,))
    target = of_run(root, str(found.folder) if run is None else run)
    task = target.task
    if task is None:
        raise error("no-task", f"the run `{found.name}` has no task that says how to read images")
    if onnx is not None:
        model = OnnxNetwork(onnx)
        theirs = model.metadata.get("genotype_digest")
        ours = "" if target.genotype is None else target.genotype.digest()
        if theirs not in (None, ours):
            hint = "name the run that it was exported from: `--run NAME`"
            raise error(
                "weights-of-another-genotype", f"`{onnx}` is of another genotype than `{found.name}`", hint=hint
            )
        return Model(onnx.stem, task, model.eval())
    if target.weights is None:
        hint = "train it: `nascompile train`"
        raise error("missing-weights", f"the run `{found.name}` has no trained weights", hint=hint)
    network, inherited = target.network()
    if inherited is not None and (inherited.missing or inherited.mismatched):
        hint = inherited.lines()[0]
        raise error("weights-of-another-genotype", f"the weights of `{found.name}` do not fit its network", hint=hint)
    return Model(found.name, task, network.to(device).eval())


def require_same_classes(models: Sequence[Model]) -> Task:
    """The task of the first model. Raises NasError (`tasks-disagree`) if an ensemble's classes differ."""
    first = models[0].task
    for other in models[1:]:
        if (other.task.kind, other.task.classes) != (first.kind, first.classes):
            message = f"`{models[0].name}` and `{other.name}` predict different classes"
            raise error("tasks-disagree", message, hint="an ensemble is of models of one task")
    return first


def scores_of(model: Model, scan: Scan, device: torch.device, settings: Settings) -> tuple[torch.Tensor, Geometry]:
    """Probabilities of one scan by one model, on the grid that its task resamples to.

    Segmentation: (classes, *space); classification: (classes,). Raises NasError as reading does.
    """
    task = model.task
    loaded = load_case(_alone(task), Case(scan.id, scan.images, None, scan.id, series=scan.series))
    image = torch.from_numpy(loaded.image)[None].to(device)

    def scores(x: torch.Tensor) -> torch.Tensor:
        return class_scores(predict(model.network, x, task, overlap=settings.overlap))

    is_map = task.kind == "segmentation"
    found = over_flips(scores, image, is_map=is_map) if settings.flips else scores(image)
    return found[0].cpu(), loaded.geometry


def _alone(task: Task) -> Task:
    """The rules of reading of a task; a union reads as its first part does."""
    return replace(task.sources[0], slices=None)


def predict_maps(
    models: Sequence[Model],
    scans: Sequence[Scan],
    out: Path,
    device: torch.device,
    settings: Settings,
    seen: Callable[[Scan], None] = lambda scan: None,
) -> Iterator[Path]:
    """Write one mask a scan into `out`, on the scan's own grid; with `keep_scores` also `NAME_scores.nii.gz`.

    Raises NasError, naming the scan; masks of earlier scans stay.
    """
    for scan in scans:
        seen(scan)
        like = scan.images[0]
        on_grid = []
        for model in models:
            found, geometry = scores_of(model, scan, device, settings)
            on_grid.append(torch.from_numpy(on_stored_grid(found.numpy(), geometry, like, scan.series)))
        fused = fuse(on_grid, settings.fusion, settings.weights)
        labels = clean(fused.argmax(0).numpy(), settings.cleaning, _spacing(geometry))
        path = out / scan.mask
        if settings.keep_scores:
            write_scores(fused.numpy(), like, out / f"{scan.id}_scores.nii.gz", scan.series)
        write_label_map(labels, None, like, path, scan.series)
        yield path


def _spacing(geometry: Geometry) -> tuple[float, ...]:
    return geometry.spacing[::-1] if geometry.oriented else ()


def predict_table(
    models: Sequence[Model], scans: Sequence[Scan], path: Path, device: torch.device, settings: Settings
) -> list[dict[str, Any]]:
    """Write a CSV with a row a scan: its id, the likeliest class, the probability of each class."""
    classes = models[0].task.classes
    rows: list[dict[str, Any]] = []
    for scan in scans:
        fused = fuse([scores_of(m, scan, device, settings)[0] for m in models], settings.fusion, settings.weights)
        values = fused.double().numpy()
        best = classes[int(np.argmax(values))]
        rows.append(
            {"id": scan.id, "class": best, **{f"p {n}": f"{v:.6f}" for n, v in zip(classes, values, strict=True)}}
        )
    write_table(path, rows)
    return rows
