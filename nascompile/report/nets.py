"""Whole networks as drawings and as lines: blocks in columns, links between them, skips as arcs."""

from __future__ import annotations

from collections.abc import Mapping

from nascompile.report.blocks import INPUT, Link, Net
from nascompile.report.canvas import Box, Curve, Drawing, Label
from nascompile.report.layout import Layout, Place, lay_out

PALETTE = ("#3b6ea5", "#c4762d", "#5c8f3c", "#a03c78", "#8a6d3b", "#2c8c8c", "#7a5bb5", "#b5483b")
_GREY = "#777777"
_MARGIN, _TITLE = 20.0, 26.0


def draw_net(net: Net, title: str | None = None) -> Drawing:
    """One picture; what a genotype drops is faint, what it keeps is bold."""
    layout = lay_out(net)
    columns = 1 + max(x for x, _ in layout.places.values())
    width, height = (62.0, 32.0) if layout.lattice else (86.0, 46.0)
    across, down = width + (44 if layout.lattice else 30), height + (44 if layout.lattice else 26)
    links = _distinct(layout.net.links)
    labels = sorted(
        {link.label for link in links if link.label and link.is_kept is not False and _in_lattice(link, layout)}
    )
    colours = dict(zip(labels, PALETTE * (1 + len(labels) // len(PALETTE)), strict=False))
    busy = _busy(layout)
    top = _MARGIN + _TITLE + (16 if colours else 0) + 26
    boxes = {}
    for name, (x, y) in layout.places.items():
        block = layout.net.blocks[name]
        shape = " ".join(part for part in (block.channels, "x" if block.sides else "", block.size) if part)
        lines = (name, *([_short(block.contents)] if not layout.lattice and block.contents else ()), shape)
        named = tuple(line for line in lines if line and not (name in layout.lattice and line.count(",") > 1))
        kind = "input" if name == INPUT else "output" if name in _ends(net) else "state" if name in busy else "idle"
        boxes[name] = Box(_MARGIN + width / 2 + x * across, top + height / 2 + y * down, width, height, named, kind)
    curves = [
        _curve(link, layout, boxes, _colour(link, layout, busy, colours)) for link in sorted(links, key=_importance)
    ]
    total = 2 * _MARGIN + columns * across - (across - width)
    titles = [Label(total / 2, _MARGIN, title or net.name, "name"), *_legend(colours, total)]
    bottom = max(box.y for box in boxes.values()) + height / 2 + _MARGIN
    return Drawing(max(total, _legend_width(colours)), bottom, tuple(boxes.values()), tuple(curves), tuple(titles))


def _distinct(links: tuple[Link, ...]) -> list[Link]:
    """Of two links between the same blocks, the one that is the main way."""
    main = {(link.source, link.target) for link in links if link.is_main}
    return [link for link in links if link.is_main or (link.source, link.target) not in main]


def _short(contents: tuple[str, ...]) -> str:
    return ", ".join(contents[:2]) + ("…" if len(contents) > 2 else "")


def _ends(net: Net) -> set[str]:
    return set(net.blocks) - {link.source for link in net.links}


def _in_lattice(link: Link, layout: Layout) -> bool:
    return link.source in layout.lattice and link.target in layout.lattice and link.is_main


def _colour(link: Link, layout: Layout, busy: set[str], colours: Mapping[str, str]) -> str:
    if link.is_kept is False or link.source not in busy:
        return "#cccccc"
    return colours.get(link.label, _GREY) if _in_lattice(link, layout) else _GREY


def _importance(link: Link) -> int:
    """Kept links are drawn over dropped ones."""
    return {False: 0, None: 1, True: 2}[link.is_kept]


def _busy(layout: Layout) -> set[str]:
    """Blocks that a genotype's links reach; all of them where nothing is decided."""
    found = {INPUT}
    for name in layout.net.blocks:
        into = [link for link in layout.net.links if link.target == name]
        if not into or any(link.source in found and link.is_kept is not False for link in into):
            found.add(name)
    return found


def _legend_width(colours: dict[str, str]) -> float:
    return 2 * _MARGIN + sum(7.0 * len(label) + 16 for label in colours)


def _legend(colours: dict[str, str], total: float) -> list[Label]:
    found = []
    x = max(_MARGIN, (total - _legend_width(colours)) / 2 + _MARGIN)
    for label, colour in colours.items():
        width = 7.0 * len(label) + 16
        found.append(Label(x + width / 2, _MARGIN + _TITLE, label, "label", colour))
        x += width
    return found


def _curve(link: Link, layout: Layout, boxes: dict[str, Box], colour: str) -> Curve:
    """A flat S between neighbours, an arc over what stands between two blocks of one row."""
    start, end = boxes[link.source], boxes[link.target]
    (x0, y0), (x1, y1) = layout.places[link.source], layout.places[link.target]
    kind = "faint" if link.is_kept is False else "arrow" if link.is_main else "join"
    width = 2.4 if link.is_kept else 1.6 if _in_lattice(link, layout) and link.is_kept is None else 1.0
    if x0 == x1:
        way = 1 if y1 > y0 else -1
        a, b = (start.x, start.y + way * start.height / 2), (end.x, end.y - way * end.height / 2)
        return Curve((a, (a[0], (a[1] + b[1]) / 2), (b[0], (a[1] + b[1]) / 2), b), kind, colour, width)
    if y0 == y1 and _is_between(layout, (x0, y0), x1):
        rise = 16 + 5 * min(abs(x1 - x0), 6)
        a, b = (start.x + 8, start.y - start.height / 2), (end.x - 8, end.y - end.height / 2)
        return Curve((a, (a[0] + 12, a[1] - rise), (b[0] - 12, b[1] - rise), b), kind, colour, width)
    if not link.is_main and y1 > y0 and x1 - x0 > 1:  # down first: the way of the main links lies between
        a, b = (start.x, start.y + start.height / 2), (end.x - end.width / 2, end.y + 6)
        return Curve((a, (a[0], (a[1] + b[1]) / 2 + 30), (a[0] + 10, b[1]), b), kind, colour, width)
    a, b = (start.x + start.width / 2, start.y), (end.x - end.width / 2, end.y)
    reach = min(abs(b[0] - a[0]) * 0.5, 60)
    return Curve((a, (a[0] + reach, a[1]), (b[0] - reach, b[1]), b), kind, colour, width)


def _is_between(layout: Layout, place: Place, to: int) -> bool:
    return any((x, place[1]) in set(layout.places.values()) for x in range(place[0] + 1, to))


# --- lines ---


def net_lines(net: Net) -> list[str]:
    """A lattice as a grid, `o` where a block is, `.` where a genotype has none; another net as one line a block."""
    layout = lay_out(net)
    if layout.lattice:
        return _grid(layout)
    into = {name: dict.fromkeys(link.source for link in net.links if link.target == name) for name in net.blocks}
    wide = max(map(len, net.blocks))
    inner = max(len(_short(block.contents)) for block in net.blocks.values())
    return [
        f"  {'  ' * y}{name:{wide}} {_short(block.contents):{inner}}  {block.channels} x {block.size or 1}"
        + (f"  <- {', '.join(into[name])}" if into[name] else "")
        for name, block in net.blocks.items()
        for y in [layout.places[name][1]]
    ]


def _grid(layout: Layout) -> list[str]:
    """Two characters between columns: `--`, and `\\`, `/` or `X` between rows."""
    places = layout.places
    busy = _busy(layout)
    rows = 1 + max(y for _, y in places.values())
    columns = 1 + max(x for x, _ in places.values())
    page = [[" "] * (3 * columns) for _ in range(2 * rows - 1)]
    for link in layout.net.links:
        (x0, y0), (x1, y1) = places[link.source], places[link.target]
        if link.is_kept is False or not link.is_main:
            continue
        if y0 == y1:
            for x in range(3 * x0 + 1, 3 * x1):
                page[2 * y0][x] = "-"
        elif abs(y0 - y1) == 1 and x1 - x0 == 1:
            mark = "\\" if y1 > y0 else "/"
            spot = page[2 * min(y0, y1) + 1]
            spot[3 * x0 + 1] = mark if spot[3 * x0 + 1] in (" ", mark) else "X"
        elif x0 == x1:
            page[2 * min(y0, y1) + 1][3 * x0] = "|"
    for name, (x, y) in places.items():
        page[2 * y][3 * x] = "." if name not in busy else "o" if name in layout.lattice else "#"
    return ["  " + "".join(line).rstrip() for line in page]
