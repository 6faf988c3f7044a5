"""How often each value of a flat graph is read."""

from __future__ import annotations

from collections import Counter

from nascompile.ir.program import Graph, LayerNode


def count_uses(graph: Graph) -> Counter[int]:
    """Readers by value: inputs of nodes, sizes that are taken from it, outputs of the graph."""
    uses: Counter[int] = Counter()
    for node in graph.nodes:
        uses.update(node.inputs)
        if isinstance(node, LayerNode) and node.sizes_like is not None:
            uses[node.sizes_like] += 1
    uses.update(value for _, value in graph.outputs)
    return uses
