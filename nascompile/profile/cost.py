"""Static costs from the layers' declarations, without torch: parameters, multiply-accumulates, activations."""

from __future__ import annotations

from dataclasses import dataclass

from nascompile.ir.program import Graph, LayerNode, Program, Weight
from nascompile.passes.flatten import flatten
from nascompile.passes.prune_dead import prune_dead
from nascompile.semantics.arithmetic import product


@dataclass(frozen=True, slots=True)
class Cost:
    """Costs of one network (or one supernet with every candidate) for one input sample.

    `registered` counts every parameter that the text registers, `live` those that an output depends on; both
    exclude architecture parameters and buffers. `macs` are multiply-accumulates of the live layers; `activations`
    the elements of all live layer outputs.
    """

    registered: int
    live: int
    macs: int
    activations: int

    @property
    def flops(self) -> int:
        """Two floating-point operations a multiply-accumulate."""
        return 2 * self.macs


def cost_of(program: Program) -> Cost:
    """Price a program whose sizes are all known (a genotype's network, or a space without picked numbers)."""
    flat = flatten(program.graph)
    live = prune_dead(flat)
    macs = activations = 0
    for node in live.nodes:
        if isinstance(node, LayerNode):
            macs += int(node.macs)
            activations += sum(int(product(live.types[o].axes)) for o in node.outputs)
    return Cost(parameters(flat), parameters(live), macs, activations)


def parameters(graph: Graph) -> int:
    """Elements of all distinct weights of a flat graph; buffers do not count."""
    return sum(int(product(weight.shape)) for weight in weights(graph).values() if not weight.is_buffer)


def weights(graph: Graph) -> dict[str, Weight]:
    """Weights by absolute path (`skip[0].conv.w`); applications of a `module` share theirs."""
    return {
        f"{node.path}.{weight.name}": weight
        for node in graph.nodes
        if isinstance(node, LayerNode)
        for weight in node.weights
    }
