"""Networks of all five systems on analog tiles: shares, tiles, parity on ideal tiles, and the time that it takes.

    python benchmarks/analog_conversion.py

Parity is the relative difference of the main output (2-norm) between the digital network and the same weights on ideal
tiles, where every product goes through the forms and splits of the real device: in float64, and in float32, beside what
rounding alone does to the digital network in float32 (against float64), which deep random networks magnify.

Speed is that of one thread, in seconds of its processor: what 10 programmings and 4 times of each take on a batch
(programming, drift and 40 forward passes), against the digital forward pass. aihwkit's own conversion runs beside it on
the one network that it converts. Seconds of the processor leave out what other processes of the machine take. Rows of
C++ tiles, ours and aihwkit's, are measured where its library works (built from source beside torch 2.13), and beside
them the rows of torch tiles in the same process.
Results: `benchmarks/results/analog_conversion.json`.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from record import fingerprint, read, write

from nascompile.analog.device import Device, load_device
from nascompile.backends.analog import config
from nascompile.backends.analog.network import analog
from nascompile.backends.analog.selftest import tile_backends
from nascompile.backends.pytorch import build
from nascompile.compilation import Compilation
from nascompile.ir.program import Program
from nascompile.resources import resource
from nascompile.train.predict import main_output

RESULTS = Path(__file__).parent / "results" / "analog_conversion.json"
TIMES = (1.0, 3600.0, 86400.0, 2592000.0)
PROGRAMMINGS = 10


@dataclass(frozen=True)
class Net:
    """A network and the batch that its speed is measured on; 0 does not measure it."""

    name: str
    spec: str
    genotype: str | None
    input: tuple[int, ...]
    batch: int = 0

    def program(self) -> Program:
        if self.genotype is None:  # none was published for this space and input: a sampled one
            text = Compilation.from_path(resource(f"specs/{self.spec}.nas"))
            return text.network(text.space(input=self.input).sample(random.Random(0)), self.input)
        text = Compilation.from_path(resource(f"specs/genotypes/{self.spec}.nas"))
        return text.network(text.genotype(self.genotype), self.input)


NETS = (
    Net("NAS-Unet NASUNET", "nas_unet", "NASUNET", (1, 64, 64), 8),
    Net("MixSearch layer9_deep", "mixsearch", "layer9_deep", (3, 64, 64), 4),
    Net("DiNTS, 2-D, sampled with seed 0", "dints", None, (1, 64, 64)),
    Net("DiNTS cvpr2021, 3-D", "dints", "cvpr2021", (1, 32, 32, 32)),
    Net("NAS-Lung model_d", "nas_lung", "model_d", (1, 32, 32, 32), 2),
    Net("NAS-SegNet segnet_best_config", "analog_nas", "segnet_best_config", (3, 32, 32), 8),
    Net("AnalogNAS, sampled with seed 0", "analog_nas", None, (3, 32, 32), 4),
)


def images(net: Net, batch: int) -> torch.Tensor:
    return torch.randn(batch, *net.input, generator=torch.Generator().manual_seed(0))


def conversion(net: Net, device: Device) -> dict[str, Any]:
    """Shares and tiles on a device, and parity on ideal tiles of its size."""
    program = net.program()
    network = build(program).eval()
    ideal = load_device("ideal")
    layers = analog(network, program, device).placements
    products = [p for p in layers if p.layer in ("conv", "conv_transpose", "linear")]
    x = images(net, 2 if len(net.input) == 3 else 1)
    outputs = {}
    with torch.no_grad():
        for dtype in (torch.float32, torch.float64):
            network.to(dtype)
            for name, module in (("digital", network), ("tiles", analog(network, program, ideal).eval())):
                outputs[name, dtype] = main_output(module(x.to(dtype)), network.output_names).double()
    exact = outputs["digital", torch.float64]
    return {
        "input": list(net.input),
        "layers": len(layers),
        "forms": dict(Counter(p.form for p in layers)),
        "digital": {p.path: p.reason for p in layers if not p.is_analog},
        "tiles": sum(len(p.tiles) for p in layers),
        "macs": sum(p.macs for p in layers),
        "share_of_convolutions_and_linear": sum(p.macs for p in products if p.is_analog)
        / sum(p.macs for p in products),
        "share_of_all": sum(p.macs for p in layers if p.is_analog) / sum(p.macs for p in layers),
        "parity_float64": relative(outputs["tiles", torch.float64], exact),
        "parity_float32": relative(outputs["tiles", torch.float32], outputs["digital", torch.float32]),
        "rounding_of_digital_float32": relative(outputs["digital", torch.float32], exact),
    }


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """The median of processor seconds of this thread."""
    found = []
    for _ in range(repeats):
        start = time.thread_time()
        call()
        found.append(time.thread_time() - start)
    return statistics.median(found)


def speed(net: Net, device: Device, tiles: str = "torch") -> dict[str, Any]:
    """Processor seconds of a digital pass and of an evaluation over all programmings and times."""
    program = net.program()
    network, x = build(program).eval(), images(net, net.batch)
    on_tiles = analog(network, program, device, tiles=tiles).eval()
    row: dict[str, Any] = {"batch": net.batch}
    with torch.no_grad():
        network(x), on_tiles(x)
        row["digital"] = seconds(lambda: network(x), 5)
        row["program"] = seconds(lambda: on_tiles.program(0))
        row["drift"] = seconds(lambda: on_tiles.drift(TIMES[1], 0))
        row["forward"] = seconds(lambda: on_tiles(x))

        def evaluation() -> None:
            for programming in range(PROGRAMMINGS):
                on_tiles.program(programming)
                for at in TIMES:
                    on_tiles.drift(at, programming)
                    on_tiles(x)

        row["evaluation"] = seconds(evaluation, 1)
    passes = PROGRAMMINGS * len(TIMES)
    row["ratio_forward"] = row["forward"] / row["digital"]
    row["ratio"] = row["evaluation"] / passes / row["digital"]
    return row


def aihwkit_speed(net: Net, device: Device, tiles: str = "torch") -> dict[str, Any]:
    """The same with aihwkit's own conversion: `convert_to_analog` of the built network."""
    from aihwkit.nn.conversion import convert_to_analog

    network, x = build(net.program()).eval(), images(net, net.batch)
    theirs = convert_to_analog(network, config.rpu_config(device, tiles)).eval()
    row: dict[str, Any] = {"batch": net.batch}
    with torch.no_grad():
        theirs(x)
        row["digital"] = seconds(lambda: network(x), 5)
        row["program"] = seconds(theirs.program_analog_weights, 1)
        row["drift"] = seconds(lambda: theirs.drift_analog_weights(TIMES[1]))
        row["forward"] = seconds(lambda: theirs(x))
    passes = PROGRAMMINGS * len(TIMES)
    whole = PROGRAMMINGS * row["program"] + passes * (row["drift"] + row["forward"])
    row["ratio_forward"] = row["forward"] / row["digital"]
    row["ratio"] = whole / passes / row["digital"]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", action="store_true", help="only the speed rows; other rows stay as they are stored")
    parser.add_argument(
        "--only", nargs="+", default=(), help="speed rows of networks with one of these words in their name"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    pcm = load_device("pcm")
    found: dict[str, Any] = read(RESULTS) or {"row": "analog_conversion", "conversion": {}, "speed": {}}
    found["machine"] = fingerprint()
    if not options.speed:
        for net in NETS:
            row = found["conversion"][net.name] = conversion(net, pcm)
            share = row["share_of_convolutions_and_linear"]
            parity = f"{row['parity_float64']:.1e} (float64), {row['parity_float32']:.1e} (float32)"
            print(f"{net.name:32} {row['tiles']:5} tiles, {share:.2%} on them, parity {parity}", flush=True)
            write(RESULTS, found)
    for net in sorted((net for net in NETS if net.batch), key=lambda net: net.genotype == "layer9_deep"):
        if options.only and not any(word in net.name for word in options.only):
            continue
        rows: list[tuple[str, Callable[[], dict[str, Any]]]] = [(net.name, partial(speed, net, pcm))]
        if net.genotype == "segnet_best_config":
            rows.append((f"{net.name}, aihwkit's own layers", partial(aihwkit_speed, net, pcm)))
            if not tile_backends()["cpp"]:
                rows.append((f"{net.name}, C++ tiles", partial(speed, net, pcm, "cpp")))
                rows.append((f"{net.name}, aihwkit's own layers, C++ tiles", partial(aihwkit_speed, net, pcm, "cpp")))
        for name, measure in rows:
            row = found["speed"][name] = measure()
            print(f"{name:60} digital {row['digital']:.3f} s, a pass on tiles {row['ratio']:.2f} times it", flush=True)
            write(RESULTS, found)


if __name__ == "__main__":
    main()
