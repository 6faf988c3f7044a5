"""One function for each node of a supernet's graph: it computes the node's values in place of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nascompile.backends.joined import joined_step
from nascompile.backends.layout import stacks
from nascompile.backends.sums import sum_step
from nascompile.backends.torch_functional import FUNCTIONAL, convolution
from nascompile.backends.torch_functions import spread
from nascompile.backends.torch_layers import emit
from nascompile.backends.weights import TORCH_WEIGHT_NAMES, torch_name
from nascompile.ir.program import (
    SCALED,
    GateNode,
    Graph,
    JoinedNode,
    LayerNode,
    MixNode,
    Node,
    ParallelNode,
    StackedNode,
    SumNode,
    TensorType,
)

if TYPE_CHECKING:
    from nascompile.backends.supernet import Supernet

Values = list[Any]
Tensors = Sequence[Tensor]
Step = Callable[[Values, Tensors, Tensors, Tensors], None]
"""`(values, weights, mixture weights as scalars, mixture weights as scales)`: computes one node in `values`."""

_DROPOUTS: tuple[Any, ...] = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d)


def compile_node(net: Supernet, node: Node, graph: Graph) -> Step:
    """The step of one node."""
    if isinstance(node, LayerNode):
        return _layer(net, node, tuple(graph.types[i] for i in node.inputs))
    if isinstance(node, ParallelNode):
        return _parallel(net, node, len(graph.types[node.inputs[0]].spatial))
    if isinstance(node, MixNode):
        return _mix(net, node)
    if isinstance(node, GateNode):
        return _gate(net, node)
    if isinstance(node, StackedNode):
        return _stacked(net, node)
    if isinstance(node, JoinedNode):
        return joined_step(net, node, len(graph.types[node.inputs[0]].spatial))
    if isinstance(node, SumNode):
        return sum_step(net, node, graph)
    raise AssertionError(f"{node.path}: calls are inlined, and conditions are refused, before a supernet is compiled")


def _layer(net: Supernet, node: LayerNode, types: tuple[TensorType, ...]) -> Step:
    if node.layer in FUNCTIONAL and node.extern is None:
        return _weighted(net, node, types)
    if node.layer in ("dropout", "channel_dropout"):
        return _dropout(net, node, len(types[0].spatial))
    inputs = [*node.inputs, *([] if node.sizes_like is None else [node.sizes_like])]
    outputs, source, target = node.outputs, inputs[0], node.outputs[0]
    row = emit(node, types, net.seed)
    if isinstance(row, nn.Module):
        module = net.layer(node.path, row)

        def call(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
            _store(v, outputs, module(*(v[i] for i in inputs)))

        return call
    function, args, kwargs = row.function, row.args, dict(row.kwargs)
    if len(inputs) == 1 and not args and not kwargs:

        def simple(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
            v[target] = function(v[source])

        return simple

    def general(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        v[target] = function(*(v[i] for i in inputs), *args, **kwargs)

    return general


def _dropout(net: Supernet, node: LayerNode, rank: int) -> Step:
    drop, p = _DROPOUTS[rank if node.layer == "channel_dropout" else 0], float(node.attrs["p"])
    source, target = node.inputs[0], node.outputs[0]

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        v[target] = drop(v[source], p, net.training)

    return step


def _store(values: Values, outputs: tuple[int, ...], result: Any) -> None:
    if len(outputs) == 1:
        values[outputs[0]] = result
    else:
        for target, tensor in zip(outputs, result, strict=True):
            values[target] = tensor


def _weighted(net: Supernet, node: LayerNode, types: tuple[TensorType, ...]) -> Step:
    function = FUNCTIONAL[node.layer](node, types)
    names = [f"{node.path}.{w.name}" for w in node.weights if not w.is_buffer]
    places = [net.layout.position[name] for name in names]
    rows = [net.layout.row.get(name) for name in names]
    source, outputs = node.inputs[0], node.outputs
    buffers = [TORCH_WEIGHT_NAMES[w.name] for w in node.weights if w.is_buffer]
    running = net.running.get_submodule(torch_name(node.path))._buffers if buffers else {}
    is_stacked = any(row is not None for row in rows)  # a merged convolution outside of its merger

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        own: list[Any] = [w[i] for i in places] if not is_stacked else _rows(w, places, rows)
        own += [running[name] for name in buffers]
        _store(v, outputs, function(v[source], own, net.training))

    return step


def _rows(w: Tensors, places: list[int], rows: list[int | None]) -> list[Any]:
    return [w[i] if row is None else w[i][row] for i, row in zip(places, rows, strict=True)]


def _parallel(net: Supernet, node: ParallelNode, rank: int) -> Step:
    """One convolution for all branches; the norm's weight is the mixture weight of the channel's branch."""
    source, channels = node.inputs[0], int(node.attrs["c"])
    run_conv = convolution(node.layer, node.attrs, rank)
    kernels = _kernels(net, node, rank)
    slots = [net.architecture.slots[b.decision, b.label] for b in node.branches]
    scale = net.scale([slot for slot in slots for _ in range(channels)])
    columns = [[n for n, owner in enumerate(node.owners) if owner == k] for k in range(len(node.outputs))]
    regular = _regular(columns)
    groups = node.norm_groups * len(slots)
    activated, outputs = node.is_activated, node.outputs
    drop = _drop_branches(net, slots, channels)

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        y = run_conv(v[source], kernels(w), None)
        y = F.group_norm(y, groups, scales[scale])
        if activated:
            y = F.relu(y, inplace=True)
        if drop is not None:
            y = drop(y)
        # Slices by unbind and sums by `+`: their gradients stay dense, those of `sum` and indexing do not.
        if regular is None:
            slices = torch.unflatten(y, 1, (-1, channels)).unbind(1)
            for target, column in zip(outputs, columns, strict=True):
                result = slices[column[0]]
                for n in column[1:]:
                    result = result + slices[n]
                v[target] = result
            return
        each, count = regular
        if each > 1:
            y, *rest = torch.unflatten(y, 1, (each, -1)).unbind(1)
            for piece in rest:
                y = y + piece
        if count == 1:
            v[outputs[0]] = y
        else:
            _store(v, outputs, torch.unflatten(y, 1, (count, -1)).unbind(1))

    return step


def candidate_dropout(net: Supernet) -> Callable[[Tensor], Tensor]:
    """Dropout of a candidate's output with the probability of the current step, while the supernet trains."""
    return lambda x: F.dropout(x, net.candidate_dropout, net.training)


