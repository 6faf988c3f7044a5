"""`profile --calibrate`: the latency table of this machine, with a correction from networks of shipped spaces."""

from __future__ import annotations

import os
import platform
import random
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nascompile.compilation import Compilation
from nascompile.profile.latency import Latency, fair_clock, session_latency
from nascompile.profile.latency_calibration import Measured, block_of_runtime, corrected, fitted, measured_kernels
from nascompile.profile.latency_onnx import model, package
from nascompile.profile.latency_table import Table
from nascompile.profile.operations import Operations, operations_of
from nascompile.resources import resource

Say = Callable[[str], None]
Clock = Callable[[], float]

NETWORKS: tuple[tuple[str, str, tuple[int, ...], dict[str, Any]], ...] = (
    ("unet", "unet", (1, 64, 64), {"c": 8}),
    ("unet", "unet", (1, 96, 96), {"c": 24}),
    ("unet_plus_plus", "unet_plus_plus", (1, 64, 64), {"c": 16}),
    ("unets", "unet_aux", (1, 64, 64), {"c": 16}),
    ("unets", "attention_unet", (1, 64, 64), {"c": 12}),
    ("unets", "r2u_net", (1, 64, 64), {"c": 8}),
    ("unets", "v_net", (1, 32, 32, 32), {"c": 8}),
    ("unets", "v_net", (1, 16, 32, 32), {"c": 16}),
    ("nasbench201", "nasbench201", (3, 32, 32), {}),
    ("nasbench201", "nasbench201", (3, 32, 32), {"c": 32}),
    ("darts", "cifar", (3, 32, 32), {}),
    ("darts", "cifar", (3, 64, 64), {"layers": 5, "c": 24}),
    ("mobilenet_v3", "mobilenet_v3", (3, 64, 64), {}),
    ("mobilenet_v3", "mobilenet_v3", (3, 96, 96), {}),
    ("unets", "multires_unet", (1, 64, 64), {"c": 12}),
)
"""Specs, spaces, inputs and arguments whose random networks teach the correction: 2-D and 3-D, with decoders."""


def calibrate(
    name: str, *, seconds: float = 540.0, threads: int = 1, seed: int = 0, say: Say = lambda text: None
) -> Table:
    """Measure kernels and networks on this machine for about `seconds` and fit a table to them.

    Raises NasError (`missing-package`) without ONNX Runtime.
    """
    start = time.perf_counter()
    block = block_of_runtime()
    target = {
        "name": name, "runtime": "onnxruntime", "provider": "CPUExecutionProvider", "threads": threads, "batch": 1,
        "precision": "float32", "block": block,
    }  # fmt: skip
    times = measured_kernels(0.6 * seconds, block, threads, seed, say)
    table = fitted(times, target, fingerprint(threads), say, seed)
    left = max(10.0, seconds - (time.perf_counter() - start) - 10)
    networks = list(whole_networks(left, threads, seed, say))
    table = corrected(table, networks)
    say(f"networks: {table.error['networks']}")
    return table


def whole_networks(seconds: float, threads: int, seed: int, say: Say) -> Iterator[Measured]:
    """Random networks of the shipped spaces in `NETWORKS` with their milliseconds, as many as `seconds` allow."""
    until, clock = time.perf_counter() + seconds, fair_clock(threads)
    for turn in range(3):
        for number, (spec, space, input, arguments) in enumerate(NETWORKS):
            if time.perf_counter() > until:
                return
            network = random_network(spec, space, input, arguments, 1000 * seed + 100 * turn + number)
            found = network_latency(network, threads, seconds=min(3.0, seconds / len(NETWORKS) / 2), clock=clock)
            say(f"{space} {input}: {found.median:.2f} ms")
            yield Measured(f"{space} {'x'.join(map(str, input))} {turn}", network, found.quiet)


def random_network(spec: str, space: str, input: tuple[int, ...], arguments: dict[str, Any], seed: int) -> Operations:
    """The operations of a random genotype of a shipped space."""
    text = Compilation.from_path(resource(f"specs/{spec}.nas"))
    searched = text.space(space, arguments, input)
    genotype = searched.sample(random.Random(seed))
    return operations_of(text.network(genotype, input, arguments))


def network_latency(
    network: Operations,
    threads: int = 1,
    *,
    batch: int = 1,
    seconds: float = 3.0,
    clock: Clock = time.perf_counter,
    provider: str = "CPUExecutionProvider",
) -> Latency:
    """What ONNX Runtime takes for a network by its operations, with arbitrary weights; loads no torch."""
    runtime = package("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = runtime.InferenceSession(model(network, batch), options, providers=[provider])
    return session_latency(session, network.shapes[network.input], threads, seconds=seconds, batch=batch, clock=clock)


def fingerprint(threads: int) -> dict[str, Any]:
    """What a measured latency depends on: processor, cores, threads, system, versions."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in ("onnxruntime", "torch", "nascompile")},
    }


def processor() -> str:
    """The processor's model, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
