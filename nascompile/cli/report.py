"""`nascompile report`: the page of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nascompile import runs
from nascompile.cli import options
from nascompile.cli.guard import guarded
from nascompile.files import write_text


@guarded
def report(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run; without it, the newest.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The file to write.")] = None,
    root: options.Runs = options.RUNS,
) -> None:
    """Write one HTML page of a run: front, convergence, cells, compared networks, environment. It needs no network."""
    from nascompile.jobs.results import table
    from nascompile.report.html import PAGE, page

    found = runs.find(root, run)
    columns: list[str] = []
    rows: list[list[str]] = []
    if found.path("results.json").exists():
        results = runs.read_json(found.path("results.json"))
        columns, rows = table(results["entries"], results["metric"])
    path = out or found.path(PAGE)
    write_text(path, page(found, columns, rows))
    print(f"wrote {path}")
