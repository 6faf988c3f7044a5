"""Convolutions as matrix products: inputs unfolded into columns, and columns added up where kernels overlap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Geometry:
    """A convolution's sizes, one number per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...] = ()

    def sizes(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial sizes behind a convolution."""
        rows = zip(inputs, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in rows)

    def transposed_sizes(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial sizes behind a transposed convolution."""
        rows = zip(inputs, self.kernel, self.stride, self.padding, self.dilation, self.output_padding, strict=True)
        return tuple((n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, d, o in rows)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some images, and some rows of the output's first spatial axis."""

    images: slice
    rows: slice

    def of(self, maps: Tensor, batch: int) -> Tensor:
        """The piece of a tensor whose axis `batch` counts images, with the spatial axes behind it."""
        part = maps.narrow(batch, self.images.start, self.images.stop - self.images.start)
        if maps.dim() > batch + 1:
            part = part.narrow(batch + 1, self.rows.start, self.rows.stop - self.rows.start)
        return part


class Columns:
    """The columns of a matrix product over maps: `windows` is a view (channels, *kernel, batch, *sizes) of the input.

    A row of the matrix is a channel and a position of the kernel, kernel positions of a channel together, as in a
    weight. Nothing is copied before `fill`.
    """

    def __init__(self, x: Tensor, geometry: Geometry | None = None):
        """`x` is (batch, channels, *spatial); without a geometry every position is a column."""
        self.padded, self.geometry = x, geometry
        self.sizes: tuple[int, ...] = tuple(x.shape[2:])
        self.kernel: tuple[int, ...] = ()
        if geometry is None:
            self.windows = x.transpose(0, 1)
            return
        self.sizes, self.kernel = geometry.sizes(tuple(x.shape[2:])), geometry.kernel
        if any(geometry.padding):
            x = F.pad(x, [p for axis in reversed(geometry.padding) for p in (axis, axis)])
        self.padded = x = x.contiguous()
        per_image, per_channel, *steps = x.stride()
        taps = [a * d for a, d in zip(steps, geometry.dilation, strict=True)]
        places = [a * s for a, s in zip(steps, geometry.stride, strict=True)]
        shape = (x.shape[1], *self.kernel, x.shape[0], *self.sizes)
        self.windows = x.as_strided(shape, (per_channel, *taps, per_image, *places), x.storage_offset())

    @property
    def batch(self) -> int:
        return self.padded.shape[0]

    @property
    def points(self) -> int:
        """Positions of the kernel."""
        return math.prod(self.kernel)

    def pieces(self, rows: int, most: int) -> Iterator[Piece]:
        """Pieces whose columns of `rows` elements are at most `most` elements together, but at least one row of one
        image."""
        first, in_row = (self.sizes or (1,))[0], rows * math.prod(self.sizes[1:])
        images = max(1, min(self.batch, most // max(1, in_row * first)))
        lines = first if images > 1 else max(1, min(first, most // max(1, in_row)))
        for i in range(0, self.batch, images):
            for r in range(0, first, lines):
                yield Piece(slice(i, min(i + images, self.batch)), slice(r, min(r + lines, first)))

    def segments(self, rows: slice) -> Iterator[tuple[slice, slice]]:
        """Rows of the matrix as channels and positions of the kernel: whole channels, and parts of single ones."""
        start, points = rows.start, self.points
        while start < rows.stop:
            channel, offset = divmod(start, points)
            if offset or rows.stop - start < points:
                end = min(rows.stop, (channel + 1) * points)
                yield slice(channel, channel + 1), slice(offset, offset + end - start)
            else:
                end = rows.stop // points * points
                yield slice(channel, end // points), slice(0, points)
            start = end

    def largest(self, parts: Sequence[slice]) -> list[Tensor]:
        """The largest absolute value of every column, (batch, *sizes), for each part of the rows."""
        found = []
        whole = self.padded.abs() if self.points > 1 else None  # of a point, it is cheaper to look at the part alone
        for rows in parts:
            total: Tensor | None = None
            for channels, points in self.segments(rows):
                if points.stop - points.start < self.points:
                    taps = self.windows[channels].reshape(self.points, self.batch, *self.sizes)[points]
                    part = taps.abs().amax(0)
                elif whole is None:
                    inside, axes = self.windows[channels], tuple(range(1 + len(self.kernel)))
                    part = torch.maximum(inside.amax(axes), inside.amin(axes).neg_())
                else:
                    part = self._windowed(whole[:, channels].amax(1))
                total = part if total is None else torch.maximum(total, part)
            assert total is not None
            found.append(total)
        return found

    def _windowed(self, maps: Tensor) -> Tensor:
        """Maxima of (batch, *padded sizes) under the kernel, axis by axis."""
        assert self.geometry is not None
        g = self.geometry
        for axis, (k, s, d, n) in enumerate(zip(self.kernel, g.stride, g.dilation, self.sizes, strict=True), 1):
            taps = [maps.narrow(axis, i * d, (n - 1) * s + 1) for i in range(k)]
            if s > 1:
                taps = [tap[(slice(None),) * axis + (slice(None, None, s),)] for tap in taps]
            maps = taps[0]
            for tap in taps[1:]:
                maps = torch.maximum(maps, tap)
        return maps

    def fill(self, piece: Piece, rows: slice, factors: Tensor | float | None, out: Tensor) -> None:
        """Write a part of the rows to `out` (rows, positions), times `factors` (batch, *sizes) of the columns, or a
        number."""
        windows = piece.of(self.windows, 1 + len(self.kernel))
        maps = windows.shape[1 + len(self.kernel) :]
        scale = piece.of(factors, 0) if isinstance(factors, Tensor) else factors
        at = 0
        for channels, points in self.segments(rows):
            source, count = windows[channels], (channels.stop - channels.start) * (points.stop - points.start)
            if points.stop - points.start < self.points:
                source = source.reshape(self.points, *maps)[points]
            target = out[at : at + count].view(source.shape)
            if scale is None:
                target.copy_(source)
            else:
                torch.mul(source, scale, out=target)
            at += count


def overlap_add(columns: Tensor, geometry: Geometry) -> Tensor:
    """The output of a transposed convolution from (batch, channels * kernel, *sizes of the input).

    Every position adds its kernel to the output; padding is cropped.
    """
    batch, inputs = columns.shape[0], tuple(columns.shape[2:])
    rank = len(inputs)
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