def _drop_branches(net: Supernet, slots: list[int], channels: int) -> Callable[[Tensor], Tensor] | None:
    """Candidate dropout on the joint output of several candidates, `channels` of it each; None without any."""
    chosen = [n for n, slot in enumerate(slots) if slot in net.dropped]
    if not chosen:
        return None
    whole = candidate_dropout(net)
    if len(chosen) == len(slots):
        return whole

    def some(y: Tensor) -> Tensor:
        if not net.training or net.candidate_dropout == 0:
            return y
        branches = torch.unflatten(y, 1, (-1, channels))
        mask = torch.ones_like(branches)
        mask[:, chosen] = whole(mask[:, chosen])
        return (branches * mask).flatten(1, 2)

    return some


def _kernels(net: Supernet, node: ParallelNode, rank: int) -> Callable[[Tensors], Tensor]:
    """The kernel of all branches: dense ones as they are, separable ones as the product of their two parts."""
    places = [net.layout.position[f"{layers[0].path}.w"] for layers in stacks(node)]
    transposed = node.layer == "conv_transpose"
    has_dense = len(places) != 2
    ones = (1,) * rank

    def kernels(w: Tensors) -> Tensor:
        parts = [w[places[0]]] if has_dense else []
        if len(places) > 1:
            depthwise, pointwise = w[places[-2]], w[places[-1]]
            n, c = pointwise.shape[0], pointwise.shape[1]
            # pointwise [n, out, in, 1..], depthwise [n, in, 1, k..]
            if transposed:
                parts.append(pointwise.view(n, c, c, *ones).transpose(1, 2) * depthwise)
            else:
                parts.append(pointwise.view(n, c, c, *ones) * depthwise.transpose(1, 2))
        stacked = parts[0] if len(parts) == 1 else torch.cat(parts)
        if transposed:  # [n, in, out, k..] -> [in, n * out, k..]
            return stacked.transpose(0, 1).flatten(1, 2)
        return stacked.flatten(0, 1)

    return kernels


