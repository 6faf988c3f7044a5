"""The products of a layer on aihwkit's own library: one of its inference tiles for each tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nascompile.analog.device import Device
from nascompile.backends.analog import grid
from nascompile.backends.analog.config import rpu_config
from nascompile.backends.analog.grid import Block, Loaded


class CppTiles:
    """Tiles in C++ that hold what is loaded, without scales, noise of programming or compensation: those stay ours.

    The library draws the noise of products itself; `program` and `drift` do not seed it.
    """

    def __init__(self, blocks: Sequence[Block], device: Device):
        self._blocks, self._device = tuple(blocks), device
        self._tiles: list[list[Any]] = []
        self._loaded: Sequence[Loaded] | None = None
        config = rpu_config(device, "cpp")
        config.noise_model = config.drift_compensation = None
        config.mapping.weight_scaling_omega = 0.0
        config.pre_post.input_range.enable = False
        with torch.random.fork_rng(devices=[]):
            for block in blocks:
                for rows in block.row_parts:
                    made = [config.tile_class(columns, rows, config, bias=False) for columns in block.column_parts]
                    self._tiles.append([tile.eval() for tile in made])

    def __deepcopy__(self, memo: object) -> CppTiles:
        return CppTiles(self._blocks, self._device)

    def put(self, loaded: Sequence[Loaded]) -> None:
        """Write loaded weights to the tiles, if they are not there already."""
        if loaded is self._loaded:
            return
        tiles = [tile for row in self._tiles for tile in row]
        weights = [
            w for block, held in zip(self._blocks, loaded, strict=True) for w in grid.tiles_of(held.weights, block)
        ]
        for tile, weight in zip(tiles, weights, strict=True):
            tile.set_weights(weight.contiguous(), apply_weight_scaling=False)
        self._loaded = loaded

    @torch.no_grad()
    def multiply(self, part: int, inputs: Tensor) -> Tensor:
        """(columns, positions) of (rows, positions) on the tiles side by side of the layer's part of that number."""
        rows = inputs.T.contiguous()
        return torch.cat([tile(rows) for tile in self._tiles[part]], 1).T
