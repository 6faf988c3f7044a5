"""Norms whose means are taken axis by axis: for runtimes that add up a whole map in one float32 sum.

ONNX Runtime's own normalisation loses about one digit more than torch's on large maps. Short sums lose none.
"""

from __future__ import annotations

import copy

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
        ones = (1,) * (x.dim() - 2)
        x = x - self._mean(x).reshape(x.shape[0], -1, *ones)
        scale = torch.rsqrt(self._mean(x * x) + self.eps)
        weight, bias = self.weight, self.bias
        if weight is None or bias is None:
            return x * scale.reshape(x.shape[0], -1, *ones)
        return x * (scale * weight).reshape(x.shape[0], -1, *ones) + bias.reshape(1, -1, *ones)

    def _mean(self, x: Tensor) -> Tensor:
        """The mean of each channel's group: (batch, channels)."""
        channels = x.shape[1]
        for _ in range(x.dim() - 2):
            x = x.mean(-1)
        if self.groups == channels:
            return x
        groups = torch.unflatten(x, 1, (self.groups, -1)).mean(2, keepdim=True)
        return groups.expand(-1, -1, channels // self.groups).flatten(1)


def with_steady_norms(network: nn.Module) -> nn.Module | None:
    """A copy whose group and instance norms are `SteadyNorm`s with the same weights; None if it has no such norm."""
    changed = copy.deepcopy(network)
    found = False
    for name, module in list(changed.named_modules()):
        new = _steady(module)
        if new is not None:
            outer, _, own = name.rpartition(".")
            setattr(changed.get_submodule(outer), own, new)
            found = True
    return changed.eval() if found else None


def _steady(module: nn.Module) -> SteadyNorm | None:
    if isinstance(module, nn.GroupNorm):
        return SteadyNorm(module.weight, module.bias, module.num_groups, module.eps)
    if isinstance(module, _INSTANCE) and not module.track_running_stats:
        return SteadyNorm(module.weight, module.bias, module.num_features, module.eps)
    return None
