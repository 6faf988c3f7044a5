"""Norms and linear layers whose sums are taken in short pieces: for runtimes that add up all numbers one after another.

ONNX Runtime's own normalisation loses about one digit more than torch's on large maps, and its product of a single
vector with a matrix about half a digit. Short sums lose none.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

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


def with_steady_sums(network: nn.Module, image: Tensor, least: int = 0) -> nn.Module | None:
    """A copy whose norms and linear layers over more than `least` numbers are steady ones with the same weights.

    How many numbers a norm averages is found by running `image` (1, channels, *sizes) through the network. None if
    there is no such layer.
    """
    averaged = _averaged(network, image)
    changed = copy.deepcopy(network)
    found = False
    for name, module in list(changed.named_modules()):
        new = _steady(module)
        if new is not None and averaged.get(name, 0) > least:
            outer, _, own = name.rpartition(".")
            setattr(changed.get_submodule(outer), own, new)
            found = True
        elif isinstance(module, nn.Linear) and module.in_features > least:
            outer, _, own = name.rpartition(".")
            setattr(changed.get_submodule(outer), own, SteadyLinear(module.weight, module.bias))
            found = True
    return changed.eval() if found else None


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
