"""Writing tiles and letting time pass: aihwkit's noise models on all tiles of a network at once.

What a model draws is drawn for many tiles in one call, after every tile's weights were converted to conductances with
its own scale, as aihwkit's tiles do one by one. As many tiles go together as a core's cache holds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nascompile.backends.analog.periphery import Periphery

# Cells that are worked on together.
BUNDLE = 1 << 16


@dataclass(frozen=True, slots=True)
class Programmed:
    """Tiles as they were written, some at a time.

    `weights` are those of every tile (columns, rows) right after programming; `cells` the conductances of each device
    of a weight, flat over all tiles, and `parameters` what the noise model keeps of each (exponents of drift);
    `conversions` leads back to weights; `baselines` are read-outs that drift is compensated against, None without.
    """

    weights: tuple[Tensor, ...]
    cells: tuple[Tensor, ...]
    parameters: tuple[Any, ...]
    conversions: tuple[dict[str, Any], ...]
    baselines: tuple[Tensor, ...] | None


def bundles(tiles: Sequence[Tensor]) -> list[Sequence[Tensor]]:
    """Tiles in order, together as long as they fit."""
    found: list[list[Tensor]] = []
    room = 0
    for tile in tiles:
        if not found or room < tile.numel():
            found.append([])
            room = BUNDLE
        found[-1].append(tile)
        room -= tile.numel()
    return list(found)


@torch.no_grad()
def program(tiles: Sequence[Tensor], model: Any, compensation: Any, periphery: Periphery) -> list[Programmed]:
    """Write tiles (columns, rows) with noise from torch's generator. `model` None writes them as they are."""
    return [_program(bundle, model, compensation, periphery) for bundle in bundles(tiles)]


def _program(tiles: Sequence[Tensor], model: Any, compensation: Any, periphery: Periphery) -> Programmed:
    if model is None:
        weights = tuple(tile.clone() for tile in tiles)
        return Programmed(weights, (), (), (), None)
    targets, conversions = _conductances(tiles, model)
    written, parameters = [], []
    for target in targets:
        written.append(model.apply_programming_noise_to_conductance(target))
        parameters.append(model.generate_drift_coefficients(target))
    weights = _weights(written, conversions, tiles, model)
    cells, again = _conductances(weights, model, conversions)
    baselines = None
    if compensation is not None:
        exact = type(compensation).__name__.endswith("ExactReference")
        read = [tile.T for tile in tiles] if exact else [_read_out(tile, periphery) for tile in weights]
        baselines = tuple(compensation.readout(values) for values in read)
    return Programmed(weights, cells, tuple(parameters), again, baselines)


@torch.no_grad()
def drift(
    programmed: Sequence[Programmed], model: Any, compensation: Any, periphery: Periphery, seconds: float
) -> tuple[list[Tensor], list[Tensor] | None]:
    """Weights of the tiles `seconds` after programming, and the factors that compensate, None without.

    A factor is a scalar of a tile, or one number for each of its columns.
    """
    weights: list[Tensor] = []
    factors: list[Tensor] = []
    with warnings.catch_warnings():  # a model calls NumPy on tensors, also on conductances below 0
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        for bundle in programmed:
            later = bundle.weights if model is None else _drift(bundle, model, seconds)
            weights += later
            if compensation is not None and bundle.baselines is not None:
                read = [_read_out(tile, periphery) for tile in later]
                factors += [compensation.apply(*pair) for pair in zip(read, bundle.baselines, strict=True)]
    return weights, factors or None


def _drift(programmed: Programmed, model: Any, seconds: float) -> tuple[Tensor, ...]:
    drifted = []
    for cells, parameter in zip(programmed.cells, programmed.parameters, strict=True):
        later = torch.as_tensor(model.apply_drift_noise_to_conductance(cells, parameter, seconds)).to(cells.dtype)
        # A model of read noise takes logarithms of conductances; those that have fallen below 0 are at the floor.
        drifted.append(torch.where(later.isnan() & cells.isfinite(), model.g_converter.g_min, later))
    return _weights(drifted, programmed.conversions, programmed.weights, model)


def _read_out(tile: Tensor, periphery: Periphery) -> Tensor:
    """(rows, columns) of what unit inputs give, behind noise and ADC: the weights themselves, without a product.

    A unit input is a step of every DAC, so only what is behind the tile changes it.
    """
    if periphery.is_perfect:
        return tile.T
    if periphery.input_noise:
        unit = torch.eye(tile.shape[1], dtype=tile.dtype) / periphery.input_unit
        outputs = periphery.multiply(unit, periphery.counted(tile), torch.empty_like(tile))
        return outputs.mul_(periphery.output_unit).T
    noise = (periphery.output_noise**2 + periphery.weight_noise**2) ** 0.5
    values = torch.empty_like(tile).normal_().mul_(noise).add_(tile) if noise else tile.clone()
    return periphery.read_out(values).T


def _conductances(
    tiles: Sequence[Tensor], model: Any, before: Sequence[dict[str, Any]] | None = None
) -> tuple[tuple[Tensor, ...], tuple[dict[str, Any], ...]]:
    """Conductances of the devices of a weight (two of a pair, one of a single), each flat over all tiles.

    `before` are the conversions of the same tiles before they were programmed.
    """
    per_tile, conversions = [], []
    for i, tile in enumerate(tiles):
        cells, conversion = _converted(tile, model.g_converter, None if before is None else before[i])
        per_tile.append([cells] if isinstance(cells, Tensor) else cells)
        conversions.append(conversion)
    slices = tuple(torch.cat([c.reshape(-1) for c in cells]) for cells in zip(*per_tile, strict=True))
    return slices, tuple(conversions)


_FLAT = "is_flat"
"""Marks the conversion of a tile whose weights were all the same before programming."""


def _converted(tile: Tensor, converter: Any, before: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
    """As aihwkit's converter does, but for single cells that all hold the same weight (a tile of zeros, of one cell).

    The range of their weights has no length to be spread over that of conductances, which would give no numbers; they
    stand at the lowest conductance, a weight's unit spans the range, and so it stays when noise has set them apart.
    """
    if before is None:
        cells, conversion = converter.convert_to_conductances(tile)
        if "min" not in conversion or tile.min() != tile.max():
            return cells, conversion
        before = {"min": tile.min(), "scale_ratio": converter.g_max - converter.g_min, _FLAT: True}
    elif _FLAT not in before:
        return converter.convert_to_conductances(tile)  # type: ignore[no-any-return]
    return (tile - before["min"]) * before["scale_ratio"] + converter.g_min, before


def _weights(
    cells: Sequence[Tensor], conversions: Sequence[dict[str, Any]], like: Sequence[Tensor], model: Any
) -> tuple[Tensor, ...]:
    """The inverse of `_conductances`."""
    lengths = [tile.numel() for tile in like]
    pieces = [torch.split(device, lengths) for device in cells]
    weights = []
    for i, (tile, conversion) in enumerate(zip(like, conversions, strict=True)):
        devices = [piece[i].view(tile.shape) for piece in pieces]
        single = len(devices) == 1
        weights.append(model.g_converter.convert_back_to_weights(devices[0] if single else devices, conversion))
    return tuple(weights)
