"""Drawings of cells as SVG: states as boxes from left to right, operators as labelled arrows."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from nascompile.report.cells import Arrow, Cell

_COLUMN, _ROW = 190, 74
_WIDTH, _HEIGHT = 62, 28
_MARGIN = 24
_STYLE = """
  text { font: 12px sans-serif; fill: #222; text-anchor: middle; dominant-baseline: central }
  .state { fill: #dbe9f6; stroke: #3b6ea5 } .input { fill: #e4f1dc; stroke: #5c8f3c }
  .output { fill: #fbe3cf; stroke: #c4762d }
  .arrow { fill: none; stroke: #555; marker-end: url(#head) }
  .join { fill: none; stroke: #c4762d; stroke-dasharray: 4 3 }
  .label { font-size: 11px; fill: #333; paint-order: stroke; stroke: #fff; stroke-width: 4px }
  .name { font-size: 14px; font-weight: bold }
"""


@dataclass(frozen=True, slots=True)
class _Box:
    """A box by its centre."""

    x: float
    y: float
    width: float = _WIDTH
    height: float = _HEIGHT

    def meets(self, other: _Box) -> bool:
        """Whether the two overlap."""
        apart = 2 * abs(self.x - other.x) >= self.width + other.width
        return not apart and 2 * abs(self.y - other.y) < self.height + other.height


def svg(cell: Cell) -> str:
    """One cell as a stand-alone SVG text; the same cell gives the same text."""
    boxes = _layout(cell)
    height = max(box.y for box in boxes.values()) + _HEIGHT / 2 + _MARGIN
    width = max(box.x for box in boxes.values()) + _WIDTH / 2 + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>',
        f'<text class="name" x="{width / 2:.0f}" y="{_MARGIN / 2 + 4:.0f}">{escape(cell.name)}</text>',
    ]
    for state in cell.outputs:
        parts.append(f'<path class="join" d="{_curve(boxes[state], boxes["output"], 0)}"/>')
    labels = []
    taken = list(boxes.values())
    for arrow, bend in _bent(cell.arrows):
        start, end = boxes[arrow.source], boxes[arrow.target]
        parts.append(f'<path class="arrow" d="{_curve(start, end, bend)}"/>')
        place = _label_place(_label(arrow), start, end, bend, taken)
        taken.append(place)
        labels.append(f'<text class="label" x="{place.x:.1f}" y="{place.y:.1f}">{escape(_label(arrow))}</text>')
    targets = {arrow.target for arrow in cell.arrows}
    for state, box in boxes.items():
        kind = "output" if state == "output" else "state" if state in targets else "input"
        x, y = box.x - _WIDTH / 2, box.y - _HEIGHT / 2
        parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{_WIDTH}" height="{_HEIGHT}" rx="5"/>'
            f'<text x="{box.x:.1f}" y="{box.y:.1f}">{escape(state)}</text>'
        )
    return "\n".join([*parts, *labels, "</svg>"]) + "\n"


def _label(arrow: Arrow) -> str:
    return (
        arrow.operators[0]
        if len(arrow.operators) == 1
        else f"{len(arrow.operators)} operators"
        if arrow.operators
        else ""
    )


def _layout(cell: Cell) -> dict[str, _Box]:
    """Column: the longest way from an input. Row: alternating around the middle, so that arrows do not pass boxes."""
    column = {state: 0 for state in cell.states}
    for _ in cell.states:
        for arrow in cell.arrows:
            column[arrow.target] = min(max(column[arrow.target], column[arrow.source] + 1), len(cell.states))
    columns: dict[int, list[str]] = {}
    for state in cell.states:
        columns.setdefault(column[state], []).append(state)
    last = max(columns) + 1
    tallest = max(len(states) for states in columns.values())
    middle = _MARGIN + 16 + _HEIGHT / 2 + (tallest * _ROW) / 2
    boxes = {}
    for number, states in columns.items():
        offset = -((len(states) - 1) * _ROW) / 2
        if number and len(states) == 1:
            offset = -_ROW / 2 if number % 2 else _ROW / 2
        for row, state in enumerate(states):
            boxes[state] = _Box(_MARGIN + _WIDTH / 2 + number * _COLUMN, middle + offset + row * _ROW)
    boxes["output"] = _Box(_MARGIN + _WIDTH / 2 + last * _COLUMN, middle)
    return boxes


def _bent(arrows: tuple[Arrow, ...]) -> list[tuple[Arrow, float]]:
    """Arrows with a bend that tells parallel ones apart."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for arrow in arrows:
        number = seen.get((arrow.source, arrow.target), 0)
        seen[arrow.source, arrow.target] = number + 1
        found.append((arrow, (number + 1) // 2 * 26.0 * (-1 if number % 2 else 1)))
    return found


def _label_place(text: str, start: _Box, end: _Box, bend: float, taken: list[_Box]) -> _Box:
    """A place on the arrow that nothing takes; the first that was tried, if there is none."""
    tried = []
    for share in (0.4, 0.5, 0.32, 0.6, 0.25, 0.68, 0.75):
        x, y = _point(start, end, bend, share)
        tried.append(_Box(x, y, 6.0 * len(text) + 4, 13))
        if not any(tried[-1].meets(other) for other in taken):
            return tried[-1]
    return tried[0]


def _point(start: _Box, end: _Box, bend: float, t: float) -> tuple[float, float]:
    """A point of the Bezier curve that `_curve` writes."""
    x0, x3 = start.x + _WIDTH / 2, end.x - _WIDTH / 2
    reach = (x3 - x0) * 0.45
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    xs, ys = (x0, x0 + reach, x3 - reach, x3), (start.y, start.y + bend, end.y + bend, end.y)
    return sum(w * x for w, x in zip(weights, xs, strict=True)), sum(w * y for w, y in zip(weights, ys, strict=True))


def _curve(start: _Box, end: _Box, bend: float) -> str:
    x0, x1 = start.x + _WIDTH / 2, end.x - _WIDTH / 2
    reach = (x1 - x0) * 0.45
    return (
        f"M{x0:.1f} {start.y:.1f} C{x0 + reach:.1f} {start.y + bend:.1f} "
        f"{x1 - reach:.1f} {end.y + bend:.1f} {x1:.1f} {end.y:.1f}"
    )
