"""Training steps of supernets: ours against the loop over modules that the literature writes by hand."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from loop_lattice import LoopLattice
from loop_supernet import LoopSupernet
from soundness import library
from torch import nn
from torch.nn import functional as F
from torch.profiler import profile

from nascompile.backends.supernet import build_supernet
from nascompile.ir.program import Program
from nascompile.passes.pipelines import SUPERNET
from nascompile.semantics.elaborate import Request, elaborate

BATCH = 4
Step = Callable[[], None]


def supernet_step(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """A whole bilevel step of NAS-Unet's supernet (Adam on the alphas, then clipped SGD with momentum on the weights).

    `ratio` is our median time over that of the loop, `cpu_ratio` the same of processor time, `memory` the peaks of
    allocated bytes.
    """
    for threads in options.threads:
        torch.set_num_threads(threads)
        for c in options.channels:
            for side in options.sides:
                program = nas_unet(c, side)
                ours = bilevel(build_supernet(program, without=frozenset(options.without)), side)
                loop = bilevel(LoopSupernet(1, 2, c, depth_of(side), 3), side)
                record = compare(ours, loop, options.repeats)
                record["memory"] = [peak_bytes(ours), peak_bytes(loop)]
                print(f"{threads} threads c={c:3} px={side:3}", shown(record), flush=True)
                yield f"{threads} threads, {c} channels, {side} pixels", record


def supernet_passes(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """What each pass of the supernet's pipeline is worth: the time without it over the time with it."""
    torch.set_num_threads(1)
    for c in options.channels:
        program = nas_unet(c, options.sides[0])
        whole = bilevel(build_supernet(program), options.sides[0])
        for name in sorted({step.__name__ for step in SUPERNET} - {"flatten"}):
            other = bilevel(build_supernet(program, without=frozenset({name})), options.sides[0])
            record = compare(other, whole, options.repeats)
            print(f"c={c:3} without {name:15}", shown(record), flush=True)
            yield f"{c} channels without {name}", record


def lattice_step(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """As `supernet_step`, for the weaved lattice with three kinds of cell: the loss is the mean over its heads."""
    torch.set_num_threads(1)
    for layers, c, side in ((5, 16, 32), (7, 16, 32), (7, 16, 64), (7, 32, 64)):
        arguments = {"classes": 2, "c": c, "layers": layers, "double": False}
        program = elaborate(library("wdan"), Request("wdan", arguments, (3, side, side)))
        ours = bilevel(build_supernet(program), side, 3)
        loop = bilevel(LoopLattice(3, 2, c, layers), side, 3)
        record = compare(ours, loop, options.repeats)
        record["memory"] = [peak_bytes(ours), peak_bytes(loop)]
        print(f"{layers} layers c={c:3} px={side:3}", shown(record), flush=True)
        yield f"{layers} layers, {c} channels, {side} pixels", record


def nas_unet(c: int, side: int) -> Program:
    """The supernet that is measured: three nodes a cell, one input channel, two classes."""
    request = Request("nas_unet", {"classes": 2, "c": c, "depth": depth_of(side)}, (1, side, side))
    return elaborate(library("nas_unet"), request)


def depth_of(side: int) -> int:
    """As deep as the side halves evenly, at most three levels."""
    return 2 if side % 16 else 3


def bilevel(net: Any, side: int, channels: int = 1) -> Step:
    """One step of the search on random images, as a function."""
    weights, alphas = net.weight_parameters(), net.architecture_parameters()
    first = torch.optim.Adam(alphas, lr=3e-4, weight_decay=1e-3)
    second = torch.optim.SGD(weights, lr=0.025, momentum=0.9, weight_decay=3e-4)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, channels, side, side, generator=generator)
    y = torch.randint(0, 2, (BATCH, side, side), generator=generator)

    def step() -> None:
        for optimiser in (first, second):
            first.zero_grad()
            second.zero_grad()
            found = net(x)
            outputs = found if isinstance(found, tuple) else (found,)
            sum(F.cross_entropy(output, y) for output in outputs).backward()  # type: ignore[union-attr]
            if optimiser is second:
                nn.utils.clip_grad_norm_(weights, 5.0)
            optimiser.step()

    return step


def compare(ours: Step, other: Step, repeats: int) -> dict[str, Any]:
    """Interleaved times of two functions, in seconds, after one unmeasured call of each."""
    wall: tuple[list[float], list[float]] = ([], [])
    processor: tuple[list[float], list[float]] = ([], [])
    for step in (ours, other):
        step()
    for _ in range(repeats):
        for k, step in enumerate((ours, other)):
            start, used = time.perf_counter(), time.process_time()
            step()
            wall[k].append(time.perf_counter() - start)
            processor[k].append(time.process_time() - used)
    a, b = (statistics.median(times) for times in wall)
    p, q = (statistics.median(times) for times in processor)
    return {
        "ratio": a / b,
        "cpu_ratio": p / q,
        "least_ratio": min(wall[0]) / min(wall[1]),
        "seconds": [a, b],
        "cpu_seconds": [p, q],
    }


def peak_bytes(step: Step) -> int:
    """The most bytes that a step holds at once beyond what it found allocated."""
    with profile(profile_memory=True) as profiler:
        step()
    held = peak = 0
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]  # type: ignore[union-attr]
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def shown(record: dict[str, Any]) -> str:
    words = [f"{name} {record[name]:.3f}" for name in ("ratio", "cpu_ratio", "least_ratio")]
    words.append("seconds " + " / ".join(f"{t:.3f}" for t in record["seconds"]))
    if "memory" in record:
        words.append("MB " + " / ".join(f"{n / 1e6:.0f}" for n in record["memory"]))
    return "  ".join(words)
