"""What torch's kernels hold in memory beside their tensors, as data: saved for the backward pass, and as workspace.

The rules are those of torch 2 on a CPU with one thread: oneDNN for large convolutions (blocked copies of input and
output, channels in multiples of 16), unfolded columns for small ones. `benchmarks/peak_memory.py` compares them with
torch's own allocations.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from nascompile.ir.program import LayerNode

Axes = tuple[int, ...]

SAVED_INPUT = frozenset(
    {
        "conv", "conv_transpose", "linear", "angular_linear", "batch_norm", "group_norm", "instance_norm", "relu6",
        "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "hard_sigmoid", "hard_swish", "max_pool", "avg_pool",
        "global_max_pool", "channel_max", "mul",
    }
)  # fmt: skip
"""Layers whose backward pass needs their inputs."""

SAVED_OUTPUT = frozenset({"relu", "sigmoid", "tanh", "softmax", "global_max_pool", "channel_max"})
"""Layers whose backward pass needs their output."""

VIEWS = frozenset({"flatten", "crop", "identity"})
"""Layers that allocate nothing: their output is their input's memory."""

DROPOUTS = frozenset({"dropout", "channel_dropout", "drop_path"})
"""Layers that pass their input on when a network is evaluated."""

SHARED_GRADIENT = frozenset({"add", "concat", "flatten", "identity"})
"""Layers that hand the gradient of their output on without a copy."""

COPIED_GRADIENT = frozenset({"batch_norm", "instance_norm", "mul"})
"""Layers that hold one more tensor of the input's size while they compute its gradient."""

INDEX_BYTES = 8
"""Max pooling remembers where each maximum was."""

BLOCK = 16
NATIVE_BELOW = 20_480
"""Elements of a batch (batch, channels and two axes) up to which torch convolves without oneDNN."""


SMALL_SIDES = 128
"""Sum of the sides up to which torch resizes maps with the channels last."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Elements that a layer holds at most beside its inputs: its output among them (`forward`); beside inputs,
    outputs and the output's gradient, the input's gradient among them (`backward`)."""

    forward: int
    backward: int


def workspace(node: LayerNode, inputs: list[Axes], output: Axes, batch: int) -> Workspace:
    """The workspace of a layer. Axes are those of one sample, channels first."""
    size, largest = batch * prod(output), batch * sum(prod(a) for a in inputs)
    if node.layer in ("conv", "conv_transpose"):
        return _convolution(node, inputs[0], output, batch)
    if node.layer in ("add", "mul") and len(inputs) > 2:
        return Workspace(2 * size, largest)
    if node.layer == "interpolate" and _is_interleaved(node, output):
        return Workspace(2 * size + largest, largest)
    if node.layer == "max_pool":
        return Workspace(size * (1 + INDEX_BYTES // 4), largest)
    return Workspace(size, largest * (2 if node.layer in COPIED_GRADIENT else 1))


def _convolution(node: LayerNode, source: Axes, target: Axes, batch: int) -> Workspace:
    rank = len(source) - 1
    k, stride = (_per_axis(node.attrs[name], rank) for name in ("k", "stride"))
    groups, taps = node.attrs["groups"], prod(k)
    positions_in, positions_out = batch * prod(source[1:]), batch * prod(target[1:])
    size_in, size_out = source[0] * positions_in, target[0] * positions_out
    transposed = node.layer == "conv_transpose"
    is_pointwise = taps == 1 and max(stride) == 1 and batch < BLOCK
    if is_pointwise and not transposed:
        return Workspace(size_out, size_in * (2 if rank == 3 else 1))  # columns of volumes, a view of images
    if _is_native(source, k, groups, batch):
        columns = target[0] * taps * positions_in if transposed else source[0] * taps * positions_out
        columns = columns // batch
        extra = size_in if transposed else 0
        weights = source[0] * target[0] * taps
        return Workspace(size_out + max(columns, extra), size_in + columns + weights)
    blocked_in = positions_in * (_blocked(source[0]) if source[0] >= BLOCK else 0)
    blocked_out = positions_out * _blocked(target[0])
    depth = BLOCK if groups > 1 else _blocked(source[0]) if source[0] >= BLOCK else source[0]
    copied = depth * _blocked(target[0]) * taps // (BLOCK if groups > 1 else 1)
    backward = size_in + positions_in * _blocked(source[0]) + blocked_out + copied
    if transposed:
        return Workspace((2 if groups > 1 else 3) * size_out, backward)
    if groups > 1 and rank == 3:
        return Workspace(3 * size_out, 2 * size_in)
    if max(stride) > 1:
        backward = max(backward, 3 * size_in)
    if taps == 1:
        copied += source[0] * positions_out  # the input at the positions that the stride leaves
    return Workspace(max(blocked_in + copied + blocked_out, blocked_out + size_out), backward)


def _is_interleaved(node: LayerNode, output: Axes) -> bool:
    """Whether torch resizes a copy with the channels last: small maps of several channels."""
    if len(output) != 3:
        return False
    is_colour = node.attrs["mode"] == "linear" and output[0] == 3
    return is_colour or (output[0] > 1 and sum(output[1:]) <= SMALL_SIDES)


def _is_native(source: Axes, k: Axes, groups: int, batch: int) -> bool:
    if groups > 1 or batch > 1 or (len(k) > 1 and k[-1] > 3 and k[-2] > 3):
        return False
    return prod(source[:3]) <= NATIVE_BELOW


def _blocked(channels: int) -> int:
    return -(-channels // BLOCK) * BLOCK


def _per_axis(value: Any, rank: int) -> Axes:
    return tuple(value) if isinstance(value, tuple) else (value,) * rank
