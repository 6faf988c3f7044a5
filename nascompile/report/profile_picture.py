"""A profile as SVG: the time of each layer as a bar, and the roofline of all layers (Williams et al., CACM 2009)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

WIDTH = 900
BARS = 40
"""Layers with a bar of their own, the slowest; the others are one bar."""
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")


def svg(found: Sequence[Mapping[str, Any]]) -> str:
    """The picture of networks whose figures have layers. Without predicted times, multiply-accumulates take their
    place and the roofline is left out."""
    parts: list[str] = []
    y = 0.0
    for figures in found:
        part, height = _bars(figures, y)
        parts.append(part)
        y += height
        if any("ms" in row for row in figures["layers"]):
            part, height = _roofline(figures, y)
            parts.append(part)
            y += height
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}" '
        f'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _colour(layer: str, layers: Sequence[str]) -> str:
    return COLOURS[min(layers.index(layer) if layer in layers else 99, len(COLOURS) - 1)]


def _kinds(rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    """Layers by what they cost together, dearest first."""
    total: dict[str, float] = {}
    for row in rows:
        total[row["layer"]] = total.get(row["layer"], 0.0) + row[key]
    return sorted(total, key=lambda name: -total[name])


def _bars(figures: Mapping[str, Any], top: float) -> tuple[str, float]:
    rows = figures["layers"]
    key, unit = ("ms", "ms") if any("ms" in row for row in rows) else ("macs", "MACs")
    kinds = _kinds(rows, key)
    slowest = sorted(rows, key=lambda row: -row[key])[:BARS]
    shown = [row for row in rows if any(row is s for s in slowest) and row[key] > 0]
    rest = sum(row[key] for row in rows) - sum(row[key] for row in shown)
    bars = [(row["path"], row["layer"], float(row[key])) for row in shown]
    if rest > 0:
        bars.append(("all others", "", float(rest)))
    largest = max((value for _, _, value in bars), default=1.0) or 1.0
    title = f"{figures['name']}: {unit} of each layer" + (" (predicted)" if key == "ms" else "")
    lines = [_text(10, top + 20, title, size=14)]
    y = top + 32
    for path, layer, value in bars:
        wide = 500 * value / largest
        lines.append(_text(290, y + 10, path if len(path) < 48 else f"...{path[-45:]}", "end"))
        lines.append(f'<rect x="296" y="{y:.1f}" width="{wide:.1f}" height="11" fill="{_colour(layer, kinds)}"/>')
        lines.append(_text(300 + wide, y + 10, f"{value:.3g} {layer}"))
        y += 15
    return "\n".join(lines), y - top + 16


def _roofline(figures: Mapping[str, Any], top: float) -> tuple[str, float]:
    points = [
        (2 * row["macs"] / row["bytes"], 2 * row["macs"] / row["ms"] / 1e6, row)
        for row in figures["layers"]
        if row["macs"] > 0 and row.get("ms", 0) > 0
    ]
    if not points:
        return "", 0.0
    moved = max(row["bytes"] / row["ms"] / 1e6 for row in figures["layers"] if row.get("ms", 0) > 0)
    peak = max(y for _, y, _ in points)
    left, right = floor(log10(min(x for x, _, _ in points))), ceil(log10(max(x for x, _, _ in points)) + 0.01)
    low, high = floor(log10(min(y for _, y, _ in points))), ceil(log10(peak) + 0.01)
    height, width, x0, y0 = 300.0, 700.0, 90.0, top + 40

    def place(x: float, y: float) -> tuple[float, float]:
        u = (log10(x) - left) / max(right - left, 1)
        v = (log10(y) - low) / max(high - low, 1)
        return x0 + width * u, y0 + height * (1 - v)

    lines = [_text(10, top + 20, f"{figures['name']}: roofline, GFLOP/s over FLOP a byte (predicted)", size=14)]
    lines.append(f'<rect x="{x0}" y="{y0}" width="{width}" height="{height}" fill="none" stroke="#888888"/>')
    for e in range(left, right + 1):
        x, _ = place(10.0**e, 10.0**low)
        lines.append(_text(x, y0 + height + 14, f"{10.0**e:g}", "middle"))
    for e in range(low, high + 1):
        _, y = place(10.0**left, 10.0**e)
        lines.append(_text(x0 - 6, y + 4, f"{10.0**e:g}", "end"))
    corner = min(max(peak / moved, 10.0**left), 10.0**right)
    start = max(10.0**left, 10.0**low / moved)
    roof = [place(start, min(peak, start * moved)), place(corner, min(peak, corner * moved)), place(10.0**right, peak)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in roof)
    lines.append(f'<polyline points="{path}" fill="none" stroke="#333333" stroke-dasharray="4 3"/>')
    kinds = _kinds(figures["layers"], "ms")
    total = sum(row["ms"] for _, _, row in points)
    for x, y, row in points:
        u, v = place(x, y)
        radius = 2 + 14 * (row["ms"] / total) ** 0.5
        title = f"<title>{escape(row['path'])}: {row['ms']:.4f} ms</title>"
        colour = _colour(row["layer"], kinds)
        lines.append(
            f'<circle cx="{u:.1f}" cy="{v:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="0.6">{title}</circle>'
        )
    return "\n".join(lines), height + 80
