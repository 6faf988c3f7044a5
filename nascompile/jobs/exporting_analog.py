"""A network on the tiles of an analog device as a folder: clean state, device, rows of layers, conductances."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from nascompile.analog.conductances import write_conductances
from nascompile.analog.device import Device, load_device
from nascompile.analog.device_text import device_text
from nascompile.analog.figures import tile_figures
from nascompile.backends.analog.network import AnalogNetwork, analog
from nascompile.backends.analog.state import AnalogState, kind_of, put_state, read_state, state_bytes
from nascompile.data.dataset import batch_at, datasets
from nascompile.diagnostics import error
from nascompile.files import write_text
from nascompile.jobs.analog_training import state_name
from nascompile.jobs.target import Target
from nascompile.jobs.whole_folder import beside
from nascompile.runs import write_json
from nascompile.train.predict import main_output

if TYPE_CHECKING:
    from nascompile.backends.pytorch import Network

STATE, DEVICE, LAYERS, CONDUCTANCES = "state.safetensors", "device.yaml", "layers.json", "conductances"
_BATCH, _BATCHES = 8, 4  # of training images, from which input ranges are taken
TOLERANCE = 1e-5
"""How far, relative to its output, a network on ideal tiles may be from the digital one."""


@dataclass(frozen=True, slots=True)
class AnalogExport:
    """A written folder. `figures` are the rows of its layers and their totals (`analog.figures.tile_figures`), `worst`
    the relative difference from the digital network on ideal tiles, `trained` whether the state was trained for the
    device."""

    folder: Path
    files: tuple[str, ...]
    figures: Mapping[str, Any]
    worst: float
    trained: bool


def write_analog(target: Target, network: Network, device: Device, folder: Path, tiles: str = "torch") -> AnalogExport:
    """Write `folder`, whole or not at all: the clean state of the network on the device's tiles, the device, the layers
    as JSON, and a CSV of conductances for each layer on tiles. An earlier folder of ours is replaced.

    The state is the one that was trained for the device, in `target.weights` or in the run; else the digital weights.
    `network` holds it afterwards, as the digital twin.
    Raises NasError: `not-an-analog-export` for a folder that holds something else, `analog-disagrees` if the layers'
    forms on ideal tiles do not compute what the network computes, `not-calibrated` for a device with fixed input ranges
    where there are neither a state nor images, `cannot-write`, and what reading a state and `analog` raise.
    """
    require_replaceable(folder)
    state = _state(target, device)
    aware = None if state is None else state.device.training
    on_tiles = analog(network, target.program, device, tiles=tiles, training=aware)
    if state is not None:
        put_state(state, on_tiles, digest=target.digest)
    else:
        _calibrate(on_tiles, target)
    worst = difference_on_ideal_tiles(network, on_tiles, target)
    figures = tile_figures(target.program, device)
    clean = {name: tensor.numpy() for name, tensor in on_tiles.clean_state().items()}
    genotype = "" if target.genotype is None else target.genotype.to_text(target.name)
    with beside(folder) as temporary:
        (temporary / STATE).write_bytes(state_bytes(on_tiles, target.digest, genotype))
        write_text(temporary / DEVICE, device_text(device))
        write_json(temporary / LAYERS, {"network": target.name, **figures})
        write_conductances(temporary / CONDUCTANCES, on_tiles.placements, clean, device)
        files = tuple(sorted(p.relative_to(temporary).as_posix() for p in temporary.rglob("*") if p.is_file()))
    return AnalogExport(folder, files, figures, worst, state is not None)


def require_replaceable(folder: Path) -> None:
    """Raise NasError (`not-an-analog-export`) unless `folder` is absent, empty, or one that `write_analog` wrote."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if all((folder / name).is_file() for name in (STATE, DEVICE, LAYERS)):
        return
    message = f"`{folder}` exists and is no folder that `export --analog` wrote"
    raise error("not-an-analog-export", message, hint="name another folder: `--out DIR`")


def _state(target: Target, device: Device) -> AnalogState | None:
    """The state that was trained for the device, if there is one."""
    if target.weights is None:
        return None
    if kind_of(target.weights) == "analog":
        return read_state(target.weights)
    beside_weights = target.folder / state_name(device)
    is_own = target.weights.parent == target.folder and target.task is not None
    return read_state(beside_weights) if is_own and beside_weights.exists() else None


def _calibrate(on_tiles: AnalogNetwork, target: Target) -> None:
    """Take the input ranges of a device that has fixed ones from training images: a state without them is of no use."""
    if all(layer.input_range is None for layer in on_tiles.layers()):
        return
    if target.task is None:
        message = f"`{on_tiles.device.name}` has fixed input ranges, which are taken from images, and there are none"
        raise error("not-calibrated", message, hint="export the network of a run, or write `input_range: dynamic`")
    images = datasets(target.task, "train")
    on_tiles.calibrate(batch_at(images, _BATCH, 0, number).image for number in range(_BATCHES))


def difference_on_ideal_tiles(network: torch.nn.Module, on_tiles: AnalogNetwork, target: Target) -> float:
    """The relative difference of main outputs on random images: the state on ideal tiles of the device's size against
    the digital network, which holds the state's weights afterwards.

    In float64: deep networks magnify what rounding does in float32. Raises NasError (`analog-disagrees`) above 1e-5.
    """
    device = on_tiles.device
    ideal = replace(load_device("ideal"), tile=device.tile, least_utilisation=device.least_utilisation)
    weights = on_tiles.clean_state()
    network.eval().load_state_dict({name: weights[name] for name in network.state_dict()})
    double = copy.deepcopy(network).double()
    twin = analog(double, target.program, ideal).eval()
    images = torch.randn(2, *target.input, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        names = getattr(network, "output_names", ())
        expected, found = (main_output(module(images), names) for module in (double, twin))
    worst = _relative(found, expected)
    if not worst <= TOLERANCE:
        message = f"on ideal tiles the network's output differs by {worst:.1e} of its size, more than {TOLERANCE:g}"
        raise error("analog-disagrees", message, hint="this is a mistake in nascompile: please report it")
    return worst


def _relative(found: Tensor, expected: Tensor) -> float:
    size = float(expected.norm())
    return float((found - expected).norm()) / size if size else float(found.norm())
