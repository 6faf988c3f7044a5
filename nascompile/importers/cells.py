"""Cells as lists of (operator, input) pairs: DARTS (Liu et al., ICLR 2019) and its many descendants, PC-DARTS,
NAS-Unet (Weng et al., IEEE Access 2019) and NAS-WDAN / MixSearch (Liu et al., arXiv 2102.13280) among them.

    NAME = Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], reduce_concat=...)

Two pairs a node, or one list of pairs for each node; a third number of a pair is a weight and left out.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Any

from nascompile.diagnostics import did_you_mean
from nascompile.importers.finding import Findings, Format, Found, Placed
from nascompile.importers.values import Mapping, Record, Scalar, Sequence, Value, head, numbers, whole
from nascompile.ir.program import Decision
from nascompile.source import Span
from nascompile.space.space import SearchSpace
from nascompile.space.writing import operator_path

FIELDS = frozenset(("normal", "reduce", "down", "up", "normal_down", "normal_up", "normal_normal"))
RECORD = "Genotype"
CONCAT = "_concat"
EDGES = 2  # of a node, where the list does not say it

# The same operators under other names; the first one that the space has is taken.
ALIASES: Table[str, tuple[str, ...]] = {
    "skip_connect": ("identity",),
    "identity": ("skip_connect",),
    "skip": ("skip_connect", "identity"),
    "skipconnect": ("skip_connect", "identity"),
    "maxpool": ("max_pool_3x3", "max_pool"),
    "avgpool": ("avg_pool_3x3", "avg_pool"),
    "sepconv3x3": ("sep_conv_3x3",),
    "sepconv5x5": ("sep_conv_5x5",),
    "dilconv3x3": ("dil_conv_3x3",),
    "dilconv5x5": ("dil_conv_5x5",),
}


@dataclass(frozen=True, slots=True)
class _Edge:
    operator: Scalar
    input: Scalar
    span: Span


def _matches(value: Value) -> bool:
    if isinstance(value, Record):
        return value.name == RECORD
    return isinstance(value, Mapping) and any(isinstance(value.items.get(name), Sequence) for name in FIELDS)


def _fields(found: Found) -> Mapping:
    """The genotype as a dictionary: positional arguments get the names that the text's `namedtuple` gives them."""
    value = found.value
    if isinstance(value, Mapping):
        listed = {n: v for n, v in value.items.items() if n.removesuffix(CONCAT) in FIELDS}
        return Mapping(listed, value.keys, value.span)
    assert isinstance(value, Record)
    items, keys = dict(value.named.items), dict(value.named.keys)
    for name, item in zip(found.fields.get(RECORD, ()), value.positional, strict=False):
        items[name], keys[name] = item, item.span
    return Mapping(items, keys, value.span)


def _nodes(cell: Value, findings: Findings) -> list[list[_Edge]] | None:
    """The edges of each node; None after reporting what is wrong."""
    if not isinstance(cell, Sequence):
        findings.add("genotype-form", "a cell is a list of pairs", cell.span, "write `[('sep_conv_3x3', 0), ...]`")
        return None
    rows = [item.items if isinstance(item, Sequence) else () for item in cell.items]
    if rows and all(row and all(isinstance(pair, Sequence) for pair in row) for row in rows):
        made = [[_edge(pair, findings) for pair in row] for row in rows]
    elif len(cell.items) % EDGES:
        findings.add("genotype-form", f"{len(cell.items)} edges are not {EDGES} for each node", head(cell))
        return None
    else:
        flat = [_edge(pair, findings) for pair in cell.items]
        made = [flat[i : i + EDGES] for i in range(0, len(flat), EDGES)]
    nodes = [[edge for edge in row if edge is not None] for row in made]
    return nodes if [len(n) for n in nodes] == [len(n) for n in made] else None


def _edge(pair: Value, findings: Findings) -> _Edge | None:
    if isinstance(pair, Sequence) and len(pair.items) in (2, 3):
        operator, place = pair.items[:2]
        named = isinstance(operator, Scalar) and isinstance(operator.value, str)
        if named and isinstance(operator, Scalar) and isinstance(place, Scalar) and whole(place) is not None:
            return _Edge(operator, place, pair.span)
    findings.add("genotype-form", "an edge is an operator and the number of an input", pair.span,
                 "write `('sep_conv_3x3', 0)`")  # fmt: skip
    return None


def _arguments(found: Found, defaults: Table[str, Any]) -> dict[str, Any]:
    cells = [_nodes(v, Findings()) for n, v in _fields(found).items.items() if not n.endswith(CONCAT)]
    counts = {len(nodes) for nodes in cells if nodes is not None}
    return {"nodes": counts.pop()} if len(counts) == 1 else {}


