"""Pictures of a run: its curves and its cells, as SVG files that the same run gives again byte for byte."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nascompile.files import write_text
from nascompile.ir.program import Program
from nascompile.report.cells import cells_of
from nascompile.report.drawing import svg
from nascompile.runs import Run

if TYPE_CHECKING:
    from nascompile.space.genotype import Genotype

_NOT_DRAWN = {"step", "epoch", "rate", "genotype", "loss", "alpha_loss"}


def draw_run(run: Run, program: Program | None, genotype: Genotype) -> None:
    """Write `curves.svg`, and where `program`, the open space, is given `cell_NAME.svg` for the genotype's cells."""
    if program is not None:
        for cell in cells_of(program, genotype.values):
            write_text(run.path(f"cell_{cell.name}.svg"), svg(cell))
    tables = {"search": run.path("metrics.csv")}
    trainings = run.path("train")
    for folder in sorted(trainings.iterdir()) if trainings.is_dir() else ():
        tables[folder.name.replace("_", " ")] = folder / "metrics.csv"
    curves = {title: t for name, path in tables.items() if path.is_file() for title, t in _read(name, path).items()}
    if curves:
        write_text(run.path("curves.svg"), _draw(curves))


def _read(title: str, path: Path) -> dict[str, dict[str, list[float | None]]]:
    """The columns of a table; those of each stage of a search, which count their steps from 0, for themselves."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, dict[str, list[float | None]]] = {}
    for row in rows:
        stage = row.pop("stage", "")
        table = found.setdefault(f"{title} {stage}" if stage else title, {name: [] for name in row})
        for name, text in row.items():
            table[name].append(_number(text))
    return found


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _draw(curves: dict[str, dict[str, list[float | None]]]) -> str:
    import io

    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "nascompile", "font.size": 9}):
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        losses, scores = figure.subplots(1, 2)
        for name, table in curves.items():
            steps = table.get("step", [])
            for column, style in (("loss", "-"), ("alpha_loss", "--")):
                _line(losses, steps, table.get(column), f"{name} {column.replace('_', ' ')}", style)
            for column in table:
                if column not in _NOT_DRAWN:
                    _line(scores, steps, table[column], f"{name} {column}", "-")
        for axes, title in ((losses, "loss"), (scores, "validation")):
            axes.set_title(title)
            axes.set_xlabel("step")
            axes.grid(alpha=0.3)
            if axes.lines:
                axes.legend(fontsize=7)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _line(axes: Any, steps: list[float | None], values: list[float | None] | None, label: str, style: str) -> None:
    points = [(x, y) for x, y in zip(steps, values or (), strict=False) if x is not None and y is not None]
    if points:
        axes.plot([x for x, _ in points], [y for _, y in points], style, label=label, linewidth=1.2)
