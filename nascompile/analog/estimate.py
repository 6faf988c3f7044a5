"""A model of energy and latency on tiles. It adds up published constants (`Device.costs`) and is no measurement.

A product on a tile costs what its inputs, outputs, weights and the tile itself cost; unused rows and columns cost
nothing. A matrix over several tiles adds up partial results digitally. All tiles of a layer work at the same time, one
product after the other, and every layer has its weights on tiles once. Layers that stay digital cost their
multiply-accumulates. Norms, activations, the sums of overlapping products, and the movement of data between layers
are not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nascompile.analog.device import Device
from nascompile.analog.mapping import Placement


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of one image: joules and seconds."""

    energy: float
    latency: float


@dataclass(frozen=True, slots=True)
class Total:
    """A network of one image. `latency` has the layers one after the other; `interval` is the time between images where
    all layers work at once, on images that follow each other: that of the slowest layer. `digital_energy` is that of
    all multiply-accumulates without tiles, by the same constants.
    """

    layers: int
    analog_layers: int
    tiles: int
    utilisation: float
    macs: int
    analog_macs: int
    products: int
    energy: float
    digital_energy: float
    latency: float
    interval: float

    @property
    def share(self) -> float:
        """Of the multiply-accumulates, those on tiles."""
        return self.analog_macs / self.macs if self.macs else 0.0


def estimate_of(placement: Placement, device: Device) -> Estimate:
    """Energy and latency of a layer for one image."""
    costs = device.costs
    if not placement.is_analog:
        return Estimate(placement.macs * costs.digital_energy, placement.macs / costs.digital_rate)
    rows, columns = (sum(tile[side] for tile in placement.tiles) for side in (0, 1))
    product = (
        rows * costs.input_energy
        + columns * costs.output_energy
        + placement.weights * costs.weight_energy
        + len(placement.tiles) * costs.tile_energy
        + placement.sums * costs.add_energy
    )
    return Estimate(placement.uses * product, placement.uses * costs.mvm_time)


def total_of(placements: Sequence[Placement], device: Device) -> Total:
    """What a network is together. A utilisation of 0 stands for no tiles."""
    on_tiles = [p for p in placements if p.is_analog]
    found = [estimate_of(p, device) for p in placements]
    tiles = sum(len(p.tiles) for p in on_tiles)
    macs = sum(p.macs for p in placements)
    return Total(
        layers=len(placements),
        analog_layers=len(on_tiles),
        tiles=tiles,
        utilisation=sum(p.weights for p in on_tiles) / (tiles * device.tile[0] * device.tile[1]) if tiles else 0.0,
        macs=macs,
        analog_macs=sum(p.macs for p in on_tiles),
        products=sum(p.uses * len(p.tiles) for p in on_tiles),
        energy=sum(e.energy for e in found),
        digital_energy=macs * device.costs.digital_energy,
        latency=sum(e.latency for e in found),
        interval=max((e.latency for e in found), default=0.0),
    )
