"""One row a layer: how torch computes it. The table is complete for the layers of `std/layers.nas`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from nascompile.backends import torch_functions as tf
from nascompile.backends.weights import initialise, seed_of
from nascompile.diagnostics import NasError
from nascompile.ir.program import LayerNode, TensorType
from nascompile.semantics.extern import extern_entry, missing_extern

Types = tuple[TensorType, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A call without state: `function(*tensors, *args, **kwargs)`."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


Row = Callable[[LayerNode, Types], "nn.Module | Function"]


def emit(node: LayerNode, types: Types, seed: int = 0) -> nn.Module | Function:
    """The torch module or function of a layer whose sizes are known. `types` are those of its inputs.

    Weights have their initial values (`weights.initialise`); torch's global generator is left alone. Raises
    NasError `missing-extern` for a layer that no installed package provides.
    """
    if node.extern is not None:
        return _extern(node, str(node.extern), seed)
    with torch.device("meta"):  # torch's own initial values would only be overwritten
        row = ROWS[node.layer](node, types)
    if isinstance(row, nn.Module):
        row.to_empty(device=torch.get_default_device())
        initialise(node, row, seed)
    return row


def _extern(node: LayerNode, name: str, seed: int) -> nn.Module:
    entry = extern_entry(name)
    if entry is None:
        raise NasError([missing_extern(node.layer, name, node.origin.span, is_needed=True)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(node.path, seed))
        module = entry.load()(**dict(node.attrs))
    assert isinstance(module, nn.Module)
    return module


def per_axis(value: Any, rank: int) -> tuple[Any, ...]:
    """One number per spatial axis."""
    return value if isinstance(value, tuple) else (value,) * rank


def _has(node: LayerNode, name: str) -> bool:
    return any(w.name == name for w in node.weights)


def _convolution(node: LayerNode, types: Types) -> nn.Module:
    rank, a = len(types[0].spatial), node.attrs
    kind: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    module: nn.Module = kind(
        types[0].channels, a["c"], per_axis(a["k"], rank), per_axis(a["stride"], rank), per_axis(a["padding"], rank),
        per_axis(a["dilation"], rank), a["groups"], _has(node, "b"),
    )  # fmt: skip
    return module


def _transposed(node: LayerNode, types: Types) -> nn.Module:
    rank, a = len(types[0].spatial), node.attrs
    kind: Any = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[rank - 1]
    module: nn.Module = kind(
        types[0].channels, a["c"], per_axis(a["k"], rank), per_axis(a["stride"], rank), per_axis(a["padding"], rank),
        per_axis(a["output_padding"], rank), a["groups"], _has(node, "b"), per_axis(a["dilation"], rank),
    )  # fmt: skip
    return module


def _linear(node: LayerNode, types: Types) -> nn.Module:
    with warnings.catch_warnings():
        if node.attrs["c"] == 0 or types[0].channels == 0:  # a gate of few channels has no hidden units, as published
            warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
        return nn.Linear(types[0].channels, node.attrs["c"], _has(node, "b"))  # type: ignore[arg-type]


def _angular(node: LayerNode, types: Types) -> nn.Module:
    return tf.AngularLinear(types[0].channels, node.attrs["c"], node.attrs["margin"])  # type: ignore[arg-type]


def _batch_norm(node: LayerNode, types: Types) -> nn.Module:
    kind: Any = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[len(types[0].spatial)]
    module: nn.Module = kind(types[0].channels, affine=node.attrs["affine"])
    return module


def _group_norm(node: LayerNode, types: Types) -> nn.Module:
    return nn.GroupNorm(node.attrs["groups"], types[0].channels, affine=node.attrs["affine"])  # type: ignore[arg-type]


def _instance_norm(node: LayerNode, types: Types) -> nn.Module:
    kind: Any = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[len(types[0].spatial) - 1]
    module: nn.Module = kind(types[0].channels, affine=node.attrs["affine"])
    return module


def _pool(functions: tuple[Callable[..., Any], ...], **extra: Any) -> Row:
    def row(node: LayerNode, types: Types) -> Function:
        rank, a = len(types[0].spatial), node.attrs
        args = (per_axis(a["k"], rank), per_axis(a["stride"], rank), per_axis(a["padding"], rank))
        return Function(functions[rank - 1], args, extra)

    return row


def _interpolate(node: LayerNode, types: Types) -> Function:
    to, mode = node.attrs["to"], node.attrs["mode"]
    how: dict[str, Any] = {"mode": "nearest", "align_corners": None}
    if mode == "linear":
        name = ("linear", "bilinear", "trilinear")[len(types[0].spatial) - 1]
        how = {"mode": name, "align_corners": node.attrs["align_corners"]}
    if node.sizes_like is not None:
        return Function(tf.resize_like, (), how)
    if isinstance(to, tuple):
        return Function(tf.resize, (), {"size": list(to), **how})
    return Function(tf.rescale, (), {"factor": float(to), **how})


def _merge(function: Callable[..., Any]) -> Row:
    def row(node: LayerNode, types: Types) -> Function:
        largest = max(len(t.axes) for t in types)
        return Function(function, (), {"axes": tuple(largest - len(t.axes) for t in types)})

    return row


def _edges(function: Callable[..., Any]) -> Row:
    def row(node: LayerNode, types: Types) -> Function:
        rank = len(types[0].spatial)
        ends = {name: per_axis(node.attrs[name], rank) for name in ("first", "last")}
        return Function(function, (), ends)

    return row


def _zero(node: LayerNode, types: Types) -> Function:
    return Function(tf.zero, (per_axis(node.attrs["stride"], len(types[0].spatial)),))


def _plain(function: Callable[..., Any], **names: str) -> Row:
    """A function whose keyword arguments are layer arguments, possibly under another name."""
    return lambda node, types: Function(function, (), {k: node.attrs[v] for k, v in names.items()})


def _channel_dropout(node: LayerNode, types: Types) -> nn.Module:
    return (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)[len(types[0].spatial) - 1](node.attrs["p"])


def identity(x: Any) -> Any:
    return x


ROWS: dict[str, Row] = {
    "conv": _convolution,
    "conv_transpose": _transposed,
    "linear": _linear,
    "angular_linear": _angular,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "relu": _plain(F.relu),
    "relu6": _plain(F.relu6),
    "leaky_relu": _plain(F.leaky_relu, negative_slope="slope"),
    "prelu": lambda node, types: nn.PReLU(),
    "elu": _plain(F.elu, alpha="alpha"),
    "selu": _plain(F.selu),
    "gelu": _plain(F.gelu),
    "silu": _plain(F.silu),
    "sigmoid": _plain(F.sigmoid),
    "tanh": _plain(F.tanh),
    "hard_sigmoid": _plain(F.hardsigmoid),
    "hard_swish": _plain(F.hardswish),
    "softmax": _plain(tf.softmax, over="over"),
    "max_pool": _pool((F.max_pool1d, F.max_pool2d, F.max_pool3d)),
    "avg_pool": _pool((F.avg_pool1d, F.avg_pool2d, F.avg_pool3d), count_include_pad=False),
    "global_avg_pool": _plain(tf.global_average),
    "global_max_pool": _plain(tf.global_maximum),
    "channel_max": _plain(tf.channel_maximum),
    "channel_mean": _plain(tf.channel_average),
    "interpolate": _interpolate,
    "pad": _edges(tf.pad),
    "crop": _edges(tf.crop),
    "concat": _plain(tf.concat),
    "add": _merge(tf.add),
    "mul": _merge(tf.multiply),
    "zero": _zero,
    "identity": _plain(identity),
    "dropout": lambda node, types: nn.Dropout(node.attrs["p"]),
    "channel_dropout": _channel_dropout,
    "drop_path": lambda node, types: tf.DropPath(node.attrs["p"], len(types[0].axes)),
    "flatten": lambda node, types: nn.Flatten(),
    "channel_shuffle": _plain(tf.channel_shuffle, groups="groups"),
}
