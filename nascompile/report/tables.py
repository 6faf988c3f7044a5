"""Tables for the terminal (rich), and numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nascompile.ir.program import Decision


def decision_rows(decisions: Mapping[str, Decision]) -> list[dict[str, Any]]:
    """One row a decision: its path, kind, candidates, how many are kept, relaxation, decoding, shared parameters."""
    rows = []
    for d in decisions.values():
        ends = d.interval
        rows.append(
            {
                "path": d.path,
                "kind": d.kind,
                "keeps": "some" if d.count is None else d.count,
                "candidates": [str(c) for c in d.candidates] if ends is None else [f"{ends[0]:g} .. {ends[1]:g}"],
                "never": sorted(d.never),
                "relax": d.relax,
                "decode": d.decode,
                "tied": d.tied,
                "parent": d.parent[0] if d.parent else None,
            }
        )
    return rows


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], right: Iterable[str] = ()) -> None:
    """Print a table; the columns named in `right` are numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left")
    numeric = set(right)
    for name in columns:
        table.add_column(name, justify="right" if name in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, width=140)
    console.print(table)


def grouped(value: int) -> str:
    """`1,234,567`."""
    return f"{value:,}"


def short(value: float) -> str:
    """`1.23 M`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:g}"
