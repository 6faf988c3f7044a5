"""`nascompile surrogate`: fit a predictor to evaluated nets, look at it, test it on others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nascompile import runs
from nascompile.cli import options
from nascompile.cli.guard import guarded, warn

if TYPE_CHECKING:
    from nascompile.search.surrogate.agreement import Agreement
    from nascompile.search.surrogate.model import Surrogate

app = typer.Typer(
    help="Predict what training would give: fit a file to evaluated nets, show it, test it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Runs = Annotated[list[str], typer.Argument(metavar="RUN...", help="Searches that tried genotypes: names or folders.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A surrogate.")]


@app.command()
@guarded
def fit(
    run: Runs,
    target: Annotated[
        str, typer.Option("--target", metavar="MEASURE", help='What to predict: `dice`, "-params / 1M".')
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")] = Path("surrogate.json"),
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the fit.")] = 0,
    data: options.Data = None,
    root: options.Runs = options.RUNS,
) -> None:
    """Fit a surrogate to the nets that searches evaluated, and show how it orders nets that were held out."""
    from nascompile.jobs.surrogates import evaluated, fit_runs
    from nascompile.search.surrogate.boosting import require_library
    from nascompile.search.surrogate.file import write

    require_library()
    made = fit_runs([evaluated(runs.find(root, name), data) for name in run], target, seed=seed)
    write(out, made)
    _print(made)
    print(f"wrote {out}")


@app.command()
@guarded
def show(file: File) -> None:
    """Show a surrogate: what it predicts, of which space, how well it orders held-out nets, what it knows."""
    from nascompile.search.surrogate.file import load

    _print(load(file))


@app.command()
@guarded
def test(
    file: File,
    run: Runs,
    data: options.Data = None,
    root: options.Runs = options.RUNS,
) -> None:
    """Compare a surrogate with nets that it was not fitted to; warns where they are of another space or region."""
    from nascompile.jobs.surrogates import compare, evaluated
    from nascompile.report.tables import show_table
    from nascompile.search.surrogate.file import load

    found = compare(load(file), [evaluated(runs.find(root, name), data) for name in run])
    warn(found.problems)
    rows = [
        *_agreement(found.agreement),
        ["within the 90% interval", f"{found.covered:.0%}"],
        ["outside of what it was fitted to", f"{found.unknown:.0%}"],
        ["nets left out: it was fitted to them", str(found.repeated)],
    ]
    show_table(str(file), ["", "value"], rows, right=["value"])


def _print(found: Surrogate) -> None:
    from nascompile.report.tables import show_table

    held, values = found.held_out, sorted(found.values)
    rows = [
        ["predicts", found.target],
        ["space", found.domain.space],
        ["columns", str(len(found.domain.columns))],
        ["measured", f"{values[0]:.4g} to {values[-1]:.4g}"],
        *_agreement(held.agreement, f"held out in {held.folds} groups: "),
        ["90% interval where members agree", f"+- {found.factor * found.floor:.3g}"],
        *([name, str(value)] for name, value in found.about.items()),
    ]
    show_table("surrogate", ["", "value"], rows)


def _agreement(found: Agreement, prefix: str = "") -> list[list[str]]:
    return [
        [f"{prefix}nets", str(found.nets)],
        [f"{prefix}Spearman's rho", f"{found.spearman:.3f}"],
        [f"{prefix}Kendall's tau", f"{found.kendall:.3f}"],
        [f"{prefix}mean absolute error", f"{found.error:.4g}"],
    ]
