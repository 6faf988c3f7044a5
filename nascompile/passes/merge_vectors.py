"""Compute equal chains of vector layers on one input as one: the gates of all edges that leave a state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nascompile.ir.program import Graph, LayerNode, Node, StackedNode
from nascompile.passes.uses import count_uses

_BETWEEN = frozenset({"relu", "relu6", "sigmoid", "tanh", "hard_sigmoid", "hard_swish", "silu", "gelu", "elu", "selu"})
"""Layers without weights that may stand in a chain."""


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    layers: tuple[LayerNode, ...]
    key: Any


def merge_vectors(graph: Graph) -> Graph:
    """The same graph with chains `linear [-> activation] [-> linear] ...` that start at one vector stacked.

    Tiny layers cost their calls, not their arithmetic. Layers that share weights (`module`) are left alone. Needs a
    flat graph.
    """
    uses = count_uses(graph)
    reader: dict[int, Node] = {i: node for node in graph.nodes for i in node.inputs}
    paths: dict[str, int] = {}
    for node in graph.nodes:
        if isinstance(node, LayerNode) and node.weights:
            paths[node.path] = paths.get(node.path, 0) + 1
    groups: dict[Any, list[_Chain]] = {}
    inside: set[int] = set()
    for node in graph.nodes:
        if isinstance(node, LayerNode) and node.layer == "linear" and node.outputs[0] not in inside:
            chain = _follow(graph, node, uses, reader, paths)
            if chain is not None:
                groups.setdefault(chain.key, []).append(chain)
                inside.update(layer.outputs[0] for layer in chain.layers)
    stacked: dict[int, StackedNode] = {}
    gone: set[int] = set()
    for chains in groups.values():
        if len(chains) > 1:
            first = chains[0].layers[0]
            outputs = tuple(c.layers[-1].outputs[0] for c in chains)
            node = StackedNode(tuple(c.layers for c in chains), first.inputs, outputs, first.path, first.origin)
            stacked[first.outputs[0]] = node
            gone.update(layer.outputs[0] for c in chains for layer in c.layers)
    if not stacked:
        return graph
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.outputs[0] in stacked:
            nodes.append(stacked[node.outputs[0]])
        elif node.outputs[0] not in gone:
            nodes.append(node)
    return Graph(graph.name, graph.inputs, tuple(nodes), graph.outputs, graph.types)


def _follow(
    graph: Graph, node: LayerNode, uses: dict[int, int], reader: dict[int, Node], paths: dict[str, int]
) -> _Chain | None:
    """The chain that starts here, as far as nothing else reads its values."""
    layers: list[LayerNode] = []
    key: list[Any] = [node.inputs]
    current: Node | None = node
    while isinstance(current, LayerNode) and (current.layer == "linear" or current.layer in _BETWEEN):
        if paths.get(current.path, 1) > 1 or len(graph.types[current.outputs[0]].axes) != 1:
            break
        layers.append(current)
        key.append((current.layer, tuple(sorted(current.attrs.items())), tuple(w.name for w in current.weights)))
        value = current.outputs[0]
        current = reader.get(value) if uses[value] == 1 else None
    return _Chain(tuple(layers), tuple(key)) if layers else None
