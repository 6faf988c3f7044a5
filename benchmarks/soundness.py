"""Random genotypes of the shipped spaces: what `check` promises is what torch builds.

    python benchmarks/soundness.py --meta 10000 --real 1000
    python benchmarks/soundness.py --each 500

draws that many genotypes in all, spread over the spaces, or so many of each. Each is elaborated and built; the outputs'
shapes, the parameters and the multiply-accumulates must be those that the text's cost gives without torch. `meta` runs
use no memory; `real` runs compute with numbers and also look for values that are not finite. Results go to
`benchmarks/results/soundness.json` as they come, and a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from record import fingerprint, read, write
from torch.utils.flop_counter import FlopCounterMode

from nascompile.backends.pytorch import build
from nascompile.profile.cost import cost_of
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.source import Source
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

SAVE_EVERY = 20.0
"""Seconds between writes of the results."""


@dataclass(frozen=True)
class Space:
    """A shipped space for an input `(channels, *spatial)`. Of the draws without memory it takes `share` parts."""

    name: str
    input: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    share: int = 8

    @property
    def label(self) -> str:
        return f"{self.name} {'x'.join(map(str, self.input))}"


SPACES = (
    Space("nas_unet", (1, 64, 64), {"depth": 3}),
    Space("nas_unet", (1, 48, 80), {"depth": 2, "double": True}),
    Space("wdan", (3, 64, 64), {"layers": 7}, share=1),
    Space("cifar", (3, 32, 32), {"layers": 5}, share=6),
    Space("nasbench201", (3, 32, 32), share=16),
    Space("auto_deeplab", (3, 64, 64), {"layers": 4}, share=1),
    Space("dints", (1, 32, 32, 32), {"blocks": 4}, share=1),
    Space("dints", (1, 64, 64), {"blocks": 6}, share=1),
    Space("nas_lung", (1, 32, 32, 32), share=16),
    Space("analog_nas", (3, 32, 32), share=1),
    Space("nas_segnet", (3, 32, 32), share=1),
    Space("mobilenet_v3", (3, 64, 64)),
    Space("nas_unet_flexible", (1, 64, 64)),
    Space("nas_unet_flexible", (1, 32, 32, 32), share=4),
)


@lru_cache
def library(space: str) -> Library:
    """The shipped text that declares a space."""
    for path in sorted(resource("specs").glob("*.nas")):
        text = path.read_text(encoding="utf-8")
        if re.search(rf"^space {space}\(", text, re.MULTILINE):
            return load(Source(path.name, text), path.parent)
    raise LookupError(f"no shipped text declares the space {space}")


def open_space(space: Space) -> SearchSpace:
    """The search space."""
    program = elaborate(library(space.name), Request(space.name, space.arguments, space.input))
    return SearchSpace(program, space.arguments)


def verify(space: Space, genotype: Genotype, *, is_real: bool) -> str | None:
    """None when torch agrees with the text, else what differs."""
    request = Request(space.name, space.arguments, space.input, genotype.values, True)
    program = elaborate(library(space.name), request)
    device = torch.device("cpu" if is_real else "meta")
    with device:
        net = build(program).eval()
        x = torch.ones(1, *space.input)
    if is_real:
        x = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        found = net(x)
    outputs = found if isinstance(found, tuple) else (found,)
    shapes = [tuple(y.shape[1:]) for y in outputs]
    promised = [program.graph.types[value].axes for _, value in program.graph.outputs]
    if shapes != promised:
        return f"shapes {shapes}, promised {promised}"
    cost = cost_of(program)
    parameters = sum(p.numel() for p in net.parameters())
    if parameters != cost.live:
        return f"{parameters} parameters, promised {cost.live}"
    if counter.get_total_flops() != cost.flops:
        return f"{counter.get_total_flops()} operations, promised {cost.flops}"
    if is_real and not all(bool(torch.isfinite(y).all()) for y in outputs):
        return "an output is not finite"
    return None


def run_all(
    path: Path, meta: int, real: int, seconds: float, part: slice = slice(None), each: int = 0
) -> dict[str, Any]:
    """Draw for a part of the spaces until the numbers are reached or the time is over; returns what is also on disk.

    Every space gets at least `each` draws without memory.
    """
    results = read(path) or {"machine": fingerprint(), "spaces": {}}
    deadline, saved = time.monotonic() + seconds, time.monotonic()
    chosen = SPACES[part]
    opened = {space.label: open_space(space) for space in chosen}
    shares = sum(space.share for space in SPACES)
    for kind in ("real", "meta"):
        done = False
        while not done and time.monotonic() < deadline:
            done = True
            for space in chosen:
                record = results["spaces"].setdefault(space.label, {"meta": 0, "real": 0, "wrong": []})
                searched = opened[space.label]
                wanted = -(-real // len(SPACES)) if kind == "real" else max(each, -(-meta * space.share // shares))
                if record[kind] >= wanted or time.monotonic() > deadline:
                    continue
                done = False
                seed = record[kind] + (0 if kind == "meta" else 1_000_000)
                genotype = searched.sample(random.Random(seed))
                problem = verify(space, genotype, is_real=kind == "real")
                record[kind] += 1
                if problem is not None:
                    record["wrong"].append({"kind": kind, "seed": seed, "problem": problem})
            if time.monotonic() - saved > SAVE_EVERY:
                write(path, results)
                saved = time.monotonic()
    write(path, results)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--meta", type=int, default=10_000)
    parser.add_argument("--real", type=int, default=1_000)
    parser.add_argument("--each", type=int, default=0, help="draws without memory of every space, at least")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after this time")
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), help="I N: every N-th space from number I")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "soundness.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    part = slice(options.part[0], None, options.part[1])
    results = run_all(options.out, options.meta, options.real, options.seconds, part, options.each)
    for label, record in results["spaces"].items():
        print(f"{label:28} meta {record['meta']:6} real {record['real']:5} wrong {len(record['wrong'])}")


if __name__ == "__main__":
    main()
