"""Remove identities, dropouts that drop nothing, and zeros that are added."""

from __future__ import annotations

from dataclasses import replace

from nascompile.ir.program import Graph, LayerNode, MixNode, Node

_DROPOUTS = frozenset({"dropout", "channel_dropout", "drop_path"})


def drop_identity(graph: Graph) -> Graph:
    """The same computation without layers that pass their input on, and without added zeros.

    A zero candidate of a mixture is left out of the sum; its weight still takes part in the softmax.
    """
    alias: dict[int, int] = {}
    zeros: set[int] = set()
    nodes: list[Node] = []
    changed = False
    for node in graph.nodes:
        inputs = tuple(alias.get(i, i) for i in node.inputs)
        like = None
        if isinstance(node, LayerNode) and node.sizes_like is not None:
            like = alias.get(node.sizes_like, node.sizes_like)
        if isinstance(node, LayerNode):
            if node.layer == "identity" or (node.layer in _DROPOUTS and node.attrs["p"] == 0):
                alias[node.outputs[0]] = inputs[0]
                changed = True
                continue
            if node.layer == "zero":
                zeros.add(node.outputs[0])
            if node.layer == "add":
                summands = tuple(i for i in inputs if i not in zeros)
                if summands and len(summands) < len(inputs):
                    inputs, changed = summands, True
                    if len(inputs) == 1 and graph.types[inputs[0]] == graph.types[node.outputs[0]]:
                        alias[node.outputs[0]] = inputs[0]
                        continue
            nodes.append(replace(node, inputs=inputs, sizes_like=like))
        elif isinstance(node, MixNode):
            kept = [(label, i) for label, i in zip(node.labels, inputs, strict=True) if i not in zeros]
            if kept and len(kept) < len(inputs):
                changed = True
                nodes.append(replace(node, labels=tuple(k for k, _ in kept), inputs=tuple(i for _, i in kept)))
            else:
                nodes.append(replace(node, inputs=inputs))
        else:
            nodes.append(replace(node, inputs=inputs))
    if not changed:
        return graph
    named = tuple((name, alias.get(value, value)) for name, value in graph.outputs)
    return Graph(graph.name, graph.inputs, tuple(nodes), named, graph.types)
