"""What drawings are made of (boxes, curves, labels), as SVG text and as pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from nascompile.files import written_whole

COLOURS = {"state": ("#dbe9f6", "#3b6ea5"), "input": ("#e4f1dc", "#5c8f3c"), "output": ("#fbe3cf", "#c4762d"),
           "idle": ("#f4f4f4", "#bbbbbb")}  # fmt: skip
"""Fill and edge of a box, by its kind."""
_GAP = 24.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rounded box by its centre, with lines of text; the first is its name."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    kind: str = "state"

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        apart = 2 * abs(self.x - other.x) >= self.width + other.width
        return not apart and 2 * abs(self.y - other.y) < self.height + other.height


@dataclass(frozen=True, slots=True)
class Curve:
    """A cubic Bezier curve; `kind` is `arrow`, `join` (dashed) or `faint` (an edge that a genotype drops)."""

    points: tuple[tuple[float, float], ...]
    kind: str = "arrow"
    colour: str = "#555555"
    width: float = 1.2


@dataclass(frozen=True, slots=True)
class Label:
    """Text by its centre; `kind` is `label` (of an arrow) or `name` (a title)."""

    x: float
    y: float
    text: str
    kind: str = "label"
    colour: str = "#333333"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture in its own coordinates, from (0, 0) to (width, height)."""

    width: float
    height: float
    boxes: tuple[Box, ...] = ()
    curves: tuple[Curve, ...] = ()
    labels: tuple[Label, ...] = ()


def stacked(drawings: Sequence[Drawing]) -> Drawing:
    """One drawing with the given ones below each other."""
    top = 0.0
    boxes: list[Box] = []
    curves: list[Curve] = []
    labels: list[Label] = []
    for each in drawings:
        boxes += [replace(b, y=b.y + top) for b in each.boxes]
        curves += [replace(c, points=tuple((x, y + top) for x, y in c.points)) for c in each.curves]
        labels += [replace(t, y=t.y + top) for t in each.labels]
        top += each.height + _GAP
    width = max((d.width for d in drawings), default=0.0)
    return Drawing(width, max(top - _GAP, 0.0), tuple(boxes), tuple(curves), tuple(labels))


_STYLE = """
text{font:11px sans-serif;fill:#222;text-anchor:middle;dominant-baseline:central}
.label{paint-order:stroke;stroke:#fff;stroke-width:4px}.name{font-size:14px;font-weight:bold}.b{font-weight:bold}
.arrow,.join,.faint{fill:none}.join{stroke-dasharray:4 3}.faint{stroke-dasharray:2 3}
"""


def svg_text(drawing: Drawing) -> str:
    """A stand-alone SVG text; the same drawing gives the same text."""
    size = f'width="{drawing.width:.0f}" height="{drawing.height:.0f}"'
    kinds = "".join(f".{kind}{{fill:{fill};stroke:{edge}}}" for kind, (fill, edge) in COLOURS.items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}">',
        f"<style>{_STYLE}{kinds}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>',
        f'<rect {size} fill="#fff"/>',
    ]
    for curve in drawing.curves:
        head = ' marker-end="url(#head)"' if curve.kind == "arrow" else ""
        stroke = f'stroke="{curve.colour}" stroke-width="{curve.width:g}"'
        parts.append(f'<path class="{curve.kind}" {stroke}{head} d="{_path(curve)}"/>')
    for box in drawing.boxes:
        corner = f'x="{box.x - box.width / 2:.1f}" y="{box.y - box.height / 2:.1f}"'
        parts.append(f'<rect class="{box.kind}" {corner} width="{box.width:g}" height="{box.height:g}" rx="5"/>')
        for line, (text, y) in enumerate(_lines(box)):
            bold = ' class="b"' if line == 0 and len(box.lines) > 1 else ""
            parts.append(f'<text{bold} x="{box.x:.1f}" y="{y:.1f}">{escape(text)}</text>')
    for label in drawing.labels:
        fill = "" if label.colour == "#333333" else f' style="fill:{label.colour}"'
        place = f'x="{label.x:.1f}" y="{label.y:.1f}"'
        parts.append(f'<text class="{label.kind}"{fill} {place}>{escape(label.text)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def write_png(drawing: Drawing, path: Path, scale: float = 2.0) -> None:
    """The same as pixels, `scale` of them for each unit; written beside `path` first, then renamed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
    from matplotlib.path import Path as Line
    from matplotlib.patheffects import withStroke

    figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), dpi=72 * scale)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, drawing.width), ylim=(drawing.height, 0))
    axes.set_axis_off()
    dashes = {"join": "--", "faint": ":"}
    for curve in drawing.curves:
        codes = [Line.MOVETO, Line.CURVE4, Line.CURVE4, Line.CURVE4]
        axes.add_patch(
            FancyArrowPatch(
                path=Line(list(curve.points), codes),
                arrowstyle="-|>" if curve.kind == "arrow" else "-",
                mutation_scale=7,
                color=curve.colour,
                linewidth=curve.width,
                linestyle=dashes.get(curve.kind, "-"),
                shrinkA=0,
                shrinkB=0,
            )
        )
    for box in drawing.boxes:
        fill, edge = COLOURS[box.kind]
        corner = (box.x - box.width / 2, box.y - box.height / 2)
        style = "round,pad=0,rounding_size=5"
        axes.add_patch(FancyBboxPatch(corner, box.width, box.height, boxstyle=style, fc=fill, ec=edge, zorder=3))
        for line, (text, y) in enumerate(_lines(box)):
            weight = "bold" if line == 0 and len(box.lines) > 1 else "normal"
            axes.text(box.x, y, text, ha="center", va="center", fontsize=8.5, weight=weight, zorder=4)
    white = [withStroke(linewidth=3, foreground="white")]
    for label in drawing.labels:
        size, weight = (11, "bold") if label.kind == "name" else (8.5, "normal")
        shown = axes.text(label.x, label.y, label.text, ha="center", va="center", path_effects=white, zorder=5)
        shown.set(fontsize=size, weight=weight, color=label.colour)
    with written_whole(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))  # type: ignore[no-untyped-call]


def _lines(box: Box) -> list[tuple[str, float]]:
    """The lines of a box with their heights."""
    first = box.y - (len(box.lines) - 1) * 6.5
    return [(text, first + 13 * number) for number, text in enumerate(box.lines)]


def _path(curve: Curve) -> str:
    (x, y), *rest = curve.points
    return f"M{x:.1f} {y:.1f}C" + " ".join(f"{u:.1f} {v:.1f}" for u, v in rest)
