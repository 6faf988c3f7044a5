"""Build only the operators that decisions still choose from, as staged searches leave them (P-DARTS, ICCV 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nascompile.ir.program import CallNode, Decision, Graph, LayerNode, MixNode, Node


def keep_candidates(graph: Graph, decisions: Mapping[str, Decision]) -> Graph:
    """The graph in which every mixture of operators has the candidates of its decision only.

    What a dropped candidate alone computed goes too, with the weights that it registered. Graphs of shared cells stay
    shared. Edges are left as they are: a dropped edge has weight 0.
    """
    return _keep(graph, decisions, {})


def _keep(graph: Graph, decisions: Mapping[str, Decision], done: dict[int, Graph]) -> Graph:
    if id(graph) not in done:
        nodes = tuple(_kept(node, decisions, done) for node in graph.nodes)
        gone = _needed(graph, graph.nodes) - _needed(graph, nodes)
        left = tuple(node for node in nodes if gone.isdisjoint(node.outputs))
        done[id(graph)] = replace(graph, nodes=left)
    return done[id(graph)]


def _kept(node: Node, decisions: Mapping[str, Decision], done: dict[int, Graph]) -> Node:
    if isinstance(node, CallNode):
        return replace(node, graph=_keep(node.graph, decisions, done))
    if not isinstance(node, MixNode):
        return node
    candidates = decisions[node.decision].candidates
    pairs = [(label, i) for label, i in zip(node.labels, node.inputs, strict=True) if label in candidates]
    return replace(node, labels=tuple(label for label, _ in pairs), inputs=tuple(i for _, i in pairs))


def _needed(graph: Graph, nodes: tuple[Node, ...]) -> set[int]:
    """The values that outputs depend on."""
    needed = {value for _, value in graph.outputs}
    for node in reversed(nodes):
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
            if isinstance(node, LayerNode) and node.sizes_like is not None:
                needed.add(node.sizes_like)
    return needed
