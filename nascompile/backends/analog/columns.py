"""Convolutions as matrix products: inputs unfolded into columns, and columns added up where kernels overlap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# Elements of a piece of unfolded input: small enough to stay in a core's cache through scaling, rounding, product.
PIECE = 1 << 19


@dataclass(frozen=True, slots=True)
class Geometry:
    """A convolution's sizes, one number per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...] = ()

    @property
    def points(self) -> int:
        """Positions of the kernel."""
        return math.prod(self.kernel)

    @property
    def is_pointwise(self) -> bool:
        """Whether every output position sees the one input position it stands at."""
        return self.points == 1 and set(self.stride) == {1} and set(self.padding) == {0}

    def sizes(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial sizes behind a convolution."""
        rows = zip(inputs, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in rows)

    def transposed_sizes(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial sizes behind a transposed convolution."""
        rows = zip(inputs, self.kernel, self.stride, self.padding, self.dilation, self.output_padding, strict=True)
        return tuple((n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, d, o in rows)


def unfolded(x: Tensor, geometry: Geometry) -> Iterator[tuple[slice, slice, Tensor]]:
    """Pieces of the columns of a convolution's input `(batch, channels, *spatial)`.

    A piece is `(images, rows, columns)`: `rows` counts along the first spatial axis of the output, and `columns` is
    a new tensor (images, channels * kernel, positions), the channel's kernel positions together, as in a weight.
    """
    sizes = geometry.sizes(tuple(x.shape[2:]))
    x = F.pad(x, [p for axis in reversed(geometry.padding) for p in (axis, axis)]).contiguous()
    batch, channels = x.shape[:2]
    strides = x.stride()
    shape = (*geometry.kernel, *sizes)
    steps = (*(a * d for a, d in zip(strides[2:], geometry.dilation, strict=True)),
             *(a * s for a, s in zip(strides[2:], geometry.stride, strict=True)))  # fmt: skip
    windows = x.as_strided((batch, channels, *shape), (*strides[:2], *steps))
    first = 2 + len(sizes)
    in_row = channels * geometry.points * math.prod(sizes[1:])
    images = max(1, min(batch, PIECE // max(1, in_row * sizes[0])))
    rows = sizes[0] if images > 1 else max(1, min(sizes[0], PIECE // max(1, in_row)))
    for i in range(0, batch, images):
        for r in range(0, sizes[0], rows):
            end = min(r + rows, sizes[0])
            piece = windows[i : i + images].narrow(first, r, end - r)
            columns = torch.empty(piece.shape, dtype=x.dtype, device=x.device).copy_(piece)
            yield (
                slice(i, i + piece.shape[0]),
                slice(r, end),
                columns.view(piece.shape[0], channels * geometry.points, -1),
            )


def overlap_add(columns: Tensor, geometry: Geometry, inputs: tuple[int, ...]) -> Tensor:
    """The output of a transposed convolution from (batch, channels * kernel, positions of the input).

    `inputs` are the input's spatial sizes. Every position adds its kernel to the output; padding is cropped.
    """
    rank, batch = len(inputs), columns.shape[0]
    sizes = geometry.transposed_sizes(inputs)
    columns = columns.view(batch, -1, *geometry.kernel, *inputs)
    full = tuple(n + 2 * p for n, p in zip(sizes, geometry.padding, strict=True))
    total = columns.new_zeros(batch, columns.shape[1], *full)
    for place in torch.cartesian_prod(*(torch.arange(k) for k in geometry.kernel)).reshape(-1, rank).tolist():
        window = tuple(
            slice(k * d, k * d + (n - 1) * s + 1, s)
            for k, d, n, s in zip(place, geometry.dilation, inputs, geometry.stride, strict=True)
        )
        total[(slice(None), slice(None), *window)] += columns[(slice(None), slice(None), *place)]
    crop = tuple(slice(p, p + n) for p, n in zip(geometry.padding, sizes, strict=True))
    return total[(slice(None), slice(None), *crop)]
