"""Let mixtures multiply: `w1 * x + w2 * (x * gate)` is `x * (w1 + w2 * gate)`, and the bracket is a small vector."""

from __future__ import annotations

from dataclasses import replace

from nascompile.ir.program import Graph, LayerNode, MixNode, Node
from nascompile.passes.uses import count_uses


def fold_gates(graph: Graph) -> Graph:
    """The same supernet without products of a map and a vector that only a mixture reads: the mixture does them.

    It then adds up the factors of one map before it touches the map. Needs a flat graph.
    """
    uses = count_uses(graph)
    products: dict[int, LayerNode] = {}
    for node in graph.nodes:
        if isinstance(node, LayerNode) and node.layer == "mul" and len(node.inputs) == 2:
            is_map = [len(graph.types[i].axes) > 1 for i in node.inputs]
            if is_map[0] != is_map[1] and uses[node.outputs[0]] == 1:
                products[node.outputs[0]] = node
    folded: set[int] = set()
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node, MixNode) and any(i in products for i in node.inputs):
            node = _fold(graph, node, products)
            folded.update(products)
        nodes.append(node)
    read = {i for node in nodes for i in node.inputs}
    kept = [node for node in nodes if not (node.outputs[0] in folded and node.outputs[0] not in read)]
    return graph if not folded else Graph(graph.name, graph.inputs, tuple(kept), graph.outputs, graph.types)


def _fold(graph: Graph, node: MixNode, products: dict[int, LayerNode]) -> MixNode:
    maps: list[int] = []
    vectors: list[int] = []
    factors: list[int | None] = []
    for value in node.inputs:
        product = products.get(value)
        if product is None:
            maps.append(value)
            factors.append(None)
            continue
        a, b = product.inputs
        map_, vector = (a, b) if len(graph.types[a].axes) > 1 else (b, a)
        maps.append(map_)
        factors.append(len(node.inputs) + len(vectors))
        vectors.append(vector)
    return replace(node, inputs=(*maps, *vectors), factors=tuple(factors))
