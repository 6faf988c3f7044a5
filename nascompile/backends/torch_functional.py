"""Layers with weights as functions of them: `call(x, weights, attrs)`. The supernet keeps its weights in one tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nascompile.backends.torch_functions import AngularLinear, chebyshev
from nascompile.backends.torch_layers import per_axis
from nascompile.ir.program import LayerNode, TensorType

Call = Callable[[Tensor, Sequence[Tensor], bool], Any]
"""`(input, weights in declaration order, training) -> output`."""

_CONV: tuple[Any, ...] = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSED: tuple[Any, ...] = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


def convolution(layer: str, attrs: Mapping[str, Any], rank: int) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A bare convolution `(x, weight, bias) -> y` with the geometry of the layer's arguments."""
    stride, padding, dilation = (per_axis(attrs[n], rank) for n in ("stride", "padding", "dilation"))
    groups = attrs["groups"]
    if layer == "conv":
        function = _CONV[rank - 1]
        return lambda x, w, b: function(x, w, b, stride, padding, dilation, groups)
    function = _TRANSPOSED[rank - 1]
    extra = per_axis(attrs["output_padding"], rank)
    return lambda x, w, b: function(x, w, b, stride, padding, extra, groups, dilation)


def _conv(node: LayerNode, types: tuple[TensorType, ...]) -> Call:
    run = convolution(node.layer, node.attrs, len(types[0].spatial))
    return lambda x, w, training: run(x, w[0], w[1] if len(w) > 1 else None)


def _linear(node: LayerNode, types: tuple[TensorType, ...]) -> Call:
    return lambda x, w, training: F.linear(x, w[0], w[1] if len(w) > 1 else None)


def _group_norm(node: LayerNode, types: tuple[TensorType, ...]) -> Call:
    groups = node.attrs["groups"]
    return lambda x, w, training: F.group_norm(x, groups, *(w or (None, None)))


def _instance_norm(node: LayerNode, types: tuple[TensorType, ...]) -> Call:
    channels = types[0].channels  # groups of one channel: the same numbers, and on a CPU a third of the time
    return lambda x, w, training: F.group_norm(x, channels, *(w or (None, None)))  # type: ignore[arg-type]


def _batch_norm(node: LayerNode, types: tuple[TensorType, ...]) -> Call:
    affine = bool(node.attrs["affine"])

    def call(x: Tensor, w: Sequence[Tensor], training: bool) -> Tensor:
        scale, shift = (w[0], w[1]) if affine else (None, None)
        return F.batch_norm(x, w[-2], w[-1], scale, shift, training)

    return call


def _prelu(node: LayerNode, types: tuple[TensorType, ...]) -> Call:
    return lambda x, w, training: F.prelu(x, w[0])


def _angular(node: LayerNode, types: tuple[TensorType, ...]) -> Call:
    margin = int(node.attrs["margin"])

    def call(x: Tensor, w: Sequence[Tensor], training: bool) -> tuple[Tensor, Tensor]:
        head = _Angular(w[0], margin)
        return head.forward(x)

    return call


class _Angular(AngularLinear):
    """The head on a weight that lives elsewhere."""

    def __init__(self, weight: Tensor, margin: int):
        torch.nn.Module.__init__(self)
        object.__setattr__(self, "weight", weight)
        self.margin = margin


FUNCTIONAL: dict[str, Callable[[LayerNode, tuple[TensorType, ...]], Call]] = {
    "conv": _conv,
    "conv_transpose": _conv,
    "linear": _linear,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "batch_norm": _batch_norm,
    "prelu": _prelu,
    "angular_linear": _angular,
}

__all__ = ["FUNCTIONAL", "chebyshev", "convolution"]
