"""The supernet: every candidate at once, weighted by architecture parameters.

All weights live in one tensor, split into views once a step, so that an optimiser, gradient clipping and the merged
convolutions work on few large tensors instead of many small ones. The values are those of separate tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nascompile.backends.architecture import Architecture
from nascompile.backends.pytorch import Network
from nascompile.backends.torch_functional import FUNCTIONAL, convolution
from nascompile.backends.torch_functions import spread
from nascompile.backends.torch_layers import Function, emit
from nascompile.backends.weights import TORCH_WEIGHT_NAMES, initialise, torch_name
from nascompile.diagnostics import Diagnostic, Label, NasError
from nascompile.ir.program import (
    SCALED,
    GateNode,
    Graph,
    LayerNode,
    MixNode,
    Node,
    ParallelNode,
    PhiNode,
    Program,
)
from nascompile.ir.symbols import Sym
from nascompile.passes.pipelines import SUPERNET, run

Values = list[Any]
Step = Callable[[Values, Sequence[Tensor], Tensor, Sequence[Tensor]], None]
"""`(values, weights, mixture weights, the same as scalars)`: computes one node in place of `values`."""

_DROPOUTS: dict[str, Any] = {"dropout": F.dropout, "channel_dropout": F.dropout2d}


class Supernet(nn.Module):
    """A search space as one differentiable network.

    `forward(x)` takes `(batch, channels, *spatial)` and returns a tensor, or a tuple in the order of
    `output_names`. `architecture` holds the architecture parameters; everything else is in `weights`.
    """

    weights: nn.Parameter

    def __init__(self, program: Program, seed: int = 0, without: frozenset[str] = frozenset()):
        super().__init__()
        refuse_unrelaxable(program)
        graph = run(program.graph, SUPERNET, without)
        self.output_names = tuple(name for name, _ in graph.outputs)
        self.architecture = Architecture(program.decisions, seed)
        self._layout = _layout(graph)
        self._extern = nn.ModuleDict()
        self._buffer_names: list[str] = []
        self.weights = nn.Parameter(_initial(graph, self._layout, seed))
        for name, shape in _buffers(graph):
            self.register_buffer(torch_name(name), torch.ones(shape) if name.endswith(".var") else torch.zeros(shape))
        self._graph = graph
        self._steps = self._compile(graph)
        self._input = graph.inputs[0]
        self._outputs = [v for _, v in graph.outputs]
        self._last_use = _last_uses(graph)

    def forward(self, x: Tensor) -> Any:
        mixture = self.architecture()
        scalars = mixture.unbind(0) if mixture.numel() else ()
        pieces = self.weights.split(self._layout.sizes) if self._layout.sizes else ()
        weights = [p.view(s) for p, s in zip(pieces, self._layout.shapes, strict=True)]
        values: Values = [None] * len(self._graph.types)
        values[self._input] = x
        for step, finished in zip(self._steps, self._last_use, strict=True):
            step(values, weights, mixture, scalars)
            for value in finished:
                values[value] = None
        outputs = tuple(values[v] for v in self._outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def weight_parameters(self) -> list[nn.Parameter]:
        """The parameters that the weight optimiser trains."""
        return [self.weights, *self._extern.parameters()]

    def architecture_parameters(self) -> list[nn.Parameter]:
        """The parameters that the architecture optimiser trains."""
        return [self.architecture.logits]

    def named_weights(self) -> dict[str, Tensor]:
        """Weights by the name that they have in a fixed network (`skip_2.s_0.conv.weight`), as views."""
        found = {}
        for name, (start, stop), shape in self._layout.entries():
            found[name] = self.weights.detach()[start:stop].view(shape)
        for name, buffer in self.named_buffers():
            if not name.startswith("architecture.") and not name.startswith("_index"):
                found[_state_name(name)] = buffer
        return found

    def load_named_weights(self, weights: Mapping[str, Tensor]) -> list[str]:
        """Copy weights of equal name and shape; returns the names that found none."""
        missing = []
        with torch.no_grad():
            for name, target in self.named_weights().items():
                source = weights.get(name)
                if source is None or source.shape != target.shape:
                    missing.append(name)
                else:
                    target.copy_(source)
        return missing

    def _compile(self, graph: Graph) -> list[Step]:
        return [_COMPILERS[type(node)](self, node, graph) for node in graph.nodes]

    def index(self, numbers: list[int]) -> str:
        """Register a gather index and return the buffer's name."""
        name = f"_index{len(self._buffer_names)}"
        self._buffer_names.append(name)
        self.register_buffer(name, torch.tensor(numbers, dtype=torch.long), persistent=False)
        return name


