"""Predicting on images that have no labels: masks on the grids of the images, or a table of class probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nascompile.backends.onnx_module import OnnxNetwork
from nascompile.data.post import clean
from nascompile.data.reader import geometry_of, has_world
from nascompile.data.scans import Scan
from nascompile.data.task import Task
from nascompile.data.writer import on_stored_grid, require_folder, stored_volume, write_label_map, write_scores
from nascompile.diagnostics import Diagnostic, NasError, error
from nascompile.jobs.folder import WEIGHTS
from nascompile.jobs.scan_scores import Settings, part_of, patterns_of, scores_of
from nascompile.jobs.target import of_run
from nascompile.runs import find, write_table
from nascompile.train.ensemble import fuse


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network (or its exported file) with the task that says how images are read for it."""

    name: str
    task: Task
    network: torch.nn.Module


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


def channel_patterns(models: Sequence[Model], part: str | None) -> tuple[str, ...]:
    """The patterns of the files that are the channels of one image; none where an image is one file.

    Raises NasError: `unknown-task` for a part that no model has, `tasks-disagree` where models read other files.
    """
    found = {model.name: patterns_of(part_of(model.task, part)) for model in models}
    if len(set(found.values())) > 1:
        names = "`, `".join(found)
        hint = "predict with each alone and `--scores`, then fuse the folders: `nascompile fuse`"
        raise error("tasks-disagree", f"`{names}` read different files of an image", hint=hint)
    return next(iter(found.values()))


def predict_maps(
    models: Sequence[Model],
    scans: Sequence[Scan],
    out: Path,
    device: torch.device,
    settings: Settings,
    seen: Callable[[Scan], None] = lambda scan: None,
) -> Iterator[tuple[Scan, Path]]:
    """Write one mask a scan into `out`, on the scan's own grid; with `keep_scores` also `NAME_scores.nii.gz`.

    A scan that cannot be read is left out; NasError names all of them at the end. Raises NasError at once:
    `same-file` where a mask would replace an image, `cannot-write`.
    """
    require_other_files(scans, out)
    require_folder(out)
    problems: list[Diagnostic] = []
    for scan in scans:
        seen(scan)
        like = scan.images[0]
        try:
            on_grid = []
            for model in models:
                found, geometry = scores_of(model.network, model.task, scan, device, settings)
                on_grid.append(torch.from_numpy(on_stored_grid(found.numpy(), geometry, like, scan.series)))
        except NasError as bad:
            problems += bad.diagnostics
            continue
        fused = fuse(on_grid, settings.fusion, settings.weights)
        labels = fused.argmax(0).numpy()
        spacing = _spacing(like, scan.series, labels.ndim) if settings.cleaning.smallest else ()
        labels = clean(labels, settings.cleaning, spacing)
        path = out / scan.mask
        if settings.keep_scores:
            write_scores(fused.numpy(), like, out / scan.scores, scan.series)
        write_label_map(labels, None, like, path, scan.series)
        yield scan, path
    if problems:
        raise NasError(problems)


def require_other_files(scans: Sequence[Scan], out: Path) -> None:
    """Raise NasError (`same-file`) if a result would be written over an image."""
    images = {image.resolve() for scan in scans for image in scan.images}
    for scan in scans:
        for name in (scan.mask, scan.scores):
            if (out / name).resolve() in images:
                hint = "write into another folder: `--out masks`"
                raise error("same-file", f"the mask of `{scan.id}` would replace the image `{out / name}`", hint=hint)


def _spacing(like: Path, series: str | None, rank: int) -> tuple[float, ...]:
    """Sizes of a voxel of a mask, which lies on the stored grid of `like`; none where the format knows no world."""
    return geometry_of(stored_volume(like, series, rank)).spacing if has_world(like) else ()


def predict_table(
    models: Sequence[Model], scans: Sequence[Scan], path: Path, device: torch.device, settings: Settings
) -> list[dict[str, Any]]:
    """Write a CSV with a row a scan: its id, the likeliest class, the probability of each class.

    Raises NasError that names every scan which cannot be read; there is no table then.
    """
    require_folder(path.parent)
    classes = models[0].task.classes
    rows: list[dict[str, Any]] = []
    problems: list[Diagnostic] = []
    for scan in scans:
        try:
            found = [scores_of(m.network, m.task, scan, device, settings)[0] for m in models]
        except NasError as bad:
            problems += bad.diagnostics
            continue
        values = fuse(found, settings.fusion, settings.weights).double().numpy()
        best = classes[int(np.argmax(values))]
        rows.append(
            {"id": scan.id, "class": best, **{f"p {n}": f"{v:.6f}" for n, v in zip(classes, values, strict=True)}}
        )
    if problems:
        raise NasError(problems)
    write_table(path, rows)
    return rows
