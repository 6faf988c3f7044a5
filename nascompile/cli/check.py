"""`nascompile check`: every mistake of some texts, with line, column and a hint."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from nascompile.cli import options
from nascompile.cli.guard import guarded
from nascompile.diagnostics import Diagnostic, NasError
from nascompile.report.structured import to_json
from nascompile.report.terminal import render


@guarded
def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="Texts to check.", show_default=False)],
    set_: options.Set = None,
    config: options.Config = None,
    data: options.Data = None,
    input: options.Input = None,
    json_: options.Json = False,
) -> None:
    """Check texts: syntax, names, shapes, genotypes, tasks and searches. Loads no torch and reads no image."""
    found: list[Diagnostic] = []
    for spec in specs:
        try:
            found += options.compilation(spec, set_, config, data, input).check()
        except NasError as failure:
            found += failure.diagnostics
    if json_:
        print(json.dumps(to_json(found), indent=1))
    elif found:
        print(render(found, color=sys.stderr.isatty()), file=sys.stderr)
    errors = sum(d.severity == "error" for d in dict.fromkeys(found))
    if errors:
        if not json_:
            print(f"\n{errors} error{'s' if errors > 1 else ''}", file=sys.stderr)
        raise typer.Exit(1)
    if not json_:
        print(f"{len(specs)} text{'s' if len(specs) > 1 else ''}: no errors")
