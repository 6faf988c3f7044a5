"""A network on tiles: clean for training, programmed and drifted for evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nascompile.analog.device import Device, HardwareAware
from nascompile.analog.mapping import Placement, mapping_of
from nascompile.backends.analog import config, grid, programming
from nascompile.backends.analog.conversion import converted
from nascompile.backends.analog.cpp import CppTiles
from nascompile.backends.analog.layers import AnalogLayer
from nascompile.backends.analog.periphery import Periphery
from nascompile.backends.analog.products import Scratch
from nascompile.backends.analog.programming import Programmed
from nascompile.backends.analog.selftest import require_aihwkit, require_tiles
from nascompile.backends.weights import seed_of
from nascompile.diagnostics import error
from nascompile.ir.program import Program


def analog(
    network: nn.Module, program: Program, device: Device, *, tiles: str = "torch", training: HardwareAware | None = None
) -> AnalogNetwork:
    """A copy of a network, built from `program`, whose products run on tiles of `device`.

    `training` adds noise, clipping and remapping to training; without it training sees converters only. `tiles` says
    what computes products in evaluation; training is always in torch.

    Raises NasError: `missing-package` without aihwkit, `unknown-tiles`, `broken-tiles`, `not-that-network`,
    `unknown-layer`.
    """
    require_aihwkit()
    if tiles != "torch":
        require_tiles(tiles)
    return AnalogNetwork(network, mapping_of(program, device), device, tiles=tiles, training=training)


class AnalogNetwork(nn.Module):
    """Computes what the digital network computes, as the device would.

    Its parameters are the clean weights, under the digital network's names: what is programmed or drifted is kept
    beside them and never saved, so a state can be loaded into the digital network and the other way round. Noise of
    products is drawn from a generator of its own in evaluation, seeded by `program`, `drift` and `clean`, and from
    torch's in training.
    """

    def __init__(
        self, network: nn.Module, placements: tuple[Placement, ...], device: Device, *, tiles: str = "torch",
        training: HardwareAware | None = None,
    ):  # fmt: skip
        super().__init__()
        rpu = config.rpu_config(device, tiles, training)
        self.placements = placements
        self.device = device
        self.tiles = tiles
        self.aware = training
        self.periphery = Periphery.of(rpu.forward, device.weight_noise)
        self.network = converted(network, placements, device, self.periphery, training)
        self.output_names: tuple[str, ...] = tuple(getattr(network, "output_names", ()))
        self.noise_model, self.compensation = rpu.noise_model, rpu.drift_compensation
        self._generator = torch.Generator()
        self._programmed: list[Programmed] | None = None
        self._written: list[list[grid.Loaded]] = []  # what programming wrote, by layer
        scratch = Scratch()
        for layer in self.layers():
            layer.generator, layer.scratch = self._generator, scratch
            if tiles == "cpp":
                layer.cpp = CppTiles(layer.blocks, device)
        self.clean()

    def layers(self) -> list[AnalogLayer]:
        """The layers on tiles, each once, in order of their names' registration."""
        return [module for module in self.network.modules() if isinstance(module, AnalogLayer)]

    @property
    def is_programmed(self) -> bool:
        """Whether the tiles hold programmed weights, drifted or not."""
        return self._programmed is not None

    def forward(self, x: Tensor) -> Any:
        return self.network(x)

    def train(self, mode: bool = True) -> AnalogNetwork:
        """As torch's. Raises NasError `programmed-weights` for training while weights are programmed."""
        if mode and self.is_programmed:
            raise error(
                "programmed-weights",
                "the tiles are programmed, and training is on clean weights",
                hint="call `clean()` first",
            )
        super().train(mode)
        return self

    def after_step(self) -> None:
        """What follows a step of an optimiser: clipping. A product in training, `clean_state` and `program` do it too,
        if nobody has called this."""
        for layer in self.layers():
            layer.settle()

    # The state on disk.

    def clean_state(self) -> dict[str, Tensor]:
        """Clean weights, digital layers and input ranges, under the digital network's names, for safetensors."""
        self.after_step()
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def load_clean(self, tensors: Mapping[str, Tensor]) -> None:
        """Take a clean state, of this or of the digital network; what was programmed is gone.

        Raises NasError `state-of-another-network` with what is missing, unknown or of another shape. A digital state
        has no input ranges: those of this network stay.
        """
        own = self.network.state_dict()
        extra = {name for name in own if ".input_range." in name or name.endswith(".tile_scales")}
        missing = sorted(own.keys() - tensors.keys() - extra)
        unknown = sorted(tensors.keys() - own.keys())
        shapes = sorted(n for n in own.keys() & tensors.keys() if own[n].shape != tensors[n].shape)
        if missing or unknown or shapes:
            said = [
                f"{what}: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
                for what, names in (("missing", missing), ("unknown", unknown), ("of another shape", shapes))
                if names
            ]
            raise error("state-of-another-network", f"the weights are of another network ({'; '.join(said)})")
        self.network.load_state_dict(dict(tensors), strict=False)
        self.clean()
        for layer in self.layers():
            layer.loaded()
            if not any(name.endswith(".tile_scales") for name in tensors):
                layer.rescale()

    # From clean to programmed to drifted, and back.

    def clean(self) -> None:
        """Back to the clean weights."""
        self._programmed, self._written = None, []
        for layer in self.layers():
            layer.held = None
        self._generator.manual_seed(0)

    def program(self, seed: int) -> None:
        """Write the clean weights to the tiles, with the noise of `seed`; evaluation sees them until `clean`.

        Whatever was programmed, drifted or compensated before is forgotten. Puts the network in evaluation.
        """
        self.eval()
        self.clean()
        self.after_step()
        self._written = [layer.load() for layer in self.layers()]
        tiles = [
            tile for layer, loaded in zip(self.layers(), self._written, strict=True)
            for block, held in zip(layer.blocks, loaded, strict=True) for tile in grid.tiles_of(held.weights, block)
        ]  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of("analog.program", seed))
            self._programmed = programming.program(tiles, self.noise_model, self.compensation, self.periphery)
        self._hold([weights for bundle in self._programmed for weights in bundle.weights], None)
        self._generator.manual_seed(seed_of("analog.products", seed))

    def drift(self, seconds: float, seed: int) -> None:
        """The tiles `seconds` after programming, compensated as the device says; always from the programmed weights.

        Raises NasError: `not-programmed`, `unknown-time` for a technology that has measurements of some times only.
        """
        if self._programmed is None:
            message = "there is nothing on the tiles that could drift"
            raise error("not-programmed", message, hint="call `program(seed)` first")
        config.require_time(self.device, seconds)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(f"analog.drift.{seconds}", seed))
            weights, factors = programming.drift(
                self._programmed, self.noise_model, self.compensation, self.periphery, seconds
            )
        self._hold(weights, factors)
        self._generator.manual_seed(seed_of(f"analog.products.{seconds}", seed))

    def _hold(self, weights: Sequence[Tensor], factors: Sequence[Tensor] | None) -> None:
        """Put weights on the tiles, and factors of compensation into the scales of their outputs."""
        remaining = iter(weights)
        factor = None if factors is None else iter(factors)
        for layer, loaded in zip(self.layers(), self._written, strict=True):
            held = []
            for block, clean in zip(layer.blocks, loaded, strict=True):
                tiles = [next(remaining) for _ in range(len(block.row_parts) * len(block.column_parts))]
                scales = clean.scales
                if factor is not None:
                    ones = [[next(factor).expand(n) for n in block.column_parts] for _ in block.row_parts]
                    scales = scales * torch.stack([torch.cat(row) for row in ones])
                held.append(grid.Loaded(grid.from_tiles(tiles, block, clean.weights), scales))
            layer.held = held

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Set the input ranges of all layers from images, on the clean weights. Nothing to do for dynamic ranges."""
        layers = [layer for layer in self.layers() if layer.input_range is not None]
        if not layers:
            return
        self.clean()
        self.eval()
        try:
            for layer in layers:
                layer.observing = True
            with torch.no_grad():
                for batch in batches:
                    self.network(batch)
        finally:
            for layer in layers:
                layer.observing = False