def _values(found: Found, space: SearchSpace, findings: Findings) -> Placed:
    fields = _fields(found)
    placed: Placed = {}
    cells = _cells_of(space)
    left = set(cells)
    if isinstance(found.value, Record) and len(fields.items) < len(found.value.positional):
        how = "write `Genotype(normal=[...], normal_concat=...)`, or import its `namedtuple(...)` with it"
        findings.add("genotype-form", "the fields of this genotype have no names", head(found.value), how)
        return placed
    for name, value in fields.items.items():
        if name.endswith(CONCAT):
            continue
        cell = _cell_named(name, cells)
        if not cell:
            hint = did_you_mean(name, cells) or (f"its cells are {', '.join(cells)}" if cells else None)
            findings.add("unknown-cell", f"`{space.name}` has no cell `{name}`", fields.keys[name], hint)
            continue
        left.discard(cell)
        nodes = _nodes(value, findings)
        if nodes is None:
            continue
        _check_size(cell, nodes, value, cells[cell], fields.items.get(name + CONCAT), findings)
        for edges, decision in zip(nodes, cells[cell], strict=False):
            _place(edges, decision, space, placed, findings)
    if left and not any(problem.code == "unknown-cell" for problem in findings.problems):
        missing = ", ".join(f"`{cell}`" for cell in sorted(left))
        findings.add("genotype-fit", f"the genotype has nothing for {missing} of `{space.name}`", head(found.value))
    return placed


def _cells_of(space: SearchSpace) -> dict[str, list[Decision]]:
    """The nodes of each cell: decisions over edges whose path begins with the cell's name."""
    cells: dict[str, list[Decision]] = {}
    for decision in space.decisions.values():
        cell = decision.path.rpartition(".")[0]
        if decision.kind == "edges" and cell:
            cells.setdefault(cell, []).append(decision)
    return cells


def _cell_named(name: str, cells: Table[str, Any]) -> str:
    """The cell `down`; else the only one whose name begins or ends so, such as `down_sc`; else ""."""
    if name in cells:
        return name
    near = [cell for cell in cells if cell.startswith(f"{name}_") or cell.endswith(f"_{name}")]
    return near[0] if len(near) == 1 else ""


def _check_size(
    cell: str,
    nodes: list[list[_Edge]],
    value: Value,
    decisions: list[Decision],
    concat: Value | None,
    findings: Findings,
) -> None:
    """Report another number of nodes than the cell has, and nodes that are not joined, since the cell joins all."""
    if len(nodes) != len(decisions):
        message = f"{len(nodes)} nodes, but the cell `{cell}` has {len(decisions)}"
        findings.add("genotype-fit", message, head(value))
        return
    first = len(decisions[0].candidates)
    wanted = list(range(first, first + len(nodes)))
    joined = wanted if concat is None else numbers(concat)
    if concat is not None and (joined is None or sorted(joined) != wanted):
        shown = ", ".join(map(str, wanted))
        findings.add("genotype-fit", f"the cell `{cell}` joins all of its nodes, which are {shown}", concat.span)


def _place(edges: list[_Edge], decision: Decision, space: SearchSpace, placed: Placed, findings: Findings) -> None:
    kept = []
    for edge in edges:
        number = whole(edge.input)
        if number is None or not 0 <= number < len(decision.candidates):
            last = len(decision.candidates) - 1
            findings.add("genotype-fit", f"`{decision.path}` has the inputs 0 to {last}", edge.input.span)
            continue
        label = decision.candidates[number]
        kept.append(label)
        path = operator_path(decision.path, label, space.decisions)
        if path is not None:
            operator = _operator(str(edge.operator.value), space.decisions[path], edge.operator.span, findings)
            placed[path] = (operator, edge.operator.span)
    placed[decision.path] = (tuple(kept), edges[0].span.to(edges[-1].span))


def _operator(name: str, decision: Decision, span: Span, findings: Findings) -> str:
    """The label of an operator; reported if the decision has none like it."""
    legal = [str(label) for label in decision.candidates if label not in decision.never]
    for label in (name, *ALIASES.get(name, ())):
        if label in legal:
            return label
    hint = did_you_mean(name, legal) or f"there are {', '.join(legal)}"
    if name in decision.never:
        hint = "it belongs to the supernet only; no genotype keeps it"
    findings.add("unknown-operator", f"`{decision.path}` has no operator `{name}`", span, hint)
    return name


CELLS = Format(
    "darts", "NAME = Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), ...)",
    _matches, _arguments, _values,
)  # fmt: skip
