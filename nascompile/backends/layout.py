"""Where every weight of a supernet lies in its one tensor, and what it is at first."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from nascompile.backends.sums import norms_of
from nascompile.backends.weights import TORCH_WEIGHT_NAMES, initial_value, same_name, torch_name
from nascompile.ir.program import Graph, JoinedNode, LayerNode, ParallelNode, StackedNode, SumNode


@dataclass(frozen=True, slots=True)
class Entry:
    """One weight: its state name, its range in the tensor, its shape."""

    name: str
    start: int
    stop: int
    shape: tuple[int, ...]


@dataclass(slots=True)
class Layout:
    """The pieces of the tensor: a piece is one weight, or several of equal shape stacked along a new first axis.

    `position` is the piece of a weight and `row` its place in a stacked one.
    """

    names: list[tuple[str, ...]] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    position: dict[str, int] = field(default_factory=dict)
    row: dict[str, int] = field(default_factory=dict)
    stacked: list[bool] = field(default_factory=list)

    def add(self, names: tuple[str, ...], shape: tuple[int, ...], *, stacked: bool) -> None:
        """Make a piece, unless these weights have one (applications of a `module` share theirs)."""
        if names[0] in self.position:
            return
        for row, name in enumerate(names):
            self.position[name] = len(self.sizes)
            if stacked:
                self.row[name] = row
        self.names.append(names)
        self.shapes.append((len(names), *shape) if stacked else shape)
        self.sizes.append(torch.Size(self.shapes[-1]).numel())
        self.stacked.append(stacked)

    def entries(self) -> list[Entry]:
        """Every single weight, in the order of the tensor. Raises NasError (`duplicate-name`)."""
        found = []
        paths: dict[str, str] = {}
        start = 0
        for names, shape, size, stacked in zip(self.names, self.shapes, self.sizes, self.stacked, strict=True):
            each = size // len(names)
            for name in names:
                called = state_name(name)
                if paths.setdefault(called, name) != name:
                    raise same_name(paths[called], name, called)
                found.append(Entry(called, start, start + each, shape[1:] if stacked else shape))
                start += each
        return found


def state_name(path: str) -> str:
    """The name in a state dict of a weight's path: `skip[0].conv.w` is `skip_0.conv.weight`."""
    base, _, last = path.rpartition(".")
    return f"{torch_name(base)}.{TORCH_WEIGHT_NAMES[last]}"


def layout_of(graph: Graph) -> Layout:
    """The layout of a flat graph's weights."""
    layout = Layout()
    for node in graph.nodes:
        if isinstance(node, ParallelNode):
            for layers in stacks(node):
                layout.add(tuple(f"{n.path}.w" for n in layers), numbers(layers[0].weights[0].shape), stacked=True)
        elif isinstance(node, StackedNode):
            for column in zip(*node.chains, strict=True):
                for weight in column[0].weights:
                    names = tuple(f"{layer.path}.{weight.name}" for layer in column)
                    layout.add(names, numbers(weight.shape), stacked=True)
        elif isinstance(node, SumNode):
            for norms in norms_of(node):
                for weight in norms[0].weights:
                    names = tuple(dict.fromkeys(f"{norm.path}.{weight.name}" for norm in norms))
                    layout.add(names, numbers(weight.shape), stacked=True)
        elif isinstance(node, JoinedNode):
            for layer in (layer for chain in node.chains for layer in chain):
                layout.add((f"{layer.path}.w",), numbers(layer.weights[0].shape), stacked=False)
        elif isinstance(node, LayerNode) and node.extern is None:
            for weight in node.weights:
                if not weight.is_buffer:
                    layout.add((f"{node.path}.{weight.name}",), numbers(weight.shape), stacked=False)
    return layout


def numbers(shape: tuple[object, ...]) -> tuple[int, ...]:
    """A shape whose axes are known."""
    return tuple(int(axis) for axis in shape)  # type: ignore[call-overload]


def stacks(node: ParallelNode) -> list[list[LayerNode]]:
    """Layers of the branches whose kernels are stacked: dense ones, depthwise ones, the pointwise ones behind them."""
    dense = [b.layers[0] for b in node.branches if len(b.layers) == 1]
    pairs = [b.layers for b in node.branches if len(b.layers) == 2]
    groups = [dense, [p[0] for p in pairs], [p[1] for p in pairs]]
    return [g for g in groups if g]


def initial(graph: Graph, layout: Layout, seed: int) -> Tensor:
    """The tensor with the initial values that a fixed network gives weights of these paths."""
    layers = [n for n in graph.nodes if isinstance(n, LayerNode)]
    layers += [layer for n in graph.nodes if isinstance(n, ParallelNode) for b in n.branches for layer in b.layers]
    chained = [n for n in graph.nodes if isinstance(n, StackedNode | JoinedNode)]
    layers += [layer for n in chained for chain in n.chains for layer in chain]
    layers += [t.norm for n in graph.nodes if isinstance(n, SumNode) for t in n.terms if t.norm is not None]
    values: dict[str, Tensor] = {}
    for layer in layers:
        if layer.extern is None:
            for weight in layer.weights:
                name = state_name(f"{layer.path}.{weight.name}")
                if not weight.is_buffer and name not in values:
                    last = TORCH_WEIGHT_NAMES[weight.name]
                    values[name] = initial_value(layer, last, numbers(weight.shape), seed).flatten()
    pieces = [values[entry.name] for entry in layout.entries()]
    return torch.cat(pieces) if pieces else torch.zeros(0)
