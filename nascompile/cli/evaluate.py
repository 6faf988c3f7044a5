"""`nascompile evaluate`: the trained network of a run on a split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nascompile.cli import options, session
from nascompile.cli.guard import guarded
from nascompile.data.task import SPLITS
from nascompile.diagnostics import error


@guarded
def evaluate(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run; by default the newest trained one.")
    ] = None,
    split: Annotated[str, typer.Option("--split", metavar="SPLIT", help="train, val or test.")] = "test",
    metric: Annotated[list[str] | None, typer.Option("--metric", metavar="NAME", help="May be repeated.")] = None,
    weights: Annotated[Path | None, typer.Option("--weights", metavar="FILE", help="Other weights.")] = None,
    data: options.Data = None,
    device: options.Device = "auto",
    json_: options.Json = False,
    root: options.Runs = options.RUNS,
) -> None:
    """Evaluate on whole images, with an interval over the cases and a row for each."""
    part = next((name for name in SPLITS if name == split), None)
    if part is None:
        raise error("unknown-split", f"there is no split `{split}`", hint="write train, val or test")
    chosen = session.device(device)
    from nascompile.jobs.folder import WEIGHTS, reopen
    from nascompile.jobs.target import of_run
    from nascompile.jobs.training import whole_images
    from nascompile.runs import find
    from nascompile.train.evaluate import evaluate as score

    folder = find(root, run, having=() if run else (WEIGHTS,))
    target = of_run(root, str(folder.folder) if run is None else run, weights, data)
    if target.weights is None:
        hint = "train it: `nascompile train`, or give `--weights FILE`"
        raise error("missing-weights", f"the run `{folder.name}` has no trained weights", hint=hint)
    record = folder.record()
    task = session.checked_task(reopen(folder, data).task(record.get("task"), search=record.get("search")))
    network, inherited = target.network()
    for line in inherited.lines() if inherited is not None and (inherited.missing or inherited.mismatched) else ():
        print(line)
    found = score(network.to(chosen), task, whole_images(task, part), chosen, metrics=metric or ())
    if json_:
        print(json.dumps({**found.as_json(), "split": split}, indent=1))
        return
    from nascompile.report.tables import show_table

    rows = ([case, *(f"{v:.3f}" for v in values)] for case, values in found.rows.items())
    show_table("", ["case", *found.columns], rows, right=found.columns)
    for name, summary in found.summaries.items():
        per_class = ", ".join(f"{k} {v:.3f}" for k, v in summary.per_class.items())
        print(f"{name} {summary.value:.3f} ({summary.low:.3f} .. {summary.high:.3f}) {per_class}".rstrip())
    for of, summaries in found.parts.items():
        for name, summary in summaries.items():
            print(f"{name} of {of} {summary.value:.3f} ({summary.low:.3f} .. {summary.high:.3f})")
