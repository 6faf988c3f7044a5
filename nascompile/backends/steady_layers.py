"""Layers in forms that lose no digits in runtimes which compute them less exactly than torch.

ONNX Runtime's normalisation loses about one digit on large maps, its product of a single vector with a matrix about
half a digit: sums are taken in short pieces. Its linear resizes lose one digit in the positions: those are counted in
whole numbers.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nascompile.backends import torch_functions as tf

_SYM_MAX: Any = torch.sym_max
_SYM_INT: Any = torch.sym_int
"""Of sizes that an export leaves free."""

_INSTANCE = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)


class SteadyNorm(nn.Module):
    """Group norm of `(batch, channels, *space)`; an instance norm has as many groups as channels."""

    def __init__(self, weight: nn.Parameter | None, bias: nn.Parameter | None, groups: int, eps: float):
        super().__init__()
        self.groups = groups
        self.eps = eps
        self.weight: nn.Parameter | None = weight
        self.bias: nn.Parameter | None = bias

    def forward(self, x: Tensor) -> Tensor:
        x = x - self._mean(x)
        scale = torch.rsqrt(self._mean(x * x) + self.eps)
        weight, bias = self.weight, self.bias
        if weight is None or bias is None:
            return x * scale
        shape = (-1, *(1,) * (x.dim() - 2))
        return x * (scale * weight.reshape(shape)) + bias.reshape(shape)

    def _mean(self, x: Tensor) -> Tensor:
        """The mean of each group, as a tensor that `x` can be combined with; no shape is asked for, which is slow."""
        channels, rank = x.shape[1], x.dim()
        for axis in range(rank - 1, 1, -1):
            x = x.mean(axis, keepdim=True)
        if self.groups == channels:
            return x
        if self.groups == 1:
            return x.mean(1, keepdim=True)
        each = channels // self.groups
        grouped = x.reshape(-1, self.groups, each).mean(2, keepdim=True).expand(-1, -1, each)
        return grouped.reshape(-1, channels, *(1,) * (rank - 2))


class SteadyLinear(nn.Module):
    """A linear layer of `(batch, ..., inputs)` as products and their sum, which runtimes take in pieces."""

    def __init__(self, weight: Tensor, bias: nn.Parameter | None):
        super().__init__()
        self.weight = weight
        self.bias: nn.Parameter | None = bias

    def forward(self, x: Tensor) -> Tensor:
        y = (x.unsqueeze(-2) * self.weight).sum(-1)
        return y if self.bias is None else y + self.bias


def resize(x: Tensor, size: Sequence[Any], mode: str, align_corners: bool | None) -> Tensor:
    """Linear `torch_functions.resize`: axis by axis, from the two neighbours of each position.

    A position is a fraction of whole numbers: i (n - 1) / (m - 1) with aligned corners, else ((2 i + 1) n - m) / 2 m.
    """
    for axis, count in enumerate(size, 2):
        before, index = x.shape[axis], torch.arange(count, device=x.device)
        over, under = index * (before - 1), _SYM_MAX(count - 1, 1)
        if not align_corners:
            over, under = torch.clamp((2 * index + 1) * before - count, min=0), 2 * count
        first = torch.div(over, under, rounding_mode="floor")
        share = (over - first * under).to(x.dtype) / under
        share = share.reshape(-1, *(1,) * (x.dim() - 1 - axis))
        second = torch.clamp(first + 1, max=before - 1)
        x = x.index_select(axis, first) * (1 - share) + x.index_select(axis, second) * share
    return x


def resize_like(x: Tensor, reference: Tensor, mode: str, align_corners: bool | None) -> Tensor:
    """Linear `torch_functions.resize_like`."""
    return resize(x, reference.shape[2:], mode, align_corners)


def rescale(x: Tensor, factor: float, mode: str, align_corners: bool | None) -> Tensor:
    """Linear `torch_functions.rescale` with a whole factor or with aligned corners."""
    return resize(x, [_times(size, factor) for size in x.shape[2:]], mode, align_corners)


def _times(size: Any, factor: float) -> Any:
    """floor(factor * size), in whole numbers where the factor or its inverse is one."""
    if factor.is_integer():
        return size * int(factor)
    if (1 / factor).is_integer():
        return size // int(1 / factor)
    return _SYM_INT(math.floor(size * factor))


_RESIZES: dict[Any, Callable[..., Tensor]] = {
    tf.resize: resize,
    tf.resize_like: resize_like,
    tf.rescale: rescale,
}


def with_steady_layers(network: nn.Module, image: Tensor, least: int = 0) -> nn.Module | None:
    """A copy whose norms and linear layers over more than `least` numbers, and whose linear resizes, are steady
    ones with the same weights.

    How many numbers a norm averages is found by running `image` (1, channels, *sizes) through the network. None if
    there is no such layer.
    """
    averaged = _averaged(network, image)
    changed = copy.deepcopy(network)
    found = _steady_resizes(changed)
    for name, module in list(changed.named_modules()):
        new: nn.Module | None = None
        if isinstance(module, nn.Linear):
            is_long = module.in_features > least and module.out_features > 0  # a gate of few channels may have none
            new = SteadyLinear(module.weight, module.bias) if is_long else None
        elif averaged.get(name, 0) > least:
            new = _steady(module)
        if new is not None:
            outer, _, own = name.rpartition(".")
            setattr(changed.get_submodule(outer), own, new)
            found = True
    return changed.eval() if found else None


def _steady_resizes(network: nn.Module) -> bool:
    """Put steady resizes into a traced network; whether there were any."""
    if not isinstance(network, torch.fx.GraphModule):
        return False
    found = False
    for node in network.graph.nodes:
        if node.op != "call_function" or node.target not in _RESIZES or node.kwargs["mode"] == "nearest":
            continue
        # With any other factor the scale is the factor, and not that of the sizes.
        if node.target is not tf.rescale or node.kwargs["align_corners"] or node.kwargs["factor"].is_integer():
            node.target = _RESIZES[node.target]
            found = True
    if found:
        network.recompile()
    return found


def _averaged(network: nn.Module, image: Tensor) -> dict[str, int]:
    """How many numbers of one image each norm takes a mean of, by the name of its module."""
    found: dict[str, int] = {}

    def note(name: str, groups: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda module, inputs: found.__setitem__(name, inputs[0][0].numel() // groups)

    hooks = [
        module.register_forward_pre_hook(note(name, steady.groups))
        for name, module in network.named_modules()
        if (steady := _steady(module)) is not None
    ]
    try:
        with torch.no_grad():
            network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _steady(module: nn.Module) -> SteadyNorm | None:
    if isinstance(module, nn.GroupNorm):
        return SteadyNorm(module.weight, module.bias, module.num_groups, module.eps)
    if isinstance(module, _INSTANCE) and not module.track_running_stats:
        return SteadyNorm(module.weight, module.bias, module.num_features, module.eps)
    return None
