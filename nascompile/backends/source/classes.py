"""Which parts of a network are one class: graphs alike but for numbers, which become the class's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nascompile.backends.source.blocks import label
from nascompile.backends.source.code import literal
from nascompile.backends.source.rows import Slot, Written, written
from nascompile.ir.program import CallNode, Graph, LayerNode

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a class: its name, and its value for every graph of the class."""

    name: str
    values: tuple[Any, ...]


@dataclass(slots=True)
class Definition:
    """A class or function of the source: the graphs that are instances of it, the first of them drawn.

    `codes[i]` is what is written for slot `i` (a literal or a parameter); None: left out, it is the default.
    """

    key: Key
    height: int
    graphs: list[Graph] = field(default_factory=list)
    parameters: tuple[Parameter, ...] = ()
    codes: tuple[str | None, ...] = ()
    name: str = ""

    def arguments(self, graph: Graph) -> tuple[Any, ...]:
        """The values of the parameters for one of the graphs."""
        position = next(i for i, g in enumerate(self.graphs) if g is graph)
        return tuple(p.values[position] for p in self.parameters)


class Definitions:
    """All definitions that a network's graph needs; inner ones come first."""

    def __init__(self, graph: Graph):
        self.rows: dict[int, Written] = {}
        self._keys: dict[int, Key] = {}
        self._by_key: dict[Key, Definition] = {}
        self._of: dict[int, Definition] = {}
        self._collect(graph)
        self.ordered = sorted(self._by_key.values(), key=lambda d: d.height)
        for found in self.ordered:
            self._settle(found)

    def of(self, graph: Graph) -> Definition:
        """The definition that a graph is an instance of."""
        return self._of[id(graph)]

    def row(self, node: LayerNode) -> Written:
        """How a layer is written."""
        return self.rows[id(node)]

    def slots(self, graph: Graph) -> list[Slot]:
        """Slots of all nodes, in order; a call's are the parameters of its class."""
        found: list[Slot] = []
        for node in graph.nodes:
            if isinstance(node, LayerNode):
                found += self.row(node).slots
            elif isinstance(node, CallNode):
                inner = self.of(node.graph)
                values = inner.arguments(node.graph)
                found += [Slot(v, role=p.name) for v, p in zip(values, inner.parameters, strict=True)]
        return found

    def _collect(self, graph: Graph) -> int:
        """Note the graph and those inside; returns its height."""
        if id(graph) in self._of:
            return self._of[id(graph)].height
        height = 0
        for node in graph.nodes:
            if isinstance(node, CallNode):
                height = max(height, self._collect(node.graph) + 1)
            elif isinstance(node, LayerNode):
                like = () if node.sizes_like is None else (graph.types[node.sizes_like],)
                self.rows[id(node)] = written(node, (*(graph.types[i] for i in node.inputs), *like))
        key = self._key(graph)
        found = self._by_key.setdefault(key, Definition(key, height))
        found.graphs.append(graph)
        self._of[id(graph)] = found
        return height

    def _key(self, graph: Graph) -> Key:
        """What two graphs of one class share: their wiring, their layers, the names inside."""
        number = {value: n for n, value in enumerate(graph.inputs)}
        paths: dict[str, int] = {}
        parts: list[Any] = [graph.name, len(graph.inputs)]
        for node in graph.nodes:
            inner = self._of[id(node.graph)].key if isinstance(node, CallNode) else self.rows[id(node)].key
            like = getattr(node, "sizes_like", None)
            wires = tuple(number[i] for i in [*node.inputs, *([] if like is None else [like])])
            same = paths.setdefault(node.path, len(paths))
            parts.append((label(node), same, inner, wires))
            for output in node.outputs:
                number[output] = len(number)
        return (*parts, tuple(number[value] for _, value in graph.outputs))

    def _settle(self, found: Definition) -> None:
        """Decide which slots are parameters, and call those."""
        table = [self.slots(g) for g in found.graphs]
        columns = [tuple(row[i].value for row in table) for i in range(len(table[0]))]
        codes: list[str | None] = []
        parameters: dict[tuple[Any, ...], str] = {}
        taken = {"self", "nn", "torch", "F", "x"}
        for slot, column in zip(table[0], columns, strict=True):
            if all(_same(v, column[0]) for v in column):
                codes.append(None if _same(column[0], slot.default) else literal(column[0]))
                continue
            marked = tuple((type(v).__name__, v) for v in column)
            if marked not in parameters:
                parameters[marked] = _role(slot.role, column, table[0], columns, taken)
            codes.append(parameters[marked])
        found.codes = tuple(codes)
        found.parameters = tuple(Parameter(name, tuple(v for _, v in column)) for column, name in parameters.items())


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def _role(role: str, column: tuple[Any, ...], slots: Sequence[Slot], columns: Sequence[Any], taken: set[str]) -> str:
    """A name for a parameter: `in_channels` that are the `channels` of something else are called so."""
    if role.startswith("in_"):
        outs = {s.role for s, c in zip(slots, columns, strict=True) if c == column and not s.role.startswith("in_")}
        role = role.removeprefix("in_") if role.removeprefix("in_") in outs else role
    elif role == "padding":  # "same" padding of a dilated window is called after the dilation
        roles = {s.role for s, c in zip(slots, columns, strict=True) if c == column}
        role = "dilation" if "dilation" in roles else role
    number, name = 2, role
    while name in taken:
        name = f"{role}_{number}"
        number += 1
    taken.add(name)
    return name
