"""The product of a layer's columns with all of its tiles, piece by piece in memory that is used again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nascompile.backends.analog.columns import Columns
from nascompile.backends.analog.grid import Block, Loaded
from nascompile.backends.analog.periphery import Periphery

if TYPE_CHECKING:
    from nascompile.backends.analog.cpp import CppTiles

# Elements of a piece of unfolded input: it stays in a core's cache through scaling, rounding and the product.
PIECE = 1 << 18


class Scratch:
    """Memory that every piece of every layer uses in turn: fresh memory costs as much as the arithmetic."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, torch.dtype], Tensor] = {}

    def take(self, name: str, rows: int, columns: int, like: Tensor) -> Tensor:
        """An uninitialised matrix, valid until the next call with the same name."""
        key, count = (name, like.dtype), rows * columns
        held = self._held.get(key)
        if held is None or held.numel() < count or held.device != like.device:
            held = self._held[key] = torch.empty(count, dtype=like.dtype, device=like.device)
        return held[:count].view(rows, columns)

    def __deepcopy__(self, memo: object) -> Scratch:
        return Scratch()


@dataclass(frozen=True, slots=True)
class _Part:
    """The tiles of one part of a block's rows, side by side: they share inputs, and are one product."""

    source: slice
    target: slice
    weights: Tensor
    scales: Tensor
    is_first: bool


def product(
    columns: Columns, blocks: Sequence[Block], loaded: Sequence[Loaded], io: Periphery,
    generator: torch.Generator | None, scratch: Scratch, cpp: CppTiles | None = None,
) -> Tensor:  # fmt: skip
    """(batch, columns of all blocks, *sizes): parts of the rows add up digitally.

    With `cpp`, aihwkit's library does what is between the unfolded input and the scales of the outputs.
    """
    parts = _parts(blocks, loaded, io, 1.0 if io.is_perfect or cpp is not None else io.output_unit)
    whole = columns.padded.new_empty(columns.batch, blocks[-1].columns.stop, *columns.sizes)
    if cpp is not None:
        cpp.put(loaded)
    dynamic = io.is_dynamic and not io.is_perfect and cpp is None
    largest = columns.largest([part.source for part in parts]) if dynamic else []
    for maxima in largest:
        maxima.masked_fill_(maxima <= 0, 1.0)
    inverse = [torch.reciprocal(maxima * io.input_unit) for maxima in largest]
    shared = None if io.is_perfect or cpp is not None else 1 / io.input_unit
    rows = max(len(range(part.source.start, part.source.stop)) for part in parts)
    for piece in columns.pieces(rows, PIECE):
        for i, part in enumerate(parts):
            target = piece.of(whole[:, part.target].transpose(0, 1), 1)
            positions = math.prod(target.shape[1:])
            inputs = scratch.take("inputs", part.source.stop - part.source.start, positions, whole)
            columns.fill(piece, part.source, inverse[i] if dynamic else shared, inputs)
            if cpp is None:
                outputs = scratch.take("outputs", part.weights.shape[0], positions, whole)
                maps = io.multiply(inputs, part.weights, outputs, generator).view(target.shape)
            else:
                maps = cpp.multiply(i, inputs).reshape(target.shape)
            if dynamic:
                maps.mul_(piece.of(largest[i], 0))
            scales = part.scales.view(-1, *(1,) * (target.dim() - 1))
            if part.is_first:
                torch.mul(maps, scales, out=target)
            else:
                target.addcmul_(maps, scales)
    return whole


def _parts(blocks: Sequence[Block], loaded: Sequence[Loaded], io: Periphery, unit: float) -> list[_Part]:
    """The parts of all blocks in order; `unit` is what outputs are counted in."""
    return [
        _Part(
            slice(block.rows.start + rows.start, block.rows.start + rows.stop),
            block.columns,
            io.counted(held.weights[:, rows]).contiguous(),
            held.scales[i] * unit,
            i == 0,
        )
        for block, held in zip(blocks, loaded, strict=True)
        for i, rows in block.parts()
    ]
