"""The milliseconds of every layer of an open space, as a device would take for each in a network of its own."""

from __future__ import annotations

from nascompile.ir.program import Graph, Program
from nascompile.passes.flatten import flatten
from nascompile.profile.fusion import kernels
from nascompile.profile.latency_model import LatencyModel
from nascompile.profile.operations import lowered


def layer_milliseconds(program: Program, model: LatencyModel) -> dict[str, float]:
    """Milliseconds by the path of a layer, for the relaxed expectation of a search.

    Candidates keep the norms and activations that the runtime folds into their convolutions; reorderings count for
    the layer that needs them, as if every candidate were there. What mixtures add costs nothing: no genotype has it.
    """
    graph = flatten(program.graph)
    found = dict.fromkeys(_layers(graph), 0.0)
    for priced in model.predict_kernels(kernels(lowered(graph, is_open=True), model.table.block)).kernels:
        path = next((p for p in priced.paths if p in found), None)
        if path is not None:
            found[path] += priced.ms
    return found


def _layers(graph: Graph) -> list[str]:
    from nascompile.ir.program import LayerNode

    return [node.path for node in graph.nodes if isinstance(node, LayerNode)]
