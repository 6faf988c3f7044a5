"""The conductances that weights become: a CSV for each layer on tiles, for programming a chip.

Every tile holds a piece of its layer's matrix, inputs as rows and outputs as columns. With `scaling: per_column` each
column is divided by its largest weight, so that it fills the range of conductances; the scales are for the digital
side, which multiplies results by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascompile.analog.device import Device
from nascompile.analog.mapping import Placement, split_sizes
from nascompile.diagnostics import error
from nascompile.files import written_whole

Matrix = NDArray[np.float64]

COLUMNS = "tile,row,column,input,output,scale,g_plus_uS,g_minus_uS"


@dataclass(frozen=True, slots=True, eq=False)
class TileConductances:
    """A tile's cells in uS, (rows, columns); `minus` is None where one device stores a weight.

    `first` are the positions of its first row and column in the layer's matrix, `scale` what each column was divided
    by. A pair's weight is `scale * (plus - minus) / (g_max - g_min)`. A single device's is
    `scale * (low + span * (plus - g_min) / (g_max - g_min))`, where `low` and `span` are those of the tile's weights
    after scaling. `is_used` is False for the cells between groups of a block-diagonal layer, which hold no weight.
    """

    plus: Matrix
    minus: Matrix | None
    scale: NDArray[np.float64]
    first: tuple[int, int]
    low: float
    span: float
    is_used: NDArray[np.bool_]


def matrices_of(placement: Placement, weight: NDArray[Any]) -> Iterator[tuple[Matrix, NDArray[np.bool_], int, int]]:
    """Matrices (inputs, outputs) of a layer's weight tensor, one for each pack; which of its cells hold weights; and
    the layer's input and output that come first in it.

    Raises NasError (`weights-of-another-genotype`) for a tensor of another size.
    """
    if weight.size != placement.weights:
        message = f"`{placement.path}.weight` has {weight.size:,} numbers; the layer has {placement.weights:,}"
        raise error("weights-of-another-genotype", message, hint="take the weights of this genotype")
    groups = sum(placement.packs) or 1
    if placement.layer == "conv_transpose":
        blocks = weight.reshape(groups, placement.inputs, placement.outputs).astype(np.float64)
    else:
        blocks = weight.reshape(groups, placement.outputs, placement.inputs).transpose(0, 2, 1).astype(np.float64)
    start = 0
    for count in placement.packs or (1,):
        shape = (count * placement.inputs, count * placement.outputs)
        matrix, used = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        for place, block in enumerate(blocks[start : start + count]):
            rows = slice(place * placement.inputs, (place + 1) * placement.inputs)
            columns = slice(place * placement.outputs, (place + 1) * placement.outputs)
            matrix[rows, columns], used[rows, columns] = block, True
        yield matrix, used, start * placement.inputs, start * placement.outputs
        start += count


def conductances(
    placement: Placement, weight: NDArray[Any], device: Device, scales: NDArray[Any] | None = None
) -> Iterator[TileConductances]:
    """The tiles of a layer in the order of `placement.tiles`; none for a digital one.

    `scales` are those that training kept (`PATH.tile_scales` of an analog state: of every block its parts of rows, of
    those the columns); without them they follow from the weights. Raises NasError as `matrices_of`.
    """
    if not placement.is_analog:
        return
    at = 0
    for matrix, used, first_input, first_output in matrices_of(placement, weight):
        top, width = 0, matrix.shape[1]
        for rows in split_sizes(matrix.shape[0], device.tile[0]):
            kept = None if scales is None else scales[at : at + width].astype(np.float64)
            if kept is not None and kept.size != width:
                message = f"`{placement.path}.tile_scales` has {scales.size if scales is not None else 0:,} numbers"
                raise error("weights-of-another-genotype", message, hint="take the state of this network and device")
            left = 0
            for columns in split_sizes(width, device.tile[1]):
                part = np.s_[top : top + rows, left : left + columns]
                own = None if kept is None else kept[left : left + columns]
                yield _tile(matrix[part], used[part], (first_input + top, first_output + left), device, own)
                left += columns
            top, at = top + rows, at + width


def _tile(
    weights: Matrix, used: NDArray[np.bool_], first: tuple[int, int], device: Device, kept: Matrix | None
) -> TileConductances:
    scale = np.abs(weights).max(axis=0) if kept is None else kept
    if kept is None and device.scaling == "per_tile":
        scale = np.full_like(scale, scale.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(scale > 0, weights / scale, 0.0)
    window = device.g_max - device.g_min
    low, high = float(scaled.min()), float(scaled.max())
    if device.cells == "single":
        span = high - low or 1.0
        return TileConductances(device.g_min + window * (scaled - low) / span, None, scale, first, low, span, used)
    largest = max(high, -low) or 1.0  # 1, but for scales that were kept: the largest weight of a tile is at g_max
    plus, minus = (device.g_min + window * np.maximum(side, 0.0) / largest for side in (scaled, -scaled))
    return TileConductances(plus, minus, scale * largest, first, low, high - low, used)


def write_conductances(
    folder: Path, placements: Iterable[Placement], weights: Mapping[str, NDArray[Any]], device: Device
) -> list[Path]:
    """Write `PATH.csv` for every layer on tiles, from weights by name, as safetensors gives them.

    Read are `PATH.weight` and, where it is there, `PATH.tile_scales`.

    A file starts with lines of `#` that say the layer, its form and the device; then a line a cell that holds a weight.
    Each is written under a temporary name and renamed. Returns the files. Raises NasError
    (`weights-of-another-genotype`, `cannot-write`).
    """
    written = []
    for placement in placements:
        if not placement.is_analog:
            continue
        name = f"{placement.path}.weight"
        if name not in weights:
            message = f"there are no weights `{name}`"
            raise error("weights-of-another-genotype", message, hint="take the weights of this genotype")
        tiles = list(conductances(placement, weights[name], device, weights.get(f"{placement.path}.tile_scales")))
        path = folder / f"{placement.path}.csv"
        try:
            with written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(_lines(placement, tiles, device))
        except OSError as cause:
            raise error("cannot-write", f"`{path}` cannot be written: {cause.strerror or cause}") from cause
        written.append(path)
    return written


def _lines(placement: Placement, tiles: list[TileConductances], device: Device) -> Iterator[str]:
    groups = f", {sum(placement.packs)} groups" if placement.packs else ""
    yield f"# layer {placement.path}: {placement.layer}, {placement.form}, "
    yield f"{placement.inputs} inputs, {placement.outputs} outputs{groups}, {len(tiles)} tiles\n"
    yield f"# device {device.name}: {device.technology}, {device.cells}, {device.scaling}, "
    yield f"g_min {device.g_min:g} uS, g_max {device.g_max:g} uS\n"
    if device.cells == "single":
        yield from (
            f"# tile {n}: scaled weights start at {t.low:.9g} and span {t.span:.9g}\n" for n, t in enumerate(tiles)
        )
    yield f"{COLUMNS}\n"
    for number, tile in enumerate(tiles):
        top, left = tile.first
        for row, column in np.argwhere(tile.is_used):
            minus = "" if tile.minus is None else f"{tile.minus[row, column]:.6g}"
            yield (
                f"{number},{row},{column},{top + row},{left + column},{tile.scale[column]:.9g},"
                f"{tile.plus[row, column]:.6g},{minus}\n"
            )
