"""Every network exports: random genotypes over all shipped spaces through the default exporter and the parity gate.

    python benchmarks/onnx_always.py [--count 300] [--seconds S]

Results go to `benchmarks/results/onnx_always.json`, genotype by genotype, so that a killed run goes on where it was.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from record import fingerprint, read, write
from soundness import Space, library

from nascompile.backends.onnx import export
from nascompile.backends.pytorch import build
from nascompile.diagnostics import NasError
from nascompile.jobs.sizes import smallest_unit
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.space.space import SearchSpace

RESULTS = Path(__file__).parent / "results" / "onnx_always.json"

# Small settings: what an export can fail at does not depend on the number of layers.
SPACES = (
    Space("nas_unet", (1, 32, 32), {"depth": 2}),
    Space("nas_unet", (1, 16, 16, 16), {"depth": 2, "c": 8}),
    Space("wdan", (3, 32, 32), {"layers": 5}),
    Space("cifar", (3, 32, 32), {"layers": 4}),
    Space("nasbench201", (3, 32, 32), {"cells": 1}),
    Space("nasbench201", (1, 16, 16, 16), {"cells": 1}),
    Space("auto_deeplab", (3, 32, 32), {"layers": 3}),
    Space("dints", (1, 16, 16, 16), {"blocks": 3, "depths": 3, "mul": 0.25}),
    Space("dints", (1, 32, 32), {"blocks": 4, "depths": 3, "mul": 0.25}),
    Space("nas_lung", (1, 32, 32, 32)),
    Space("analog_nas", (3, 32, 32)),
    Space("nas_segnet", (3, 32, 32)),
    Space("mobilenet_v3", (3, 32, 32)),
    Space("nas_unet_flexible", (1, 32, 32), {"depths": (2, 3), "counts": (2, 3)}),
    Space("nas_unet_flexible", (1, 32, 32, 32), {"widths": (4, 8), "depths": (2, 3), "counts": (2,)}),
)


def attempt(space: Space, seed: int) -> dict[str, Any]:
    """One genotype: seconds of its export with the gate, its free axes, and why it failed if it did."""
    opened = SearchSpace(elaborate(library(space.name), Request(space.name, space.arguments, space.input)))
    values = opened.sample(random.Random(seed)).values

    def program(size: tuple[int, ...]) -> Any:
        return elaborate(library(space.name), Request(space.name, space.arguments, size, values, True))

    def is_legal(size: tuple[int, ...]) -> bool:
        try:
            program(size)
        except NasError:
            return False
        return True

    made = program(space.input)
    network = build(made, seed).eval()
    unit = smallest_unit(is_legal, space.input)
    found: dict[str, Any] = {"space": space.label, "seed": seed, "unit": unit}
    start = time.perf_counter()
    try:
        model = export(network, space.input, [name for name, _ in made.graph.outputs], {}, unit=unit)
    except NasError as failure:
        found["problem"] = failure.diagnostics[0].message
    else:
        found["free"] = list(model.dynamic)
        found["divisor"] = model.unit
        found["worst"] = max(a.runtime / max(a.torch, 1e-12) for a in model.agreements)
    found["seconds"] = time.perf_counter() - start
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after this time")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = read(options.out) or {"machine": fingerprint(), "exports": []}
    until = time.monotonic() + options.seconds
    for number in range(len(results["exports"]), options.count):
        if time.monotonic() > until:
            break
        results["exports"].append(attempt(SPACES[number % len(SPACES)], number))
        write(options.out, results)
    exports = results["exports"]
    failed = [e for e in exports if "problem" in e]
    results["summary"] = {
        "exports": len(exports),
        "failed": len(failed),
        "all sizes free": sum("free" in e and len(e["free"]) > 1 for e in exports),
        "median seconds": statistics.median(e["seconds"] for e in exports),
    }
    write(options.out, results)
    print(results["summary"])
    for e in failed:
        print(e["space"], e["seed"], e["problem"])


if __name__ == "__main__":
    main()