def build_supernet(program: Program, seed: int = 0, without: frozenset[str] = frozenset()) -> Supernet:
    """The supernet of an open program. Raises NasError `cannot-relax` for decisions without a mixture.

    Passes named in `without` are left out (tests compare).
    """
    return Supernet(program, seed, without)


def refuse_unrelaxable(program: Program) -> None:
    """Raise for decisions that no mixture can express: numbers that change sizes or widths, conditional structure."""
    problems = []
    for decision in program.decisions.values():
        if decision.kind == "number":
            problems.append(
                Diagnostic(
                    "cannot-relax",
                    f"`{decision.path}` picks a number; a mixture of networks of different sizes cannot be formed",
                    Label(decision.origin.span),
                    hint="search this space with `random`, `evolution` or `partial_order`",
                )
            )
    if problems:
        raise NasError(problems[:20])


class _Layout:
    """Where every weight lies in the one tensor."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []
        self.shapes: list[tuple[int, ...]] = []
        self.sizes: list[int] = []
        self.position: dict[str, int] = {}

    def add(self, names: list[str], shape: tuple[int, ...]) -> int:
        """A piece for one weight, or for several of equal shape stacked along the first axis."""
        known = self.position.get(names[0])
        if known is not None:
            return known
        size = 1
        for axis in shape:
            size *= axis
        for name in names:
            self.position[name] = len(self.sizes)
        self.names.append(names)
        self.shapes.append(shape)
        self.sizes.append(size)
        return len(self.sizes) - 1

    def entries(self) -> list[tuple[str, tuple[int, int], tuple[int, ...]]]:
        """State name, range and shape of every single weight."""
        found = []
        start = 0
        for names, shape, size in zip(self.names, self.shapes, self.sizes, strict=True):
            each = size // len(names)
            single = shape if len(names) == 1 else shape[1:]
            for name in names:
                found.append((_state_name(name), (start, start + each), single))
                start += each
        return found


def _state_name(path: str) -> str:
    base, _, last = path.rpartition(".")
    return f"{torch_name(base)}.{TORCH_WEIGHT_NAMES.get(last, last)}" if last in TORCH_WEIGHT_NAMES else path


def _layout(graph: Graph) -> _Layout:
    layout = _Layout()
    for node in graph.nodes:
        if isinstance(node, ParallelNode):
            for layer, names in _stacks(node):
                layout.add(names, (len(names), *_shape(layer)))
        elif isinstance(node, LayerNode) and node.extern is None:
            for weight in node.weights:
                if not weight.is_buffer:
                    layout.add([f"{node.path}.{weight.name}"], tuple(int(a) for a in weight.shape))  # type: ignore[arg-type]
    return layout


def _shape(layer: LayerNode) -> tuple[int, ...]:
    return tuple(int(a) for a in layer.weights[0].shape)  # type: ignore[arg-type]


def _stacks(node: ParallelNode) -> list[tuple[LayerNode, list[str]]]:
    """Weights of the branches that are stacked: dense kernels, depthwise kernels, pointwise kernels."""
    dense = [b.layers[0] for b in node.branches if len(b.layers) == 1]
    pairs = [b.layers for b in node.branches if len(b.layers) == 2]
    groups = [dense, [p[0] for p in pairs], [p[1] for p in pairs]]
    return [(g[0], [f"{layer.path}.w" for layer in g]) for g in groups if g]


def _buffers(graph: Graph) -> list[tuple[str, tuple[int, ...]]]:
    found: dict[str, tuple[int, ...]] = {}
    for node in graph.nodes:
        if isinstance(node, LayerNode):
            for weight in node.weights:
                if weight.is_buffer:
                    found[f"{node.path}.{weight.name}"] = tuple(int(a) for a in weight.shape)  # type: ignore[arg-type]
    return list(found.items())


def _initial(graph: Graph, layout: _Layout, seed: int) -> Tensor:
    """The same initial values that a fixed network gives weights of these paths."""
    values: dict[str, Tensor] = {}
    layers = [n for n in graph.nodes if isinstance(n, LayerNode)]
    layers += [layer for n in graph.nodes if isinstance(n, ParallelNode) for b in n.branches for layer in b.layers]
    for layer in layers:
        if layer.weights and layer.extern is None:
            types = tuple(graph.types[i] for i in layer.inputs)
            module = emit(layer, types)
            assert isinstance(module, nn.Module)
            initialise(iter([(layer.path, module)]), seed)
            for name, parameter in module.named_parameters():
                values[f"{torch_name(layer.path)}.{name}"] = parameter.detach()
    flat = torch.zeros(sum(layout.sizes))
    for name, (start, stop), _ in layout.entries():
        flat[start:stop] = values[name].flatten()
    return flat


def _last_uses(graph: Graph) -> list[list[int]]:
    """For every node, the values that nothing after it reads."""
    outputs = {v for _, v in graph.outputs}
    seen: set[int] = set()
    result: list[list[int]] = []
    for node in reversed(graph.nodes):
        used = set(node.inputs)
        if isinstance(node, LayerNode) and node.sizes_like is not None:
            used.add(node.sizes_like)
        result.append([v for v in used if v not in seen and v not in outputs])
        seen |= used
    return result[::-1]


def _compile_layer(net: Supernet, node: LayerNode, graph: Graph) -> Step:
    types = tuple(graph.types[i] for i in node.inputs)
    inputs = list(node.inputs) + ([] if node.sizes_like is None else [node.sizes_like])
    outputs = node.outputs
    if node.layer in _DROPOUTS:
        drop, p = _DROPOUTS[node.layer], float(node.attrs["p"])
        source, target = inputs[0], outputs[0]

        def dropout(v: Values, w: Sequence[Tensor], m: Tensor, s: Sequence[Tensor]) -> None:
            v[target] = drop(v[source], p, net.training)

        return dropout
    if node.layer in FUNCTIONAL and node.extern is None:
        return _compile_weighted(net, node, types)
    row = emit(node, types)
    if isinstance(row, Function):
        function, args, kwargs = row.function, row.args, dict(row.kwargs)
        if len(inputs) == 1 and not args and not kwargs:
            source, target = inputs[0], outputs[0]

            def simple(v: Values, w: Sequence[Tensor], m: Tensor, s: Sequence[Tensor]) -> None:
                v[target] = function(v[source])

            return simple
        target = outputs[0]

        def general(v: Values, w: Sequence[Tensor], m: Tensor, s: Sequence[Tensor]) -> None:
            v[target] = function(*(v[i] for i in inputs), *args, **kwargs)

        return general
    net._extern[torch_name(node.path).replace(".", "__")] = row
    module = row

    def call(v: Values, w: Sequence[Tensor], m: Tensor, s: Sequence[Tensor]) -> None:
        result = module(*(v[i] for i in inputs))
        _store(v, outputs, result)

    return call


def _store(values: Values, outputs: tuple[int, ...], result: Any) -> None:
    if len(outputs) == 1:
        values[outputs[0]] = result
    else:
        for target, tensor in zip(outputs, result, strict=True):
            values[target] = tensor


def _compile_weighted(net: Supernet, node: LayerNode, types: tuple[Any, ...]) -> Step:
    function = FUNCTIONAL[node.layer](node, types)
    places = [net._layout.position[f"{node.path}.{w.name}"] for w in node.weights if not w.is_buffer]
    buffers = [torch_name(f"{node.path}.{w.name}") for w in node.weights if w.is_buffer]
    source, outputs = node.inputs[0], node.outputs

    def step(v: Values, w: Sequence[Tensor], m: Tensor, s: Sequence[Tensor]) -> None:
        own = [w[i] for i in places]
        own += [net.get_buffer(name) for name in buffers]
        _store(v, outputs, function(v[source], own, net.training))

    return step


def _compile_parallel(net: Supernet, node: ParallelNode, graph: Graph) -> Step:
    """One convolution for all branches; the norm's weight is the mixture weight of the channel's branch."""
    source, channels = node.inputs[0], int(node.attrs["c"])
    rank = len(graph.types[source].spatial)
    run_conv = convolution(node.layer, node.attrs, rank)
    transposed = node.layer == "conv_transpose"
    places = [net._layout.position[names[0]] for _, names in _stacks(node)]
    has_dense = any(len(b.layers) == 1 for b in node.branches)
    slots = [net.architecture.slots[b.decision, b.label] for b in node.branches]
    scale_index = net.index([slot for slot in slots for _ in range(channels)])
    columns = [[n for n, owner in enumerate(node.owners) if owner == k] for k in range(len(node.outputs))]
    regular = _regular(columns)
    groups = node.norm_groups * len(slots)
    activated, outputs = node.is_activated, node.outputs

    def kernels(w: Sequence[Tensor]) -> Tensor:
        parts = []
        if has_dense:
            parts.append(w[places[0]])
        if len(places) > 1 or not has_dense:
            depthwise, pointwise = w[places[-2]], w[places[-1]]
            n, c = pointwise.shape[0], pointwise.shape[1]
            ones = (1,) * rank
            # pointwise [n, out, in, 1..], depthwise [n, in, 1, k..]
            if transposed:
                mixed = pointwise.view(n, c, c, *ones).transpose(1, 2) * depthwise
            else:
                mixed = pointwise.view(n, c, c, *ones) * depthwise.transpose(1, 2)
            parts.append(mixed)
        stacked = parts[0] if len(parts) == 1 else torch.cat(parts)
        if transposed:  # [n, in, out, k..] -> [in, n * out, k..]
            return stacked.transpose(0, 1).flatten(1, 2)
        return stacked.flatten(0, 1)

    def step(v: Values, w: Sequence[Tensor], m: Tensor, s: Sequence[Tensor]) -> None:
        y = run_conv(v[source], kernels(w), None)
        scale = m.index_select(0, net.get_buffer(scale_index))
        y = F.group_norm(y, groups, scale)
        if activated:
            y = F.relu(y, inplace=True)
        if regular is not None:
            # Slices by unbind and sums by `+`: their gradients stay dense, those of `sum` and indexing do not.
            each, count = regular
            folded = y
            if each > 1:
                first, *rest = y.view(y.shape[0], each, count * channels, *y.shape[2:]).unbind(1)
                for piece in rest:
                    first = first + piece
                folded = first
            if count == 1:
                v[outputs[0]] = folded
            else:
                _store(v, outputs, folded.view(y.shape[0], count, channels, *y.shape[2:]).unbind(1))
            return
        slices = y.unflatten(1, (-1, channels)).unbind(1)
        for target, column in zip(outputs, columns, strict=True):
            result = slices[column[0]]
            for n in column[1:]:
                result = result + slices[n]
            v[target] = result

    return step


def _regular(columns: list[list[int]]) -> tuple[int, int] | None:
    """(branches an output, outputs) when one sum over the first of them folds the branches into the outputs."""
    outputs, each = len(columns), len(columns[0])
    if all(column == [n * outputs + k for n in range(each)] for k, column in enumerate(columns)):
        return each, outputs
    return None


def _compile_mix(net: Supernet, node: MixNode, graph: Graph) -> Step:
    slots = net.architecture.slots
    scaled = [i for i, label in zip(node.inputs, node.labels, strict=True) if label == SCALED]
    plain = [(i, slots[node.decision, label]) for i, label in zip(node.inputs, node.labels, strict=True) if label != SCALED]
    target = node.outputs[0]

    def step(v: Values, w: Sequence[Tensor], m: Tensor, s: Sequence[Tensor]) -> None:
        result = None
        for i in scaled:
            result = v[i] if result is None else result + v[i]
        for i, slot in plain:
            result = v[i] * s[slot] if result is None else torch.addcmul(result, v[i], s[slot])
        v[target] = result

    return step


def _compile_gate(net: Supernet, node: GateNode, graph: Graph) -> Step:
    slot = net.architecture.slots[node.decision, node.label]
    source, target = node.inputs[0], node.outputs[0]
    relaxed = net.architecture._decisions[node.decision].relax != "none"

    def step(v: Values, w: Sequence[Tensor], m: Tensor, s: Sequence[Tensor]) -> None:
        needed = relaxed or net.architecture.restriction is not None
        v[target] = v[source] * s[slot] if needed else v[source]

    return step


def _compile_phi(net: Supernet, node: PhiNode, graph: Graph) -> Step:
    raise AssertionError(f"{node.path} depends on {node.condition}, which no mixture decides: {isinstance(node, Sym)}")


_COMPILERS: dict[type[Node], Any] = {
    LayerNode: _compile_layer,
    ParallelNode: _compile_parallel,
    MixNode: _compile_mix,
    GateNode: _compile_gate,
    PhiNode: _compile_phi,
}

__all__ = ["Network", "Supernet", "build_supernet", "spread"]
