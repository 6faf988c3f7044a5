"""Peak memory by liveness against torch's own allocation events, on random nets of the shipped spaces.

    python benchmarks/peak_memory.py --nets 50

Each net runs on the CPU with one thread, once as an evaluation and once as a training step (forward, and backward from
a gradient of ones); torch's profiler lists what is allocated and freed. The input and the weights are there before and
do not count: the figures are transient bytes. Results go to `benchmarks/results/peak_memory.json` as they come, and a
second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from record import fingerprint, read, write
from soundness import SPACES, Space, library, open_space
from torch.profiler import profile

from nascompile.backends.pytorch import build
from nascompile.profile.memory import peak_memory
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.space.space import SearchSpace

FORWARD, TRAINING = "inference", "training"


def measured_peak(call: Callable[[], object]) -> int:
    """The most bytes that a call holds at once beyond what it found allocated."""
    with profile(profile_memory=True) as profiler:
        kept = call()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    del kept
    return peak


def compare(space: Space, searched: SearchSpace, seed: int) -> dict[str, Any]:
    """Predicted and measured transient bytes of one net, and their ratio."""
    values = searched.sample(random.Random(seed)).values
    program = elaborate(library(space.name), Request(space.name, space.arguments, space.input, values, True))
    net = build(program)
    x = torch.randn((1, *space.input), generator=torch.Generator().manual_seed(seed))
    batch = 2 if any("batch_norm" in type(m).__name__.lower() for m in net.modules()) else 1

    def evaluate() -> Any:
        with torch.inference_mode():
            return net(x)

    def train() -> Any:
        outputs = net(x)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        torch.autograd.backward(outputs, [torch.ones_like(y) for y in outputs])
        return outputs

    x = x.expand(batch, *space.input).contiguous()
    record: dict[str, Any] = {"space": space.label, "seed": seed, "batch": batch}
    for kind, call in ((FORWARD, evaluate), (TRAINING, train)):
        net.train(kind == TRAINING)
        call()
        for parameter in net.parameters():
            parameter.grad = None
        found = peak_memory(program, is_training=kind == TRAINING, batch=batch)
        actual = measured_peak(call)
        record[kind] = {"predicted": found.transient, "measured": actual, "ratio": found.transient / actual}
    return record


def run_all(path: Path, nets: int, seconds: float) -> dict[str, Any]:
    """Measure nets, space after space, until there are enough or the time is over."""
    results = read(path) or {"row": "peak_memory", "machine": fingerprint(), "nets": []}
    deadline = time.monotonic() + seconds
    done = {(r["space"], r["seed"]) for r in results["nets"]}
    opened: dict[str, SearchSpace] = {}
    for number in range(nets):
        space, seed = SPACES[number % len(SPACES)], number // len(SPACES)
        if (space.label, seed) in done or time.monotonic() > deadline:
            continue
        searched = opened.setdefault(space.label, open_space(space))
        results["nets"].append(compare(space, searched, seed))
        write(path, results)
    for kind in (FORWARD, TRAINING):
        errors = sorted(abs(r[kind]["ratio"] - 1) for r in results["nets"])
        if errors:
            within = sum(e <= 0.1 for e in errors) / len(errors)
            results[kind] = {"within_10_percent": within, "median_error": errors[len(errors) // 2], "worst": errors[-1]}
    write(path, results)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after this time")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "peak_memory.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = run_all(options.out, options.nets, options.seconds)
    for record in results["nets"]:
        shown = "  ".join(f"{kind} {record[kind]['ratio']:.3f}" for kind in (FORWARD, TRAINING))
        print(f"{record['space']:28} {record['seed']:3}  {shown}")
    print({kind: results.get(kind) for kind in (FORWARD, TRAINING)})


if __name__ == "__main__":
    main()
