"""Mixtures, edges and the sum behind them as one weighted sum, in which norms apply their weights.

`p * (w1 * norm1(y1) + w2 * x) + ...` needs a pass over the map for every product and every sum, and keeps each of them
for the gradient. But `p * w1 * norm1(y1)` is the norm with `p * w1` times its scale and shift, numbers of one per
channel, and what is left is added up in place.
"""

from __future__ import annotations

from dataclasses import replace

from nascompile.ir.program import SCALED, GateNode, Graph, LayerNode, MixNode, Node, SumNode, Term
from nascompile.passes.uses import count_uses

_NORMS = frozenset({"group_norm", "instance_norm"})


def merge_sums(graph: Graph) -> Graph:
    """The same supernet with trees of sums, edges and mixtures that nothing else reads as single nodes.

    Mixtures that multiply with vectors (`fold_gates`) stay. Needs a flat graph.
    """
    uses = count_uses(graph)
    producer: dict[int, Node] = {o: node for node in graph.nodes for o in node.outputs}
    inside = {
        i for node in graph.nodes if _is_sum(graph, node) for i in node.inputs
        if uses[i] == 1 and i in producer and _is_sum(graph, producer[i])
    }  # fmt: skip
    roots = [node for node in graph.nodes if _is_sum(graph, node) and node.outputs[0] not in inside]
    merged: dict[int, SumNode] = {}
    gone: set[int] = set(inside)
    for root in roots:
        found: list[tuple[int, Term]] = []
        _collect(graph, root, Term(None, ()), inside, producer, found)
        if isinstance(root, LayerNode) and all(not term.factors for _, term in found):
            continue  # a plain sum
        for k, (value, term) in enumerate(found):
            norm = producer.get(value)
            if term.factors and isinstance(norm, LayerNode) and norm.layer in _NORMS and uses[value] == 1:
                gone.add(value)
                found[k] = (norm.inputs[0], replace(term, norm=norm))
        inputs = tuple(value for value, _ in found)
        merged[root.outputs[0]] = SumNode(tuple(t for _, t in found), inputs, root.outputs, root.path, root.origin)
    if not merged:
        return graph
    kept = [merged.get(node.outputs[0], node) for node in graph.nodes if node.outputs[0] not in gone]
    return Graph(graph.name, graph.inputs, tuple(kept), graph.outputs, graph.types)


def _is_sum(graph: Graph, node: Node) -> bool:
    if isinstance(node, MixNode):
        return not any(factor is not None for factor in node.factors)
    if isinstance(node, LayerNode) and node.layer == "add":
        return len({len(graph.types[i].axes) for i in node.inputs}) == 1
    return isinstance(node, GateNode)


def _collect(
    graph: Graph, node: Node, outer: Term, inside: set[int], producer: dict[int, Node], found: list[tuple[int, Term]]
) -> None:
    """Append the summands of a tree, each under the factors on the way down to it."""
    for k, value in enumerate(node.inputs):
        term = outer
        if isinstance(node, GateNode):
            edge = (node.decision, node.label)
            term = replace(outer, factors=(*outer.factors, edge), gates=(*outer.gates, edge))
        elif isinstance(node, MixNode) and node.labels[k] != SCALED:
            term = replace(outer, factors=(*outer.factors, (node.decision, node.labels[k])))
        if value in inside:
            _collect(graph, producer[value], term, inside, producer, found)
        else:
            found.append((value, term))
