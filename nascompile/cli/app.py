"""The command line: one list of commands. Each imports what it needs when it runs; none of these files loads torch."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from nascompile import __version__
from nascompile.cli.check import check
from nascompile.cli.doctor import doctor
from nascompile.cli.evaluate import evaluate
from nascompile.cli.export import export
from nascompile.cli.fmt import fmt
from nascompile.cli.fuse import fuse
from nascompile.cli.import_ import import_
from nascompile.cli.predict import predict
from nascompile.cli.profile import profile
from nascompile.cli.report import report
from nascompile.cli.run import run
from nascompile.cli.runs import runs
from nascompile.cli.search import search
from nascompile.cli.show import show
from nascompile.cli.surrogate import app as surrogate
from nascompile.cli.train import train

DISCLAIMER = "for research, not a medical device"

app = typer.Typer(
    name="nascompile",
    help=f"A compiler for neural architecture search on 2-D and 3-D medical images ({DISCLAIMER}).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"nascompile {__version__} ({DISCLAIMER})")
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for command in (check, fmt, show, search, train, evaluate, run, runs, report, profile, export, predict, fuse, doctor):
    app.command()(command)
app.command("import")(import_)
app.add_typer(surrogate, name="surrogate")


def main() -> None:
    """The entry point `nascompile`."""
    gc.set_threshold(
        100_000, 20, 20
    )  # elaboration makes many small objects and few cycles: a tenth of the time of `check`
    app()


if __name__ == "__main__":
    main()
