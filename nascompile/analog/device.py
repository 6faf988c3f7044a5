"""A device for analog in-memory computing, as data: tiles, converters, cells, noise, drift, costs."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nascompile.diagnostics import did_you_mean, error
from nascompile.resources import resource

if TYPE_CHECKING:
    from nascompile.source import Span

FOLDER = "specs/analog"

TECHNOLOGIES = ("pcm", "reram", "cmo", "ideal")
COMPENSATIONS = ("none", "global", "global_exact", "per_column")
INPUT_RANGES = ("dynamic", "calibrated", "learned")
CELLS = ("pair", "single")
SCALINGS = ("per_column", "per_tile")


@dataclass(frozen=True, slots=True)
class HardwareAware:
    """What training does so that a network bears the device.

    `noise` is the standard deviation of Gaussian noise on the weights of every training step, relative to the largest
    weight of a tile; 0 for none. `clip_sigma` clips weights at so many standard deviations of their layer; None does
    not clip. `remap` rescales every layer to the tile's full range after a step.
    """

    noise: float
    clip_sigma: float | None
    remap: bool


@dataclass(frozen=True, slots=True)
class Costs:
    """Constants of a model of energy (joules) and latency (seconds); `estimate.py` says what it adds up.

    `mvm_time` is that of one matrix-vector product on one tile, conversions included. Energies are of one input that
    is converted, one output that is converted, one weight that takes part, one tile that is active, one sum of two
    partial results, and one multiply-accumulate done digitally; `digital_rate` is in multiply-accumulates a second.
    `source` says where the numbers are from.
    """

    mvm_time: float
    input_energy: float
    output_energy: float
    weight_energy: float
    tile_energy: float
    add_energy: float
    digital_energy: float
    digital_rate: float
    source: str


@dataclass(frozen=True, slots=True)
class Device:
    """Every field of a device file. Conductances in uS, times in seconds, energies in joules.

    `out_bound` is the largest output before the ADC in units of (largest weight times largest input); None has no
    bound. `output_noise`, `input_noise`, `weight_noise` are standard deviations of every product's outputs, inputs and
    weights in the same normalised units. `cells` says how a weight is stored: a differential `pair`, or a `single`
    device between `g_min` and `g_max`. `scaling` says whether every output column fills the range of conductances or
    the tile as a whole. `programming_noise`, `read_noise` and `drift` scale the technology's noise model; 0 turns a
    part off. `t_0` and `t_read` are times of that model. `acceptance` (percent of the target) is how closely cells are
    programmed, of `cmo` only. `times` are the seconds at which the technology is characterised; empty: any time.
    """

    name: str
    technology: str
    tile: tuple[int, int]  # most inputs (rows), most outputs (columns)
    dac_bits: int | None
    adc_bits: int | None
    out_bound: float | None
    output_noise: float
    input_noise: float
    weight_noise: float
    input_range: str
    g_min: float
    g_max: float
    cells: str
    scaling: str
    programming_noise: float
    read_noise: float
    drift: float
    t_0: float
    t_read: float
    acceptance: float | None
    times: tuple[float, ...]
    compensation: str
    least_utilisation: float
    training: HardwareAware
    costs: Costs

    @property
    def is_ideal(self) -> bool:
        """Whether a product on a tile is the digital one: ideal cells, and nothing around them that changes it."""
        exact = (self.dac_bits, self.adc_bits, self.out_bound) == (None, None, None) and self.input_range == "dynamic"
        noise = self.output_noise or self.input_noise or self.weight_noise
        return self.technology == "ideal" and exact and not noise


def outside_model(device: Device, seconds: float) -> str:
    """Why a technology's noise model says nothing of a time after programming; empty for a time that it knows."""
    if not math.isfinite(seconds):
        return "a time is finite"
    if seconds < 0:
        return "weights are programmed at 0 s"
    if device.technology == "pcm" and seconds + device.t_0 < device.t_read:
        return f"a reading takes `t_read`, {device.t_read:g} s, and `t_0` is {device.t_0:g} s"
    if device.technology == "cmo" and 0 < seconds < device.t_read:
        return f"a reading takes `t_read`, {device.t_read:g} s"
    return ""


def shipped_devices() -> dict[str, Path]:
    """The files of the devices that ship, by name."""
    return {path.stem: path for path in sorted(resource(FOLDER).glob("*.yaml"))}


def is_analog(name: str) -> bool:
    """Whether `--device NAME` means an analog device and no processor: a file, or a shipped one.

    Nearly the name of one counts as well: `load_device` then says which.
    """
    return name.endswith((".yaml", ".yml")) or did_you_mean(name.lower(), shipped_devices()) is not None


def find_device(name: str, base: Path | None = None, span: Span | None = None) -> Path:
    """The file of a shipped device, or of a path that ends in `.yaml`, relative to `base`.

    Raises NasError (`unknown-device`, `missing-file`) at `span`, where the text says the name.
    """
    if name.endswith((".yaml", ".yml")):
        path = (base or Path()) / name
        if not path.is_file():
            raise error("missing-file", f"there is no device file `{path}`", span)
        return path
    shipped = shipped_devices()
    if name not in shipped:
        listed = f"there are {', '.join(f'`{n}`' for n in shipped)}, and files: `mine.yaml`"
        hint = did_you_mean(name.lower(), shipped) or listed
        raise error("unknown-device", f"there is no analog device `{name}`", span, hint=hint)
    return shipped[name]


def load_device(name: str, base: Path | None = None, span: Span | None = None) -> Device:
    """The device of a shipped name (`pcm`) or of a path that ends in `.yaml`, relative to `base`.

    Raises NasError: `unknown-device` and `missing-file` at `span`; mistakes of the file, several at once, in it
    (`bad-device-file`, `unknown-field`, `missing-field`, `duplicate-field`, `wrong-unit`, `missing-unit`, `bad-value`).
    """
    from nascompile.analog.device_file import read_file

    return read_file(find_device(name, base, span))


def with_bits(device: Device, bits: int) -> Device:
    """The device with converters of so many bits, both ways."""
    return dataclasses.replace(device, dac_bits=bits, adc_bits=bits)
