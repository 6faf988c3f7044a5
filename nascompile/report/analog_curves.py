"""What was measured of networks on analog tiles: rows of a table, and the metric over time as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COLOURS = ("#444444", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#66a61e", "#e6ab02", "#a6761d")


def over_time_table(found: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows from what `analog_DEVICE.json` holds: mean and spread over programmings, by time."""
    labels = list(found["times"])
    columns = ["network", "digital", *labels]
    rows = []
    for name, entry in found["entries"].items():
        rows.append([name, _number(entry.get("digital")), *(_spread(entry["times"][label]) for label in labels)])
    return columns, rows


def _spread(at: Mapping[str, Any]) -> str:
    return f"{_number(at['mean'])} ± {_number(at['std'])}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def draw_over_time(found: Mapping[str, Any]) -> str:
    """The same as an SVG picture: a line for each network, bars of one spread, dashes where it is digital."""
    import io

    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib.figure import Figure

    labels = list(found["times"])
    seconds = [found["times"][label] for label in labels]
    with mpl.rc_context({"svg.hashsalt": "nascompile", "font.size": 9}):
        figure = Figure(figsize=(6.4, 3.8), layout="constrained")
        axes = figure.subplots()
        for number, (name, entry) in enumerate(found["entries"].items()):
            colour = _COLOURS[number % len(_COLOURS)]
            at = [entry["times"][label] for label in labels]
            shift = 1 + 0.06 * number  # bars of several networks beside each other
            points = [
                (t * shift, a["mean"], a["std"] or 0.0)
                for t, a in zip(seconds, at, strict=True)
                if a["mean"] is not None
            ]
            if points:
                x, y, spread = zip(*points, strict=True)
                axes.errorbar(
                    x, y, spread, color=colour, marker="o", markersize=3, capsize=2, linewidth=1.2, label=name
                )
            if entry.get("digital") is not None:
                axes.axhline(entry["digital"], color=colour, linestyle=":", linewidth=0.9)
        if min(seconds) > 0:
            axes.set_xscale("log")
        axes.set_xticks(seconds, labels)
        axes.minorticks_off()
        axes.set_xlabel("time after programming")
        axes.set_ylabel(found["metric"])
        axes.set_title(f"{found['task']} on {found['device']}: {found['programmings']} programmings; dotted: digital")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
