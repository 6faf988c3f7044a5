"""Which decisions a supernet cannot relax: numbers that do more than scale weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nascompile.diagnostics import Diagnostic, Label
from nascompile.ir.program import CallNode, Graph, LayerNode, Program
from nascompile.ir.symbols import Sym

SLICED = frozenset({"c", "k", "padding", "groups"})
"""Arguments of layers that a supernet slices: first channels, the centre of the kernel, first groups."""


def unrelaxable(program: Program) -> list[Diagnostic]:
    """One diagnostic (`cannot-relax`) for each open decision that no weighted supernet can hold, in text order.

    Decisions among operators and edges, numbers that only scale weights, and depths can be relaxed. A real number
    and a number that changes spatial sizes or other arguments of a layer cannot.
    """
    reasons: dict[str, str] = {}
    for path, decision in program.decisions.items():
        if decision.interval is not None:
            low, high = decision.interval
            reasons[path] = f"it is a real number between {low} and {high}"
    for path, reason in _uses(program.graph, set()):
        reasons.setdefault(path, reason)
    numbers = [(p, d) for p, d in program.decisions.items() if d.kind == "number" and p in reasons]
    hint = "bind it (`--set`, a genotype), or search with a strategy that samples: `random`, `evolution`"
    return [
        Diagnostic("cannot-relax", f"`{path}` cannot be relaxed: {reasons[path]}", Label(d.origin.span), (), hint)
        for path, d in numbers
    ]


def _uses(graph: Graph, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Decisions (paths) on which a spatial size or an argument that is not sliced depends, with the reason."""
    if id(graph) in seen:
        return
    seen.add(id(graph))
    for node in graph.nodes:
        if isinstance(node, CallNode):
            yield from _uses(node.graph, seen)
        elif isinstance(node, LayerNode):
            for value in node.outputs:
                for path in _refs(graph.types[value].spatial):
                    yield path, f"it changes the spatial size of `{node.layer}`"
            for name, argument in node.attrs.items():
                if name not in SLICED:
                    for path in _refs(argument):
                        yield path, f"it sets `{name}` of `{node.layer}`, which is no size of a weight"


def _refs(value: Any) -> frozenset[str]:
    if isinstance(value, Sym):
        return value.refs
    if isinstance(value, tuple):
        return frozenset().union(*(_refs(v) for v in value))
    return frozenset()
