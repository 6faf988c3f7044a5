"""What only the whole graph shows: which decisions live behind an edge, and what `connected` means for a family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nascompile.ir import symbols
from nascompile.ir.program import (
    CallNode,
    Constraint,
    Decision,
    GateNode,
    Graph,
    LayerNode,
    MixNode,
    Node,
    PhiNode,
)
from nascompile.ir.symbols import Sym


def attach_to_edges(graph: Graph, decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """Decisions whose only use is one edge exist where that edge is kept: their parent becomes the slot.

    Works on the top graph: from every gate back through values that nothing else consumes.
    """
    producers: dict[int, Node] = {}
    consumers: dict[int, int] = {}
    for node in graph.nodes:
        for output in node.outputs:
            producers[output] = node
        for value in set(node.inputs):
            consumers[value] = consumers.get(value, 0) + 1
    for _, value in graph.outputs:
        consumers[value] = consumers.get(value, 0) + 1
    found = dict(decisions)
    for node in graph.nodes:
        if isinstance(node, GateNode):
            _claim(node, node.inputs[0], producers, consumers, found)
    return found


def _claim(
    gate: GateNode,
    value: int,
    producers: Mapping[int, Node],
    consumers: Mapping[int, int],
    found: dict[str, Decision],
) -> None:
    while consumers.get(value, 0) == 1 and value in producers:
        node = producers[value]
        if isinstance(node, MixNode):
            decision = found[node.decision]
            if decision.parent is None and not decision.slot:
                found[node.decision] = replace(decision, parent=(gate.decision, gate.label))
            inputs = {i for v in node.inputs for i in _sources(v, producers)}
            if len(inputs) != 1:
                return
            value = next(iter(inputs))
        elif isinstance(node, LayerNode | CallNode) and len(node.inputs) == 1:
            value = node.inputs[0]
        else:
            return


def _sources(value: int, producers: Mapping[int, Node]) -> tuple[int, ...]:
    node = producers.get(value)
    return (value,) if node is None or isinstance(node, PhiNode) else node.inputs


def without_unkept(
    nodes: Sequence[Node], outputs: Sequence[tuple[str, int]], unkept: Sequence[tuple[int, str]]
) -> tuple[Node, ...]:
    """The nodes without those that only compute edges which the genotype drops.

    A text may compute an edge before it says which are kept. From each dropped value back, what the statement of that
    edge made (its path starts with the label) and nothing else reads was never meant to be built.
    """
    if not unkept:
        return tuple(nodes)
    producers = {output: node for node in nodes for output in node.outputs}
    readers = Counter(value for _, value in outputs)
    for node in nodes:
        readers.update(node.inputs)
        if isinstance(node, LayerNode) and node.sizes_like is not None:
            readers[node.sizes_like] += 1
    gone: set[int] = set()
    for value, label in unkept:
        pending = [value]
        while pending:
            made_by = producers.get(pending.pop())
            if made_by is None or id(made_by) in gone or any(readers[o] for o in made_by.outputs):
                continue
            if made_by.path != label and not made_by.path.startswith(label + "."):
                continue
            gone.add(id(made_by))
            readers.subtract(made_by.inputs)
            pending.extend(made_by.inputs)
    return tuple(node for node in nodes if id(node) not in gone)


def expand_connected(
    constraints: Sequence[Constraint],
    sources: Mapping[tuple[str, str], Any],
    decisions: Mapping[str, Decision],
) -> tuple[Constraint, ...]:
    """Replace `connected(paths)` by one condition per edge.

    A kept edge needs a source that is present (one of the kept edges that feed it), and a user: if later edges of
    the family start at the node where it ends, one of them is kept. A node that no later edge starts at is used by
    the rest of the network.
    """
    expanded: list[Constraint] = []
    for constraint in constraints:
        condition = constraint.condition
        if not (isinstance(condition, Sym) and condition.op == "connected"):
            expanded.append(constraint)
            continue
        paths = set(condition.args)
        edges = [edge for edge in sources if edge[0] in paths]
        leaving: dict[Any, list[Sym]] = {}
        for edge in edges:
            leaving.setdefault(sources[edge], []).append(Sym("kept", edge))
        users: dict[tuple[Any, ...], list[Sym]] = {}
        fed = [(frozenset(_atoms(source)), kept) for source, kept in leaving.items()]
        for edge in edges:
            by = tuple(k for atoms, kept in fed if edge in atoms for k in kept)
            if by:
                users.setdefault(by, []).append(Sym("kept", edge))
        for source, kept in leaving.items():
            if source is not True:
                expanded.append(replace(constraint, condition=_implies(symbols.disjunction(*kept), source)))
        for by, kept in users.items():
            condition = _implies(symbols.disjunction(*kept), symbols.disjunction(*by))
            expanded.append(replace(constraint, condition=condition))
    return tuple(expanded)


def _implies(premise: Any, conclusion: Any) -> Any:
    """Kept as one `or` of two parts, so that each side is one fact of the table and not one per edge."""
    return Sym("or", (symbols.negation(premise), conclusion))


def _atoms(condition: Any) -> list[tuple[str, str]]:
    if not isinstance(condition, Sym):
        return []
    if condition.op == "kept":
        return [(condition.args[0], condition.args[1])]
    return [atom for part in condition.args for atom in _atoms(part)]


Labels = frozenset[str]


def shared_nodes(
    constraints: Iterable[Constraint], order: dict[str, int]
) -> dict[tuple[str, str], list[tuple[Labels, Labels]]]:
    """By pair of decisions: for each node between them, the edges that end there and those that start there."""
    found: dict[tuple[str, str], list[tuple[Labels, Labels]]] = {}
    for constraint in constraints:
        condition = constraint.condition
        if not (isinstance(condition, Sym) and condition.op == "or" and len(condition.args) == 2):
            continue
        sides = [_kept(part) for part in condition.args]
        if any(side is None or side[0] not in order for side in sides):
            continue
        (first, ends), (second, starts) = sorted((s for s in sides if s is not None), key=lambda side: order[side[0]])
        nodes = found.setdefault((first, second), [])
        if first != second and (ends, starts) not in nodes:
            nodes.append((ends, starts))
    return found


def _kept(part: Any) -> tuple[str, Labels] | None:
    """(decision, labels) of "some of these edges are kept", or of its negation."""
    if not isinstance(part, Sym):
        return None
    inner = part.args[0] if part.op == "not" else part
    atoms: Sequence[Any] = inner.args if inner.op == "or" else (inner,)
    if not all(isinstance(a, Sym) and a.op == "kept" for a in atoms) or len({a.args[0] for a in atoms}) != 1:
        return None
    return atoms[0].args[0], frozenset(a.args[1] for a in atoms)
