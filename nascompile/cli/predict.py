"""`nascompile predict`: a trained network on new images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nascompile.cli import options, session
from nascompile.cli.ensembles import Format, fusion_of, suffix_of, weights_of
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
    format: Format = None,
    overlap: Annotated[float, typer.Option("--overlap", min=0.0, max=0.95, help="Of sliding windows.")] = 0.25,
    flips: Annotated[bool, typer.Option("--flips", help="Mean over all flips of an image.")] = False,
    fusion: Annotated[str, typer.Option("--fusion", metavar="HOW", help="mean, geometric or vote.")] = "mean",
    weight: Annotated[list[float] | None, typer.Option("--weight", help="One for each run of an ensemble.")] = None,
    largest: Annotated[bool, typer.Option("--largest", help="Keep the largest component of each class.")] = False,
    holes: Annotated[bool, typer.Option("--holes", help="Fill holes.")] = False,
    smallest: Annotated[float, typer.Option("--smallest", min=0.0, help="Remove less: mm3, or pixels.")] = 0.0,
    part: Annotated[
        str | None, typer.Option("--part", metavar="NAME", help="Of a union of data sets: whose rules of reading.")
    ] = None,
    scores: Annotated[bool, typer.Option("--scores", help="Also write the probabilities.")] = False,
    device: options.Device = "auto",
    root: options.Runs = options.RUNS,
) -> None:
    """Write a mask for each image, on its own grid; for classifications a table of probabilities."""
    from nascompile.data.scans import find_scans

    chosen, suffix = fusion_of(fusion), suffix_of(format)
    names: list[str | None] = [*run] if run else [None]
    files: list[Path | None] = [*onnx] if onnx else [None] * len(names)
    if len(files) != len(names):
        hint = "name the run of each model: `--run A --onnx a.onnx --run B --onnx b.onnx`"
        raise error("bad-option", f"{len(files)} models, but {len(names)} runs", hint=hint)
    weights = weights_of(weight, len(names), "run")
    scans = find_scans(images, series, suffix=suffix)
    place = session.device(device)
    from nascompile.data.post import Cleaning
    from nascompile.data.writer import require_volumes
    from nascompile.jobs.prediction import channel_patterns, open_model, predict_maps, predict_table
    from nascompile.jobs.prediction import require_same_classes as task_of
    from nascompile.jobs.scan_scores import Settings

    models = [open_model(root, n, f, place) for n, f in zip(names, files, strict=True)]
    task = task_of(models)
    if patterns := channel_patterns(models, part):
        scans = find_scans(images, series, patterns, suffix)
    cleaning = Cleaning(smallest=smallest, largest=largest, holes=holes)
    settings = Settings(overlap, flips, chosen, weights, cleaning, scores, part)
    if task.kind == "classification":
        path = out if out.suffix == ".csv" else out / "predictions.csv"
        rows = predict_table(models, scans, path, place, settings)
        print(f"wrote {path}: {len(rows)} images, {', '.join(task.classes)}")
        return
    if out.suffix == ".csv":
        raise error("bad-option", f"`{out}` is no folder for masks", hint="write `--out masks`")
    if suffix is not None and (task.rank == 3 or task.slices is not None):
        for scan in scans:
            require_volumes(out / scan.mask, scan.images[0])
    for scan, written in predict_maps(models, scans, out, place, settings):
        print(f"wrote {written}" + (f" (series {scan.series})" if scan.series else ""), flush=True)
