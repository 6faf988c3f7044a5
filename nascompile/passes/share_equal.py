"""Compute equal subexpressions once: the same layer without weights or randomness, on the same input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nascompile.ir.program import Graph, LayerNode, Node

_RANDOM = frozenset({"dropout", "channel_dropout", "drop_path"})


def share_equal(graph: Graph) -> Graph:
    """Edges of a cell that start at one state repeat its pooling, activation and norm; the graph computes each once.

    Layers with weights are shared only when they are the same weights (`module`). Layers with buffers are not
    shared: they count their calls.
    """
    alias: dict[int, int] = {}
    known: dict[Any, LayerNode] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(alias.get(i, i) for i in node.inputs)
        if not isinstance(node, LayerNode):
            nodes.append(replace(node, inputs=inputs))
            continue
        like = None if node.sizes_like is None else alias.get(node.sizes_like, node.sizes_like)
        node = replace(node, inputs=inputs, sizes_like=like)
        if node.layer in _RANDOM or any(w.is_buffer for w in node.weights) or node.extern is not None:
            nodes.append(node)
            continue
        key = (node.layer, inputs, like, _hashable(node.attrs), node.path if node.weights else None)
        first = known.get(key)
        if first is None:
            known[key] = node
            nodes.append(node)
        else:
            alias.update(zip(node.outputs, first.outputs, strict=True))
    if not alias:
        return graph
    named = tuple((name, alias.get(value, value)) for name, value in graph.outputs)
    return Graph(graph.name, graph.inputs, tuple(nodes), named, graph.types)


def _hashable(attrs: Any) -> Any:
    return tuple(sorted((k, tuple(v) if isinstance(v, tuple) else v) for k, v in attrs.items()))
