"""Measured latency: the median time of a call, with its spread, in torch and in ONNX Runtime."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NARROW = 0.02
"""The interval of the median is narrow when it is at most this share of the median wide."""

SPREAD = 0.10
DRIFT = 0.05
"""A measurement is not stable when its quartiles are further apart, or the medians of its halves differ by more."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds a call: the median and the quartiles over `calls` calls with `threads` threads.

    `interval` holds the median with a confidence of 95%; `quiet` is the mean of the faster half, what a machine
    without other work would give. `unstable` says why the numbers should not be trusted; None where they can be.
    `memory` are bytes allocated at the peak and `energy` joules a call, both on CUDA only.
    """

    median: float
    low: float
    high: float
    calls: int
    threads: int
    interval: tuple[float, float] = (0.0, math.inf)
    quiet: float = 0.0
    batch: int = 1
    unstable: str | None = None
    memory: int | None = None
    energy: float | None = None
    times: tuple[float, ...] = field(default=(), repr=False)

    @property
    def is_stable(self) -> bool:
        return self.unstable is None

    @property
    def throughput(self) -> float:
        """Images a second."""
        return 1e3 * self.batch / self.median

    def as_json(self) -> dict[str, Any]:
        """Plain data for reports."""
        found: dict[str, Any] = {
            "median_ms": self.median,
            "quartile_low_ms": self.low,
            "quartile_high_ms": self.high,
            "interval_ms": list(self.interval),
            "quiet_ms": self.quiet,
            "calls": self.calls,
            "threads": self.threads,
            "batch": self.batch,
            "images_per_second": self.throughput,
            "stable": self.is_stable,
        }
        if self.unstable is not None:
            found["unstable"] = self.unstable
        if self.memory is not None:
            found["peak_memory_bytes"] = self.memory
        if self.energy is not None:
            found["joules"] = self.energy
        return found


def measure(
    call: Callable[[], object],
    *,
    seconds: float = 2.0,
    warmup: int = 3,
    least: int = 10,
    threads: int = 1,
    batch: int = 1,
    narrow: float = NARROW,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Time `call` after `warmup` calls that do not count, at least `least` times, until the 95% interval of the median
    is `narrow` (a share of it) or `seconds` are over. `clock` gives seconds; `time.process_time` is for machines that
    are busy with other work, and one thread."""
    for _ in range(warmup):
        call()
    times: list[float] = []
    until = time.perf_counter() + seconds
    check = max(least, 10)
    while len(times) < least or time.perf_counter() < until:
        start = clock()
        call()
        times.append((clock() - start) * 1e3)
        if len(times) >= check:
            low, high = median_interval(times)
            if high - low <= narrow * statistics.median(times) and summed_up(times).unstable is None:
                break
            check = math.ceil(check * 1.25)
    return summed_up(times, threads, batch, narrow)


def summed_up(times: Sequence[float], threads: int = 1, batch: int = 1, narrow: float = NARROW) -> Latency:
    """What milliseconds of calls, in their order, say."""
    ordered = sorted(times)
    low, median, high = statistics.quantiles(times, n=4)
    faster = ordered[: (len(ordered) + 1) // 2]
    interval = median_interval(times)
    half = len(times) // 2
    drift = statistics.median(times[half:]) / statistics.median(times[:half]) - 1
    width = (interval[1] - interval[0]) / median
    why = None
    if width > narrow:
        why = f"after {len(times)} calls the median is only known within {width:.1%}"
    elif (high - low) / median > SPREAD:
        why = f"half of the calls are spread over {(high - low) / median:.0%} of the median"
    elif abs(drift) > DRIFT:
        why = f"the second half of the calls took {drift:+.0%} of the first"
    return Latency(
        median, low, high, len(times), threads, interval, statistics.fmean(faster), batch, why, times=tuple(times)
    )  # fmt: skip


def median_interval(times: Sequence[float]) -> tuple[float, float]:
    """Order statistics that hold the median with a confidence of at least 95% (the binomial interval)."""
    ordered, n = sorted(times), len(times)
    below, total = 0, 0.0
    while True:
        total += math.comb(n, below) * 0.5**n if n < 1000 else 0.0
        if total > 0.025 or n >= 1000:
            break
        below += 1
    if n >= 1000:
        below = math.floor(n / 2 - 0.98 * math.sqrt(n))
    rank = max(below - 1, 0)
    return ordered[rank], ordered[n - 1 - rank]


def fair_clock(threads: int) -> Callable[[], float]:
    """The clock for calibrations: processor time where one thread works and the system counts it finely, so that other
    work on the machine disturbs less; else the time that passes."""
    fine = time.get_clock_info("process_time").resolution < 1e-5
    return time.process_time if threads == 1 and fine else time.perf_counter


def torch_latency(
    network: torch.nn.Module,
    input: tuple[int, ...],
    device: torch.device,
    *,
    seconds: float = 2.0,
    batch: int = 1,
    precision: str = "float32",
    compiled: bool = False,
) -> Latency:
    """`batch` images (batch, *input) through `network` on `device`, in evaluation mode, synchronised.

    `precision` is `float32`, `bfloat16` or `float16` (autocast); `compiled` goes through `torch.compile`. On CUDA the
    peak of allocated memory and, where `pynvml` is installed, the energy a call are measured as well.
    """
    import torch

    network = network.to(device).eval()
    run: Callable[[torch.Tensor], object] = torch.compile(network) if compiled else network
    image = torch.zeros((batch, *input), device=device)
    cuda = device.type == "cuda"
    mixed = torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32")

    def call() -> None:
        with torch.inference_mode(), mixed:
            run(image)
        if cuda:
            torch.cuda.synchronize(device)

    call()
    if cuda:
        torch.cuda.reset_peak_memory_stats(device)
    meter = _energy_meter(device.index or 0) if cuda else None
    calls = [0]

    def counted() -> None:
        calls[0] += 1
        call()

    before = meter() if meter else 0.0
    found = measure(counted, seconds=seconds, threads=torch.get_num_threads(), batch=batch)
    if not cuda:
        return found
    from dataclasses import replace

    used = (meter() - before) / calls[0] if meter else None
    return replace(found, memory=int(torch.cuda.max_memory_allocated(device)), energy=used)


def _energy_meter(index: int) -> Callable[[], float] | None:
    """Joules that a GPU has used so far, by NVML; None where that cannot be read."""
    try:
        import pynvml  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError:
        return None
    return lambda: float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3


def session_latency(
    session: Any,
    input: tuple[int, ...],
    threads: int,
    *,
    seconds: float = 2.0,
    batch: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """`batch` images (batch, *input) through an ONNX Runtime session."""
    import numpy as np

    name = session.get_inputs()[0].name
    image = np.zeros((batch, *input), np.float32)
    return measure(lambda: session.run(None, {name: image}), seconds=seconds, threads=threads, batch=batch, clock=clock)
