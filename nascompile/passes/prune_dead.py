"""Remove what reaches no output: `unused` expressions, operators on absent edges, heads that nothing reads."""

from __future__ import annotations

from nascompile.ir.program import Graph, LayerNode


def prune_dead(graph: Graph) -> Graph:
    """The graph without nodes that no output depends on; the same object when there are none."""
    needed = {value for _, value in graph.outputs}
    kept = []
    for node in reversed(graph.nodes):
        if needed.isdisjoint(node.outputs):
            continue
        needed.update(node.inputs)
        if isinstance(node, LayerNode) and node.sizes_like is not None:
            needed.add(node.sizes_like)
        kept.append(node)
    if len(kept) == len(graph.nodes):
        return graph
    return Graph(graph.name, graph.inputs, tuple(reversed(kept)), graph.outputs, graph.types)
