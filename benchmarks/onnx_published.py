"""Published networks as ONNX: agreement with torch, and ONNX Runtime's latency beside eager torch's in one run.

    python benchmarks/onnx_published.py [--seconds 3]

One thread. Per network: three rounds of both, one after the other; the ratio is that of the medians. Results go to
`benchmarks/results/onnx_published.json`, network by network; a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from record import fingerprint, read, write
from soundness import library

from nascompile.backends.onnx import OnnxModel, export, session
from nascompile.backends.pytorch import build
from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.jobs.sizes import smallest_unit
from nascompile.profile.latency import session_latency, torch_latency
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.space.space import SearchSpace

RESULTS = Path(__file__).parent / "results" / "onnx_published.json"
ROUNDS = 3


@dataclass(frozen=True)
class Published:
    """A genotype of `specs/genotypes/TEXT.nas`; without a name, the draw of seed 0 from the space."""

    label: str
    text: str
    space: str
    genotype: str | None
    input: tuple[int, ...]
    arguments: dict[str, Any] = field(default_factory=dict)


NETWORKS = (
    Published("NASUNET", "nas_unet", "nas_unet", "NASUNET", (1, 256, 256)),
    Published("MixSearch V_isic", "mixsearch", "wdan", "stage1_layer9_110epoch_double_deep_final", (3, 128, 128)),
    Published("DiNTS, 2-D, small", "dints", "dints", None, (1, 128, 128), {"blocks": 6, "depths": 3, "mul": 0.5}),
    Published("DiNTS, published, mul = 0.25", "dints", "dints", "cvpr2021", (1, 64, 64, 64), {"mul": 0.25}),
    Published("NAS-Lung model A", "nas_lung", "nas_lung", "model_a", (1, 32, 32, 32)),
    Published("NAS-Lung model D", "nas_lung", "nas_lung", "model_d", (1, 32, 32, 32)),
    Published("NAS-Lung model E", "nas_lung", "nas_lung", "model_e", (1, 32, 32, 32)),
    Published("NAS-Lung model F", "nas_lung", "nas_lung", "model_f", (1, 32, 32, 32)),
    Published("NAS-SegNet", "analog_nas", "nas_segnet", "segnet_best_config", (3, 32, 32)),
)  # fmt: skip


def attempt(one: Published, seconds: float) -> dict[str, Any]:
    """Export with the gate, then time both."""
    known = library(one.space)
    values, arguments = {}, dict(one.arguments)
    if one.genotype is None:
        opened = SearchSpace(elaborate(known, Request(one.space, one.arguments, one.input)))
        values = dict(opened.sample(random.Random(0)).values)
    else:
        path = resource("specs/genotypes") / f"{one.text}.nas"
        text = Compilation.from_path(path)
        genotype = text.genotype(one.genotype)
        values = dict(genotype.values)
        arguments = {**dict(text.program(text.call_for(genotype)).arguments), **arguments}

    def program(size: tuple[int, ...]) -> Any:
        return elaborate(known, Request(one.space, arguments, size, values, True))

    def is_legal(size: tuple[int, ...]) -> bool:
        try:
            program(size)
        except NasError:
            return False
        return True

    made = program(one.input)
    network = build(made, 0).eval()
    start = time.perf_counter()
    names = [name for name, _ in made.graph.outputs]
    model = export(network, one.input, names, {}, unit=smallest_unit(is_legal, one.input))
    found: dict[str, Any] = {
        "input": list(one.input),
        "params": sum(p.numel() for p in network.parameters()),
        "export_seconds": time.perf_counter() - start,
        "free": list(model.dynamic),
        "divisor": model.unit,
        "bytes": len(model.data),
        "agreements": [str(a) for a in model.agreements],
    }
    return {**found, **timed(network, model, one.input, seconds)}


def timed(network: torch.nn.Module, model: OnnxModel, input: tuple[int, ...], seconds: float) -> dict[str, Any]:
    """Medians of the rounds in milliseconds, and their ratio."""
    running = session(model.data, 1)
    eager: list[float] = []
    runtime: list[float] = []
    for _ in range(ROUNDS):
        eager.append(torch_latency(network, input, torch.device("cpu"), seconds=seconds).median)
        runtime.append(session_latency(running, input, 1, seconds=seconds).median)
    ratio = statistics.median(runtime) / statistics.median(eager)
    return {"torch_ms": eager, "onnxruntime_ms": runtime, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each of the timings")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = read(options.out) or {"machine": fingerprint(), "networks": {}}
    for one in NETWORKS:
        if one.label in results["networks"]:
            continue
        found = results["networks"][one.label] = attempt(one, options.seconds)
        write(options.out, results)
        print(f"{one.label}: {found['ratio']:.2f} of eager torch, exported in {found['export_seconds']:.0f} s")


if __name__ == "__main__":
    main()
