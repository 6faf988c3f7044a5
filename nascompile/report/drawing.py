"""Cells as drawings: states as boxes from left to right, operators as labelled arrows."""

from __future__ import annotations

from nascompile.report.canvas import Box, Curve, Drawing, Label, svg_text
from nascompile.report.cells import Arrow, Cell

_COLUMN, _ROW = 190, 74
_WIDTH, _HEIGHT = 62, 28
_MARGIN = 24


def svg(cell: Cell) -> str:
    """One cell as a stand-alone SVG text; the same cell gives the same text."""
    return svg_text(draw_cell(cell))


def draw_cell(cell: Cell) -> Drawing:
    """Inputs left, states by the longest way from an input, the output right, dashed lines to what it joins."""
    boxes = _layout(cell)
    height = max(box.y for box in boxes.values()) + _HEIGHT / 2 + _MARGIN
    width = max(box.x for box in boxes.values()) + _WIDTH / 2 + _MARGIN
    curves = [
        Curve(_curve(boxes[state], boxes["output"], 0), "join", "#c4762d") for state in cell.outputs
    ]  # fmt: skip
    labels = []
    taken = list(boxes.values())
    for arrow, bend in _bent(cell.arrows):
        start, end = boxes[arrow.source], boxes[arrow.target]
        bend += _around(start, end, list(boxes.values()))
        curves.append(Curve(_curve(start, end, bend)))
        place = _label_place(_label(arrow), start, end, bend, taken)
        taken.append(place)
        labels.append(Label(place.x, place.y, _label(arrow)))
    title = Label(width / 2, _MARGIN / 2 + 4, cell.name, "name")
    return Drawing(width, height, tuple(boxes.values()), tuple(curves), (title, *labels))


def _around(start: Box, end: Box, boxes: list[Box]) -> float:
    """A bend past the boxes that stand between two in one row: away from the middle."""
    if start.y != end.y or not any(start.x < box.x < end.x and box.y == start.y for box in boxes):
        return 0.0
    return 44.0 if 2 * start.y > min(box.y for box in boxes) + max(box.y for box in boxes) else -44.0


def _label(arrow: Arrow) -> str:
    return (
        arrow.operators[0]
        if len(arrow.operators) == 1
        else f"{len(arrow.operators)} operators"
        if arrow.operators
        else ""
    )


def _layout(cell: Cell) -> dict[str, Box]:
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
    targets = {arrow.target for arrow in cell.arrows}
    boxes = {}
    for number, states in columns.items():
        offset = -((len(states) - 1) * _ROW) / 2
        if number and len(states) == 1:
            offset = -_ROW / 2 if number % 2 else _ROW / 2
        for row, state in enumerate(states):
            kind = "state" if state in targets else "input"
            boxes[state] = _box(number, middle + offset + row * _ROW, state, kind)
    boxes["output"] = _box(last, middle, "output", "output")
    return boxes


def _box(column: int, y: float, text: str, kind: str) -> Box:
    return Box(_MARGIN + _WIDTH / 2 + column * _COLUMN, y, _WIDTH, _HEIGHT, (text,), kind)


def _bent(arrows: tuple[Arrow, ...]) -> list[tuple[Arrow, float]]:
    """Arrows with a bend that tells parallel ones apart."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for arrow in arrows:
        number = seen.get((arrow.source, arrow.target), 0)
        seen[arrow.source, arrow.target] = number + 1
        found.append((arrow, (number + 1) // 2 * 26.0 * (-1 if number % 2 else 1)))
    return found


def _label_place(text: str, start: Box, end: Box, bend: float, taken: list[Box]) -> Box:
    """A place on the arrow that nothing takes; the first that was tried, if there is none."""
    tried = []
    for share in (0.4, 0.5, 0.32, 0.6, 0.25, 0.68, 0.75):
        x, y = _point(start, end, bend, share)
        tried.append(Box(x, y, 6.0 * len(text) + 4, 13, (text,)))
        if not any(tried[-1].meets(other) for other in taken):
            return tried[-1]
    return tried[0]


def _point(start: Box, end: Box, bend: float, t: float) -> tuple[float, float]:
    """A point of the Bezier curve of an arrow."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    points = _curve(start, end, bend)
    return tuple(sum(w * p[axis] for w, p in zip(weights, points, strict=True)) for axis in (0, 1))  # type: ignore[return-value]


def _curve(start: Box, end: Box, bend: float) -> tuple[tuple[float, float], ...]:
    x0, x1 = start.x + _WIDTH / 2, end.x - _WIDTH / 2
    reach = (x1 - x0) * 0.45
    return (x0, start.y), (x0 + reach, start.y + bend), (x1 - reach, end.y + bend), (x1, end.y)
