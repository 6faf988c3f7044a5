"""Where the blocks of a network stand: a lattice by its two indices, or columns by depth and rows by resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nascompile.report.blocks import INPUT, Block, Link, Net

Place = tuple[int, int]
"""(column, row), from 0."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of blocks, and the links to draw; `lattice` has the names of the blocks that stand by their indices."""

    net: Net
    places: Mapping[str, Place]
    lattice: frozenset[str]


def lay_out(net: Net) -> Layout:
    """A lattice if blocks with two indices are woven and no link goes back; else by depth and resolution.

    Blocks between two blocks of a lattice become links; a value that only they name becomes a block without a name.
    """
    counts: dict[str, int] = {}
    for block in net.blocks.values():
        if len(block.indices) == 2:
            counts[block.family] = counts.get(block.family, 0) + 1
    for family in sorted(counts, key=lambda name: -counts[name])[:1]:
        found = _lattice(net, family) if counts[family] >= 4 else None
        if found is not None:
            return found
    columns: dict[str, int] = {}
    for name in net.blocks:
        columns[name] = max((columns[s] + 1 for s in _sources(net, name) if s in columns), default=0)
    return Layout(net, _ranked(columns, _rows(net, columns)), frozenset())


def _sources(net: Net, name: str) -> list[str]:
    return [link.source for link in net.links if link.target == name]


def _lattice(net: Net, family: str) -> Layout | None:
    members = {name: block for name, block in net.blocks.items() if block.family == family and len(block.indices) == 2}
    level = min((1, 0), key=lambda index: _spread(list(members.values()), index))
    columns = {name: block.indices[1 - level] for name, block in members.items()}
    net, columns = _with_edges(net, columns)
    lattice = frozenset(columns)
    inside = {(link.source, link.target) for link in net.links if {link.source, link.target} <= lattice}
    is_chain = len(inside) < len(lattice)
    if is_chain or len(set(columns.values())) < 2 or len({block.sides for block in members.values()}) < 2:
        return None
    _place_others(net, columns, lattice)
    if any(columns[link.source] > columns[link.target] for link in net.links):
        return None
    return Layout(net, _ranked(columns, _rows(net, columns)), lattice)


def _spread(members: Sequence[Block], index: int) -> int:
    """How many values of an index stand for more than one resolution."""
    sides: dict[int, set[tuple[int, ...]]] = {}
    for block in members:
        sides.setdefault(block.indices[index], set()).add(block.sides)
    return sum(len(found) > 1 for found in sides.values())


def _with_edges(net: Net, columns: dict[str, int]) -> tuple[Net, dict[str, int]]:
    """The net with links in place of the blocks between blocks of the lattice."""
    blocks, links = dict(net.blocks), list(net.links)
    for name, block in net.blocks.items():
        into = [link for link in links if link.target == name]
        out = [link for link in links if link.source == name]
        if name in columns or len(block.indices) < 2 or not into or any(link.source not in columns for link in into):
            continue
        targets = {link.target for link in out}
        if len(targets) != 1 or not targets <= set(columns):
            if len(block.indices) < 3:
                continue
            blocks[name] = replace(block, contents=())
            columns[name] = max(columns[link.source] for link in into) + 1
            main = max(into, key=lambda link: (columns[link.source], link.is_main))
            links = [link for link in links if link.target != name]
            state = next((link.is_kept for link in out), None)
            links.append(replace(main, label=", ".join(block.contents), is_kept=state))
            continue
        main = max(into, key=lambda link: (columns[link.source], link.is_main))
        links = [link for link in links if name not in (link.source, link.target)]
        label = ", ".join(block.contents) or main.label
        links.append(Link(main.source, targets.pop(), label, True, next((link.is_kept for link in out), None)))
        del blocks[name]
    return Net(net.name, blocks, tuple(links)), columns


def _place_others(net: Net, columns: dict[str, int], lattice: frozenset[str]) -> None:
    """Blocks behind the lattice one column behind what they take, those in front of it one before what takes them."""
    for name in net.blocks:
        placed = [s for s in _sources(net, name) if s in columns]
        if name not in columns and placed:
            last = max(placed, key=columns.__getitem__)
            is_end = not any(link.source == name for link in net.links)
            is_above = (
                is_end
                and len(set(placed)) == 1
                and net.blocks[name].sides != net.blocks[last].sides
                and last in lattice
            )
            columns[name] = columns[last] + (0 if is_above else 1)
    for name in reversed(list(net.blocks)):
        if name not in columns:
            after = [columns[link.target] for link in net.links if link.source == name and link.target in columns]
            columns[name] = min(after, default=1) - 1


def _rows(net: Net, columns: Mapping[str, int]) -> dict[str, float]:
    """Finest resolution first; a vector stands beside what it is made of."""
    found: dict[str, float] = {}
    for name, block in net.blocks.items():
        before = [found[s] for s in _sources(net, name) if s in found]
        found[name] = -float(block.sides[0]) if block.sides else max(before, default=0.0)
    return {name: found[name] for name in columns}


def _ranked(columns: Mapping[str, int], rows: Mapping[str, float]) -> dict[str, Place]:
    """Places without empty columns and rows; where two blocks meet, the later one moves on to a free column."""
    x = {value: rank for rank, value in enumerate(sorted(set(columns.values())))}
    y = {value: rank for rank, value in enumerate(sorted(set(rows.values())))}
    taken: set[Place] = set()
    found = {}
    for name in sorted(columns, key=lambda name: (columns[name], name != INPUT)):
        place = (x[columns[name]], y[rows[name]])
        while place in taken:
            place = (place[0], place[1] + 1)
        taken.add(place)
        found[name] = place
    return found
