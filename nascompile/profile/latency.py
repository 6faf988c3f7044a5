"""Measured latency: the median time of a call, with its spread, in torch and in ONNX Runtime."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds a call: the median and the quartiles over `calls` calls with `threads` threads."""

    median: float
    low: float
    high: float
    calls: int
    threads: int

    def as_json(self) -> dict[str, Any]:
        """Plain data for reports."""
        return {
            "median_ms": self.median,
            "quartile_low_ms": self.low,
            "quartile_high_ms": self.high,
            "calls": self.calls,
            "threads": self.threads,
        }


def measure(
    call: Callable[[], object], *, seconds: float = 2.0, warmup: int = 3, least: int = 10, threads: int = 1
) -> Latency:
    """Time `call` for about `seconds`, at least `least` times, after `warmup` calls that do not count."""
    for _ in range(warmup):
        call()
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < until:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    low, median, high = statistics.quantiles(times, n=4)
    return Latency(median, low, high, len(times), threads)


def torch_latency(
    network: torch.nn.Module, input: tuple[int, ...], device: torch.device, *, seconds: float = 2.0
) -> Latency:
    """One image (1, *input) through `network` on `device`, in evaluation mode, synchronised."""
    network = network.to(device).eval()
    image = torch.zeros((1, *input), device=device)

    def call() -> None:
        with torch.inference_mode():
            network(image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return measure(call, seconds=seconds, threads=torch.get_num_threads())


def session_latency(session: Any, input: tuple[int, ...], threads: int, *, seconds: float = 2.0) -> Latency:
    """One image (1, *input) through an ONNX Runtime session."""
    import numpy as np

    name = session.get_inputs()[0].name
    image = np.zeros((1, *input), np.float32)
    return measure(lambda: session.run(None, {name: image}), seconds=seconds, threads=threads)
