"""Fixed networks as plain traceable modules: an fx.GraphModule of standard torch modules."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from nascompile.backends.torch_layers import emit
from nascompile.backends.weights import same_name, torch_name
from nascompile.ir.program import Graph, LayerNode, Program
from nascompile.passes.pipelines import FIXED, run


class Network(torch.fx.GraphModule):
    """A network compiled from text. `forward` takes `(batch, channels, *spatial)` and returns one tensor, or a tuple
    in the order of `output_names`."""

    output_names: tuple[str, ...]


def build(program: Program, seed: int = 0, without: frozenset[str] = frozenset()) -> Network:
    """The module of a program whose decisions are all bound, with weights initialised from `seed`.

    Only what reaches an output is built (`prune-dead` is part of the pipeline): no dead weights, no
    tensor-dependent branches. Passes named in `without` are left out (tests compare).
    """
    return assemble(run(program.graph, FIXED, without), seed)


def assemble(graph: Graph, seed: int = 0) -> Network:
    """The module of a flat graph without decisions."""
    modules: dict[str, nn.Module] = {}
    paths: dict[str, str] = {}
    fx = torch.fx.Graph()
    values: dict[int, Any] = {graph.inputs[0]: fx.placeholder("x")}
    for node in graph.nodes:
        assert isinstance(node, LayerNode), f"an undecided node {node.path} in a fixed network"
        arguments = [values[i] for i in node.inputs]
        if node.sizes_like is not None:
            arguments.append(values[node.sizes_like])
        row = emit(node, tuple(graph.types[i] for i in node.inputs), seed)
        if isinstance(row, nn.Module):
            name = torch_name(node.path)
            if paths.get(name, node.path) != node.path:
                raise same_name(paths[name], node.path, name)
            paths[name] = node.path
            modules.setdefault(name, row)
            result = fx.call_module(name, tuple(arguments))
        else:
            result = fx.call_function(row.function, (*arguments, *row.args), dict(row.kwargs))
        if len(node.outputs) == 1:
            values[node.outputs[0]] = result
        else:
            for position, output in enumerate(node.outputs):
                values[output] = fx.call_function(_item, (result, position))
    outputs = tuple(values[v] for _, v in graph.outputs)
    fx.output(outputs[0] if len(outputs) == 1 else outputs)
    root = nn.Module()
    for name, module in modules.items():
        _insert(root, name, module)
    network = Network(root, fx, class_name="Network")
    network.output_names = tuple(name for name, _ in graph.outputs)
    return network


def _item(values: tuple[torch.Tensor, ...], position: int) -> torch.Tensor:
    return values[position]


def _insert(root: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module under its dotted name, making containers on the way."""
    *outer, last = name.split(".")
    place = root
    for word in outer:
        child = place._modules.get(word)
        if child is None:
            child = nn.Module()
            place.add_module(word, child)
        place = child
    place.add_module(last, module)
