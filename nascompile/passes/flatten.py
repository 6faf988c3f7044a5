"""Inline every call: one flat graph with absolute paths."""

from __future__ import annotations

from dataclasses import replace

from nascompile.ir.program import CallNode, Graph, LayerNode, Node, TensorType


def flatten(graph: Graph) -> Graph:
    """The same computation without calls. Node paths become absolute (`skip[2].s[0].conv`)."""
    if not any(isinstance(node, CallNode) for node in graph.nodes):
        return graph
    types: list[TensorType] = [graph.types[i] for i in graph.inputs]
    nodes: list[Node] = []
    ids = {value: position for position, value in enumerate(graph.inputs)}
    _inline(graph, ids, "", nodes, types, False)
    outputs = tuple((name, ids[value]) for name, value in graph.outputs)
    return Graph(graph.name, tuple(range(len(graph.inputs))), tuple(nodes), outputs, tuple(types))


def _inline(
    graph: Graph, ids: dict[int, int], prefix: str, nodes: list[Node], types: list[TensorType], is_dead: bool
) -> None:
    def value(old: int) -> int:
        if old not in ids:  # nothing computes it: the stand-in for an absent value
            types.append(graph.types[old])
            ids[old] = len(types) - 1
        return ids[old]

    for node in graph.nodes:
        path = f"{prefix}.{node.path}" if prefix else node.path
        inputs = tuple(value(i) for i in node.inputs)
        if isinstance(node, CallNode):
            inner = dict(zip(node.graph.inputs, inputs, strict=True))
            _inline(node.graph, inner, path, nodes, types, is_dead or node.is_dead)
            for outer, (_, produced) in zip(node.outputs, node.graph.outputs, strict=True):
                ids[outer] = inner[produced]
            continue
        outputs = tuple(value(o) for o in node.outputs)
        if isinstance(node, LayerNode):
            like = None if node.sizes_like is None else value(node.sizes_like)
            dead = is_dead or node.is_dead
            nodes.append(replace(node, inputs=inputs, outputs=outputs, path=path, sizes_like=like, is_dead=dead))
        else:
            nodes.append(replace(node, inputs=inputs, outputs=outputs, path=path))
