"""How a layer's matrix lies on tiles: blocks of packed groups, each split into equal parts of rows and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nascompile.analog.mapping import split_sizes


@dataclass(frozen=True, slots=True)
class Block:
    """A matrix on tiles of its own: `rows` of the layer's inputs to `columns` of its outputs, for some groups.

    `row_parts` and `column_parts` are the lengths of the tiles' sides.
    """

    groups: slice
    rows: slice
    columns: slice
    row_parts: tuple[int, ...]
    column_parts: tuple[int, ...]

    @property
    def packed(self) -> int:
        """Groups on the diagonal."""
        return self.groups.stop - self.groups.start  # type: ignore[no-any-return]

    def parts(self) -> Iterator[tuple[int, slice]]:
        """The numbered row parts, as slices of the block's rows."""
        start = 0
        for i, length in enumerate(self.row_parts):
            yield i, slice(start, start + length)
            start += length


def blocks_of(rows: int, columns: int, packs: Sequence[int], tile: tuple[int, int]) -> tuple[Block, ...]:
    """The blocks of a layer: `packs` says how many matrices (rows, columns) are on the diagonal of each."""
    made, start = [], 0
    for groups in packs:
        end = start + groups
        made.append(
            Block(
                slice(start, end),
                slice(start * rows, end * rows),
                slice(start * columns, end * columns),
                split_sizes(groups * rows, tile[0]),
                split_sizes(groups * columns, tile[1]),
            )
        )
        start = end
    return tuple(made)


def diagonal(matrices: Tensor) -> Tensor:
    """`(n, columns, rows)` as one matrix (n * columns, n * rows) with zeros beside the diagonal."""
    n, columns, rows = matrices.shape
    if n == 1:
        return matrices[0]
    whole = matrices.new_zeros(n, columns, n, rows)
    places = torch.arange(n)
    whole[places, :, places, :] = matrices
    return whole.view(n * columns, n * rows)


def in_use(block: Block) -> Tensor:
    """Which cells of a block (columns, rows) hold a weight."""
    height, width = sum(block.row_parts) // block.packed, sum(block.column_parts) // block.packed
    return diagonal(torch.ones(block.packed, width, height, dtype=torch.bool))


def off_diagonal_removed(whole: Tensor, n: int) -> Tensor:
    """The inverse of `diagonal`."""
    places = torch.arange(n)
    return whole.view(n, whole.shape[0] // n, n, whole.shape[1] // n)[places, :, places, :]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A block as it stands on tiles: `weights` (columns, rows) in units of the tiles, and what scales their outputs.

    `scales` is (row parts, columns); the mapping's scales, times those of the compensation of drift.
    """

    weights: Tensor
    scales: Tensor


def load(matrix: Tensor, block: Block, *, per_column: bool, scales: Tensor | None = None) -> Loaded:
    """Scale a matrix (columns, rows) so that every tile's largest weight is 1, in every column or on the whole tile.

    Columns of zeros have scale 0, so that noise on their cells is not scaled up. Given `scales` are kept as they are.
    """
    weights = torch.empty_like(matrix)
    kept = matrix.new_empty(len(block.row_parts), matrix.shape[0]) if scales is None else scales
    for i, rows in block.parts():
        part = matrix[:, rows]
        if scales is None:
            largest = part.abs().amax(1)
            if not per_column:
                pieces = torch.split(largest, list(block.column_parts))
                largest = torch.cat([piece.amax().expand(len(piece)) for piece in pieces])
            kept[i] = largest
        divisor = torch.where(kept[i] == 0, torch.ones_like(kept[i]), kept[i])
        torch.div(part, divisor[:, None], out=weights[:, rows])
    return Loaded(weights, kept)


def tiles_of(weights: Tensor, block: Block) -> list[Tensor]:
    """The tiles (columns, rows) of a block's matrix, a row part after the other, as views."""
    return [tile for _, rows in block.parts() for tile in torch.split(weights[:, rows], list(block.column_parts))]


def unloaded(loaded: Loaded, block: Block) -> Tensor:
    """The matrix that tiles stand for: weights times their scales."""
    whole = torch.empty_like(loaded.weights)
    for i, rows in block.parts():
        torch.mul(loaded.weights[:, rows], loaded.scales[i][:, None], out=whole[:, rows])
    return whole


def from_tiles(tiles: Sequence[Tensor], block: Block, like: Tensor) -> Tensor:
    """The inverse of `tiles_of`; a single tile is not copied."""
    if len(tiles) == 1:
        return tiles[0]
    whole = torch.empty_like(like)
    for place, tile in zip(tiles_of(whole, block), tiles, strict=True):
        place.copy_(tile)
    return whole
