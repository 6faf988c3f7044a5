"""Points and curves as SVG texts for a page: no library, no fonts, the same data give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

_WIDTH, _HEIGHT = 560, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 14, 46


@dataclass(frozen=True, slots=True)
class Dot:
    """A point with what a reader sees when pointing at it; `key` finds its details on the page."""

    x: float
    y: float
    kind: str
    title: str
    key: str


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float

    @staticmethod
    def over(values: Sequence[float], start: float, end: float) -> _Axis:
        low, high = min(values), max(values)
        margin = (high - low) * 0.06 or abs(low) * 0.1 or 1.0
        return _Axis(low - margin, high + margin, start, end)

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values, four to nine of them."""
        rough = (self.high - self.low) / 5
        unit = 10.0 ** floor(log10(rough))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
        first = int(self.low / step) - 1
        return [k * step for k in range(first, first + 14) if self.low <= k * step <= self.high]


def scatter(dots: Sequence[Dot], x_name: str, y_name: str, stairs: Sequence[tuple[float, float]] = ()) -> str:
    """Dots over two axes; `stairs` is the line through a front, in the order of x."""
    x, y = _axes([d.x for d in dots], [d.y for d in dots])
    parts = _frame(x, y, x_name, y_name, f"{y_name} against {x_name}")
    if stairs:
        parts.append(f'<polyline class="front" points="{_points(stairs, x, y)}"/>')
    for dot in dots:
        place = f'cx="{x.at(dot.x):.1f}" cy="{y.at(dot.y):.1f}"'
        parts.append(
            f'<circle class="dot {escape(dot.kind)}" data-trial="{escape(dot.key)}" tabindex="0" {place} r="5">'
            f"<title>{escape(dot.title)}</title></circle>"
        )
    return "\n".join([*parts, "</svg>"])


def curve(values: Sequence[float], x_name: str, y_name: str) -> str:
    """A line through values at 0, 1, 2, ..."""
    x, y = _axes([0.0, max(len(values) - 1.0, 1.0)], values)
    parts = _frame(x, y, x_name, y_name, f"{y_name} over {x_name}")
    parts.append(f'<polyline class="line" points="{_points(enumerate(values), x, y)}"/>')
    return "\n".join([*parts, "</svg>"])


def _axes(xs: Sequence[float], ys: Sequence[float]) -> tuple[_Axis, _Axis]:
    return _Axis.over(xs, _LEFT, _WIDTH - _RIGHT), _Axis.over(ys, _HEIGHT - _BOTTOM, _TOP)


def _points(pairs: Iterable[tuple[float, float]], x: _Axis, y: _Axis) -> str:
    return " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in pairs)


def _frame(x: _Axis, y: _Axis, x_name: str, y_name: str, label: str) -> list[str]:
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">']
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in x.ticks():
        at = x.at(tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" y1="{_TOP}" x2="{at:.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{_short(tick)}</text>')
    for tick in y.ticks():
        at = y.at(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    middle, centre = (_LEFT + right) / 2, (_TOP + bottom) / 2
    parts.append(f'<text class="name" x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_name)}</text>')
    turned = f'transform="translate(14 {centre}) rotate(-90)"'
    parts.append(f'<text class="name" {turned} text-anchor="middle">{escape(y_name)}</text>')
    return parts


def _short(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"