def _regular(columns: list[list[int]]) -> tuple[int, int] | None:
    """(branches an output, outputs) when one sum over the first of them folds the branches into the outputs."""
    outputs, each = len(columns), len(columns[0])
    if all(column == [n * outputs + k for n in range(each)] for k, column in enumerate(columns)):
        return each, outputs
    return None


def _mix(net: Supernet, node: MixNode) -> Step:
    slots = net.architecture.slots
    factors = node.factors or (None,) * len(node.labels)
    scaled: list[int] = []
    plain: dict[int, list[tuple[int, int | None]]] = {}
    dropped: list[tuple[int, int, int | None]] = []
    for value, label, factor in zip(node.inputs, node.labels, factors, strict=False):
        if label == SCALED:
            scaled.append(value)
            continue
        slot, vector = slots[node.decision, label], None if factor is None else node.inputs[factor]
        if slot in net.dropped:
            dropped.append((value, slot, vector))
        else:
            plain.setdefault(value, []).append((slot, vector))
    target = node.outputs[0]
    terms = [
        (value, [s for s, f in of if f is None], [(s, f) for s, f in of if f is not None])
        for value, of in plain.items()
    ]

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        result = None
        for i in scaled:
            result = v[i] if result is None else result + v[i]
        for value, alone, gated in terms:
            x = v[value]
            factor: Any = None
            for slot in alone:
                factor = s[slot] if factor is None else factor + s[slot]
            for slot, vector in gated:
                factor = v[vector] * s[slot] if factor is None else torch.addcmul(factor, v[vector], s[slot])
            if gated:
                factor = spread(factor, x.dim() - 2)
            result = x * factor if result is None else torch.addcmul(result, x, factor)
        v[target] = result

    if not dropped:
        return step
    drop = candidate_dropout(net)

    def with_dropped(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        step(v, w, s, scales)
        result = v[target]
        for value, slot, vector in dropped:
            x = v[value]
            x = drop(x if vector is None else x * spread(v[vector], x.dim() - 2))
            result = x * s[slot] if result is None else torch.addcmul(result, x, s[slot])
        v[target] = result

    return with_dropped


def _stacked(net: Supernet, node: StackedNode) -> Step:
    """Chains of vector layers side by side: `(chains, batch, features)`."""
    source, outputs, count = node.inputs[0], node.outputs, len(node.chains)
    stages: list[tuple[Any, list[int]]] = []
    for layer in node.chains[0]:
        row = None if layer.layer == "linear" else emit(layer, (), net.seed)
        assert not isinstance(row, nn.Module)
        stages.append((row, [net.layout.position[f"{layer.path}.{weight.name}"] for weight in layer.weights]))

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        x = v[source]
        for number, (row, places) in enumerate(stages):
            if row is not None:
                x = row.function(x, *row.args, **row.kwargs)
            elif number == 0:
                bias = w[places[1]].flatten() if len(places) > 1 else None
                x = torch.unflatten(F.linear(x, w[places[0]].flatten(0, 1), bias), 1, (count, -1)).transpose(0, 1)
            elif len(places) > 1:
                x = torch.baddbmm(w[places[1]].unsqueeze(1), x, w[places[0]].transpose(1, 2))
            else:
                x = torch.bmm(x, w[places[0]].transpose(1, 2))
        _store(v, outputs, x.unbind(0))

    return step


def finished_after(nodes: Sequence[Node], outputs: Sequence[int]) -> list[list[int]]:
    """For every node, the values that nothing after it reads."""
    seen: set[int] = set()
    result: list[list[int]] = []
    for node in reversed(nodes):
        used = set(node.inputs)
        if isinstance(node, LayerNode) and node.sizes_like is not None:
            used.add(node.sizes_like)
        result.append([v for v in used if v not in seen and v not in outputs])
        seen |= used
    return result[::-1]


def _gate(net: Supernet, node: GateNode) -> Step:
    architecture = net.architecture
    slot = architecture.slots[node.decision, node.label]
    source, target = node.inputs[0], node.outputs[0]
    relaxed = architecture.decisions[node.decision].relax != "none"

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        # Edges without weights of their own count only under a restriction.
        needed = relaxed or architecture.restriction is not None
        v[target] = v[source] * s[slot] if needed else v[source]

    return step
