"""`nascompile predict`: a trained network on new images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nascompile.cli import options, session
from nascompile.cli.guard import guarded
from nascompile.diagnostics import error


@guarded
def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Files, folders of files, DICOM folders.")],
    run: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="RUN", help="A trained run; several are an ensemble. By default the newest."),
    ] = None,
    onnx: Annotated[
        list[Path] | None,
        typer.Option("--onnx", metavar="MODEL", help="Exported models in place of the runs' weights."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder for masks, or a CSV of classes.")
    ] = Path("predictions"),
    series: Annotated[str | None, typer.Option("--series", metavar="UID", help="Which DICOM series.")] = None,
    overlap: Annotated[float, typer.Option("--overlap", min=0.0, max=0.95, help="Of sliding windows.")] = 0.25,
    flips: Annotated[bool, typer.Option("--flips", help="Mean over all flips of an image.")] = False,
    fusion: Annotated[str, typer.Option("--fusion", metavar="HOW", help="mean, geometric or vote.")] = "mean",
    weight: Annotated[list[float] | None, typer.Option("--weight", help="One for each run of an ensemble.")] = None,
    largest: Annotated[bool, typer.Option("--largest", help="Keep the largest component of each class.")] = False,
    holes: Annotated[bool, typer.Option("--holes", help="Fill holes.")] = False,
    smallest: Annotated[float, typer.Option("--smallest", min=0.0, help="Remove less: mm3, or pixels.")] = 0.0,
    scores: Annotated[bool, typer.Option("--scores", help="Also write the probabilities.")] = False,
    device: options.Device = "auto",
    root: options.Runs = options.RUNS,
) -> None:
    """Write a mask for each image, on its own grid; for classifications a table of probabilities."""
    from nascompile.data.scans import find_scans
    from nascompile.train.ensemble import FUSIONS

    chosen_fusion = next((f for f in FUSIONS if f == fusion), None)
    if chosen_fusion is None:
        raise error("bad-option", f"there is no fusion `{fusion}`", hint=f"write one of {', '.join(FUSIONS)}")
    names: list[str | None] = [*run] if run else [None]
    files: list[Path | None] = [*onnx] if onnx else [None] * len(names)
    if len(files) != len(names):
        hint = "name the run of each model: `--run A --onnx a.onnx --run B --onnx b.onnx`"
        raise error("bad-option", f"{len(files)} models, but {len(names)} runs", hint=hint)
    if weight and (len(weight) != len(names) or min(weight) < 0 or sum(weight) <= 0):
        raise error("bad-option", f"{len(weight)} weights for {len(names)} runs", hint="give each run a weight")
    scans = find_scans(images, series)
    place = session.device(device)
    from nascompile.data.post import Cleaning
    from nascompile.jobs.prediction import Settings, open_model, predict_maps, predict_table, require_same_classes

    models = [open_model(root, n, f, place) for n, f in zip(names, files, strict=True)]
    task = require_same_classes(models)
    cleaning = Cleaning(smallest=smallest, largest=largest, holes=holes)
    settings = Settings(overlap, flips, chosen_fusion, tuple(weight) if weight else None, cleaning, scores)
    if task.kind == "classification":
        path = out if out.suffix == ".csv" else out / "predictions.csv"
        rows = predict_table(models, scans, path, place, settings)
        print(f"wrote {path}: {len(rows)} images, {', '.join(task.classes)}")
        return
    for written in predict_maps(models, scans, out, place, settings):
        print(f"wrote {written}")
