"""The tile report of a network as plain data: what JSON, CSV and tables show."""

from __future__ import annotations

from typing import Any

from nascompile.analog.device import Device
from nascompile.analog.estimate import estimate_of, total_of
from nascompile.analog.mapping import Placement, mapping_of
from nascompile.ir.program import Program


def tile_figures(program: Program, device: Device) -> dict[str, Any]:
    """Device, totals and a row a layer. Energies in microjoules, times in microseconds, both by a model."""
    placements = mapping_of(program, device)
    total = total_of(placements, device)
    return {
        "device": device.name,
        "technology": device.technology,
        "tile": list(device.tile),
        "layers_on_tiles": total.analog_layers,
        "layers_digital": total.layers - total.analog_layers,
        "tiles": total.tiles,
        "utilisation": total.utilisation,
        "macs": total.macs,
        "macs_on_tiles": total.analog_macs,
        "share_on_tiles": total.share,
        "products": total.products,
        "estimate": {
            "energy_uj": 1e6 * total.energy,
            "digital_energy_uj": 1e6 * total.digital_energy,
            "latency_us": 1e6 * total.latency,
            "interval_us": 1e6 * total.interval,
            "source": device.costs.source,
        },
        "layers": [_row(p, device) for p in placements],
    }


def _row(placement: Placement, device: Device) -> dict[str, Any]:
    estimate = estimate_of(placement, device)
    return {
        "path": placement.path,
        "layer": placement.layer,
        "form": placement.form,
        "reason": placement.reason,
        "inputs": placement.inputs,
        "outputs": placement.outputs,
        "groups": sum(placement.packs) or 1,
        "tiles": len(placement.tiles),
        "sizes": [list(tile) for tile in placement.tiles],
        "utilisation": placement.utilisation,
        "macs": placement.macs,
        "uses": placement.uses,
        "energy_uj": 1e6 * estimate.energy,
        "latency_us": 1e6 * estimate.latency,
    }
