"""Tensor functions behind layers that torch has no single call for. Batch first, channels second."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def resize(x: Tensor, size: list[int], mode: str, align_corners: bool | None) -> Tensor:
    """`x` at a fixed spatial size. `mode` is torch's name; `align_corners` is None for `nearest`."""
    return F.interpolate(x, size=size, mode=mode, align_corners=align_corners)


def resize_like(x: Tensor, reference: Tensor, mode: str, align_corners: bool | None) -> Tensor:
    """`x` at the spatial size of `reference`."""
    return F.interpolate(x, size=reference.shape[2:], mode=mode, align_corners=align_corners)


def rescale(x: Tensor, factor: float, mode: str, align_corners: bool | None) -> Tensor:
    """`x` at floor(factor * size); with a whole factor or aligned corners the scale is that of the sizes."""
    return F.interpolate(x, scale_factor=factor, mode=mode, align_corners=align_corners)


def pad(x: Tensor, first: tuple[int, ...], last: tuple[int, ...]) -> Tensor:
    """Zeros before and behind every spatial axis."""
    amounts: list[int] = []
    for a, b in zip(reversed(first), reversed(last), strict=True):
        amounts += [a, b]
    return F.pad(x, amounts)


def crop(x: Tensor, first: tuple[int, ...], last: tuple[int, ...]) -> Tensor:
    """Positions removed at the start and the end of every spatial axis."""
    for axis, (a, b) in enumerate(zip(first, last, strict=True), 2):
        x = x.narrow(axis, a, x.shape[axis] - a - b) if a or b else x
    return x


def multiply(*factors: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Product. `axes[n]` axes are appended to factor `n`: vectors act on the channels of maps."""
    result, *rest = (spread(x, n) for x, n in zip(factors, axes, strict=True))
    for factor in rest:
        result = result * factor
    return result


def add(*summands: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Sum, with axes appended as in `multiply`."""
    result, *rest = (spread(x, n) for x, n in zip(summands, axes, strict=True))
    for summand in rest:
        result = result + summand
    return result


def spread(x: Tensor, axes: int) -> Tensor:
    """`x` with trailing axes of length 1."""
    return x[(..., *(None,) * axes)] if axes else x


def concat(*parts: Tensor) -> Tensor:
    """Concatenation over the channels."""
    return torch.cat(parts, 1)


def global_average(x: Tensor) -> Tensor:
    return x.flatten(2).mean(2)


def global_maximum(x: Tensor) -> Tensor:
    return x.flatten(2).amax(2)


def channel_maximum(x: Tensor) -> Tensor:
    return x.amax(1, keepdim=True)


def channel_average(x: Tensor) -> Tensor:
    return x.mean(1, keepdim=True)


def softmax(x: Tensor, over: str) -> Tensor:
    """Over the channels, or over all positions of every channel."""
    if over == "channels":
        return torch.softmax(x, 1)
    return torch.softmax(x.flatten(2), 2).reshape(x.shape)


def zero(x: Tensor, stride: tuple[int, ...]) -> Tensor:
    """Zeros of the size that a stride leaves: ceil(size / stride)."""
    for axis, step in enumerate(stride, 2):
        x = x[(slice(None),) * axis + (slice(None, None, step),)] if step > 1 else x
    return torch.zeros_like(x)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Zhang et al., ShuffleNet, CVPR 2018."""
    return torch.unflatten(x, 1, (groups, -1)).transpose(1, 2).flatten(1, 2)


class DropPath(nn.Module):
    """Whole samples at a time (Huang et al., Deep Networks with Stochastic Depth, ECCV 2016).

    `rank` is the number of axes behind the batch.
    """

    def __init__(self, p: float, rank: int):
        super().__init__()
        self.p = p
        self.rank = rank

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        shape = (x.shape[0],) + (1,) * self.rank
        return x * torch.bernoulli(torch.full(shape, 1 - self.p, dtype=x.dtype, device=x.device)) / (1 - self.p)


class AngularLinear(nn.Module):
    """A-Softmax head (Liu et al., SphereFace, CVPR 2017, eq. 7): `|x| cos(t)` and `|x| psi(t)`.

    `psi(t) = (-1)^k cos(m t) - 2 k` with `k = floor(m t / pi)`. Weight (features, classes), columns normalised.
    """

    def __init__(self, features: int, classes: int, margin: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features, classes))
        self.margin = margin

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        directions = self.weight / self.weight.norm(dim=0, keepdim=True)
        length = x.norm(dim=1, keepdim=True)
        cosine = (x @ directions / length).clamp(-1, 1)
        angle = self.margin * torch.acos(cosine.detach())
        turns = torch.floor(angle / math.pi)
        sign = 1 - 2 * (turns % 2)
        psi = sign * chebyshev(cosine, self.margin) - 2 * turns
        return cosine * length, psi * length


def chebyshev(x: Tensor, degree: int) -> Tensor:
    """cos(degree * acos(x)) as a polynomial, differentiable at the ends."""
    previous, current = torch.ones_like(x), x
    for _ in range(degree - 1):
        previous, current = current, 2 * x * current - previous
    return current if degree else previous
