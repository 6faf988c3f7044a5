"""Cells as small graphs of states and operators, read from decisions, with or without a genotype."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nascompile.ir.program import CallNode, Decision, Graph, LayerNode, Program

_LABEL = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?")
_SLOT = re.compile(r"(?P<target>.*\])\[(?P<slot>[\d, ]+)\]$")


@dataclass(frozen=True, slots=True)
class Arrow:
    """An operator between two states; in an open space `operators` are all candidates."""

    source: str
    target: str
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """States in the order of the text, the arrows between them, and the states that the output is made of."""

    name: str
    states: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    outputs: tuple[str, ...]


def cells_of(program: Program, values: Mapping[str, Any] | None = None) -> list[Cell]:
    """The cells (and the space itself, if it picks edges or operators) of an open program.

    With `values`, a genotype's, only what it keeps is drawn. Picked numbers are no part of a drawing.
    """
    grouped: dict[str, list[tuple[str, Arrow]]] = {}
    for decision in program.decisions.values():
        for arrow in _arrows(decision, program.decisions, values):
            owner = _owner(decision.path)
            grouped.setdefault(owner, []).append((decision.path, arrow))
    graphs = {graph.name: graph for graph in _graphs(program.graph)}
    return [_cell(owner or program.name, [a for _, a in found], graphs) for owner, found in grouped.items()]


def _owner(path: str) -> str:
    return path.rpartition(".")[0]


def _arrows(decision: Decision, decisions: Mapping[str, Decision], values: Mapping[str, Any] | None) -> Iterator[Arrow]:
    target = decision.path.rpartition(".")[2]
    if values is not None and decision.path not in values:
        return
    if decision.kind == "edges":
        kept = decision.candidates if values is None else values[decision.path]
        for label in kept:
            slot = decisions.get(f"{decision.path}.{label}")
            yield Arrow(str(label), target, () if slot is None else _operators(slot, values))
    elif decision.kind == "op" and not decision.slot and decision.parent is None:
        match = _SLOT.match(target)
        if match:
            yield Arrow(f"input {match['slot']}", match["target"], _operators(decision, values))
        else:
            yield Arrow("input", target, _operators(decision, values))


def _operators(decision: Decision, values: Mapping[str, Any] | None) -> tuple[str, ...]:
    if values is None:
        return tuple(str(c) for c in decision.candidates if c not in decision.never)
    return (str(values[decision.path]),) if decision.path in values else ()


def _cell(name: str, arrows: list[Arrow], graphs: Mapping[str, Graph]) -> Cell:
    states: dict[str, None] = {}
    for arrow in arrows:
        states.setdefault(arrow.source)
    for arrow in arrows:
        states.setdefault(arrow.target)
    targets = {arrow.target for arrow in arrows}
    sources = {arrow.source for arrow in arrows}
    graph = graphs.get(name)
    outputs = tuple(s for s in (() if graph is None else _concatenated(graph)) if s in targets)
    return Cell(name, tuple(states), tuple(arrows), outputs or tuple(s for s in states if s in targets - sources))


def _graphs(graph: Graph) -> Iterator[Graph]:
    yield graph
    for node in graph.nodes:
        if isinstance(node, CallNode):
            yield from _graphs(node.graph)


def _concatenated(graph: Graph) -> list[str]:
    """The states whose values the cell's output joins, by the names that the text binds."""
    made = {value: node for node in graph.nodes for value in node.outputs}
    last = made.get(graph.outputs[0][1])
    inputs = last.inputs if isinstance(last, LayerNode) and last.layer == "concat" else (graph.outputs[0][1],)
    found: dict[str, None] = {}
    for value in inputs:
        node = made.get(value)
        match = _LABEL.match(node.path) if node is not None else None
        if match:
            found.setdefault(match.group())
    return list(found)


def as_text(cells: list[Cell]) -> str:
    """One line a state: `s[2] = s[1] down_conv + s[0] down_dep_conv`."""
    lines = []
    for cell in cells:
        lines.append(cell.name)
        for state in cell.states:
            arrows = [a for a in cell.arrows if a.target == state]
            if arrows:
                lines.append(f"  {state} = {' + '.join(_arrow_text(a) for a in arrows)}")
        if len(cell.outputs) > 1:
            lines.append(f"  output = {', '.join(cell.outputs)}")
    return "\n".join(lines)


def _arrow_text(arrow: Arrow) -> str:
    if len(arrow.operators) > 1:
        return f"{arrow.source} ({len(arrow.operators)} operators)"
    return f"{arrow.source} {arrow.operators[0]}" if arrow.operators else arrow.source
