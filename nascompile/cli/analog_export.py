"""`nascompile export --analog`: what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nascompile.backends.pytorch import Network
    from nascompile.jobs.target import Target


def export_analog(target: Target, network: Network, device: str, tiles: str, folder: Path) -> None:
    """Write the folder of a network on a device's tiles and print the table of its layers. Raises NasError."""
    from nascompile.analog.device import load_device
    from nascompile.jobs.exporting_analog import CONDUCTANCES, write_analog
    from nascompile.report.tile_table import show

    written = write_analog(target, network, load_device(device), folder, tiles)
    show([{"name": target.name, "tiles_on": written.figures}])
    print(f"wrote {folder}: {', '.join(name for name in written.files if not name.startswith(CONDUCTANCES))}, and")
    print(f"  the conductances of {sum(name.startswith(CONDUCTANCES) for name in written.files)} layers as CSV")
    origin = "trained for this device" if written.trained else "digital weights, not trained for the device"
    print(f"  weights: {origin}; on ideal tiles within {written.worst:.1e} of the digital network")
