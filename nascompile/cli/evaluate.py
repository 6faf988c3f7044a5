"""`nascompile evaluate`: the trained network of a run on a split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nascompile.cli import options, session
from nascompile.cli.analog_tables import analog_device, on_tiles, show_on_tiles
from nascompile.cli.guard import guarded
from nascompile.data.task import SPLITS
from nascompile.diagnostics import error
from nascompile.files import require_writable


@guarded
def evaluate(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run; by default the newest trained one.")
    ] = None,
    split: Annotated[str, typer.Option("--split", metavar="SPLIT", help="train, val or test.")] = "test",
    metric: Annotated[list[str] | None, typer.Option("--metric", metavar="NAME", help="May be repeated.")] = None,
    weights: Annotated[Path | None, typer.Option("--weights", metavar="FILE", help="Other weights.")] = None,
    data: options.Data = None,
    device: Annotated[
        str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda; or analog tiles: pcm, mine.yaml.")
    ] = "auto",
    times: Annotated[str | None, typer.Option("--times", metavar="LIST", help="On tiles: '1 s, 1 hour'.")] = None,
    programmings: Annotated[int | None, typer.Option("--programmings", metavar="N", min=2, help="On tiles.")] = None,
    bits: Annotated[str | None, typer.Option("--bits", metavar="LIST", help="On tiles: '4,6,8', a row each.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="On tiles: an SVG over time.")] = None,
    json_: options.Json = False,
    root: options.Runs = options.RUNS,
) -> None:
    """Evaluate on whole images, with an interval over the cases and a row for each."""
    part = next((name for name in SPLITS if name == split), None)
    if part is None:
        raise error("unknown-split", f"there is no split `{split}`", hint="write train, val or test")
    tiles = analog_device(device)
    if tiles is not None:
        if metric and len(metric) > 1:
            raise error("bad-value", "one metric at a time is measured on tiles", hint="give `--metric` once")
        options.require_suffix("--plot", plot, ".svg")
        if plot is not None:
            require_writable(plot)  # before minutes of measuring
        plan, states = on_tiles(run, tiles, times, programmings, weights, data, root)
        show_on_tiles(plan, states, part, metric[0] if metric else plan.task.metric, bits, plot, json_)
        return
    if only := [
        n for n, v in (("--times", times), ("--bits", bits), ("--programmings", programmings), ("--plot", plot)) if v
    ]:
        hint = "name a device with tiles: `--device pcm`"
        raise error("bad-value", f"`{only[0]}` is for analog tiles", hint=hint)
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
