"""Building a target's latency table: random kernels, what is fitted to them, and a few whole networks."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

from nascompile.profile.kernels import Kernel
from nascompile.profile.latency_features import family
from nascompile.profile.latency_model import LatencyModel, group
from nascompile.profile.latency_regression import Regression, fit
from nascompile.profile.latency_samples import samples
from nascompile.profile.latency_table import Correction, Table
from nascompile.profile.operations import Operations

KERNELS = 6000
MOST = 450
"""Kernels drawn, and those of one family that are kept."""
LEAST = 8
"""A family with fewer measured kernels is unknown."""

GROUPS = ("blocked", "product", "memory")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """A whole network and its milliseconds."""

    name: str
    network: Operations
    ms: float


def block_of_runtime() -> int:
    """Channels in a block of ONNX Runtime's layout on this processor; 0 where it has none."""
    import tempfile

    from nascompile.profile.latency_onnx import ModelWriter, package
    from nascompile.profile.operations import Operation

    writer = ModelWriter()
    writer.inputs.append(writer.value(0, (3, 8, 8), "image"))
    attrs = {"kernel_shape": (3, 3), "strides": (1, 1), "pads": (1,) * 4, "dilations": (1, 1), "group": 1}
    writer.outputs.append(writer.write(Operation("Conv", (0,), 1, "", attrs, ((4, 3, 3, 3),)), {1: (4, 8, 8)}))
    runtime, onnx = package("onnxruntime"), package("onnx")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        options.optimized_model_filepath = str(path)
        runtime.InferenceSession(writer.data(), options, providers=["CPUExecutionProvider"])
        graph = onnx.load(str(path)).graph
    conv = next(node for node in graph.node if node.op_type.endswith("Conv"))
    if not conv.domain.endswith("nchwc"):
        return 0
    return next(int(w.dims[0]) for w in graph.initializer if w.name == conv.input[1])


def measured_kernels(
    seconds: float, block: int, threads: int = 1, seed: int = 0, say: Say = lambda text: None
) -> dict[Kernel, float]:
    """Random kernels, measured for at most `seconds`; microseconds."""
    from nascompile.profile.latency_medley import measure

    found: dict[Kernel, list[float]] = {}
    start = time.perf_counter()
    for timed in measure(samples(KERNELS, block, seed), threads=threads, seed=seed):
        for one in timed:
            found.setdefault(one.kernel, []).append(one.microseconds)
        passed = time.perf_counter() - start
        say(f"{len(found)} kernels, {passed:.0f} s")
        if passed > seconds:
            break
    return {kernel: statistics.median(values) for kernel, values in found.items()}


def fitted(
    times: Mapping[Kernel, float], target: Mapping[str, Any], fingerprint: Mapping[str, Any], say: Say, seed: int = 0
) -> Table:
    """A table of measured kernels, without a correction; its error is that of each kernel predicted from the others."""
    block = int(target["block"])
    by_family: dict[str, list[Kernel]] = {}
    for kernel in times:
        by_family.setdefault(family(kernel, block), []).append(kernel)
    shapes, errors = {}, {}
    kept: dict[Kernel, float] = {}
    rng = random.Random(seed)
    for name, members in sorted(by_family.items()):
        if len(members) < LEAST:
            continue
        some = members if len(members) <= MOST else rng.sample(members, MOST)
        values = [times[kernel] for kernel in some]
        shapes[name] = fit(some, values, block, seed)
        left_out = Regression(some, values, shapes[name], block).left_out()
        errors[name] = {"kernels": len(some)} | shares([float(e) for e in left_out])
        kept.update(zip(some, values, strict=True))
        say(f"{name}: {len(some)} kernels, median error {errors[name]['median']:.1%}")
    return Table(dict(target), dict(fingerprint), kept, shapes, Correction(), {"families": errors})


def shares(logs: Sequence[float]) -> dict[str, float]:
    """The median relative error, and how many are within 10% and 20%, of logarithms of ratios."""
    off = sorted(abs(exp(value) - 1) for value in logs)
    return {
        "median": round(statistics.median(off), 4),
        "within_10": round(sum(e <= 0.1 for e in off) / len(off), 4),
        "within_20": round(sum(e <= 0.2 for e in off) / len(off), 4),
    }


def corrected(table: Table, networks: Sequence[Measured]) -> Table:
    """The table with a correction learned on whole networks, and its error on each network when left out."""
    rows = [_sums(table, one) for one in networks]
    times = [1e3 * one.ms for one in networks]
    correction = _solved(rows, times)
    logs = []
    for left in range(len(rows)):
        rest = [r for i, r in enumerate(rows) if i != left], [t for i, t in enumerate(times) if i != left]
        logs.append(log(_applied(_solved(*rest), rows[left]) / times[left]))
    spread = max(0.02, sqrt(sum(value**2 for value in logs) / len(logs)))
    found = {"networks": {"count": len(rows)} | shares(logs)} | dict(table.error)
    return replace(table, correction=replace(correction, spread=round(spread, 4)), error=found)


def _sums(table: Table, one: Measured) -> list[float]:
    """1, the number of kernels, and the microseconds of each group."""
    from nascompile.profile.fusion import kernels

    model = LatencyModel(table)
    placed = kernels(one.network, table.block)
    known = model.price(p.kernel for p in placed)
    sums = dict.fromkeys(GROUPS, 0.0)
    for p in placed:
        sums[group(p.kernel)] += known[p.kernel][0]
    return [1.0, float(len(placed)), *sums.values()]


def _solved(rows: Sequence[Sequence[float]], times: Sequence[float]) -> Correction:
    """Least squares of relative errors, drawn towards scales of 1 and half a microsecond a kernel (Tikhonov)."""
    import numpy as np

    a = np.array(rows) / np.array(times)[:, None] / 0.03  # a network's own error
    wanted = np.array([10.0, 0.5, 1.0, 1.0, 1.0])
    width = np.array([20.0, 0.5, 0.1, 0.1, 0.1])
    a = np.vstack([a, np.diag(1 / width)])
    b = np.concatenate([np.full(len(rows), 1 / 0.03), wanted / width])
    solution, *_ = np.linalg.lstsq(a, b, rcond=None)
    start, kernel, *scale = (round(max(float(v), 0.0), 4) for v in solution)
    return Correction(start, kernel, dict(zip(GROUPS, scale, strict=True)))


def _applied(correction: Correction, row: Sequence[float]) -> float:
    weights = [correction.start, correction.kernel, *(correction.scale[name] for name in GROUPS)]
    return sum(w * r for w, r in zip(weights, row, strict=True))


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's: the correlation of ranks, ties sharing theirs."""
    ranks = [_ranks(a), _ranks(b)]
    return statistics.correlation(*ranks)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    starts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(order)) if values[a] != values[b]), len(order)]
    for first, last in pairwise(starts):
        for i in range(first, last):
            ranks[order[i]] = (first + last - 1) / 2
    return ranks


def add_measured(table: Table, wanted: Iterable[Kernel], threads: int = 1) -> tuple[Table, tuple[Kernel, ...]]:
    """The table with these kernels measured now, and those that could not be. Families keep what was fitted."""
    from nascompile.profile.latency_medley import measure, snippet_of

    found = dict(table.times)
    snippets = {kernel: made for kernel in dict.fromkeys(wanted) if (made := snippet_of(kernel, table.block))}
    for timed in measure(snippets.values(), threads=threads):
        found.update((one.kernel, one.microseconds) for one in timed if one.kernel in snippets)
    missing = tuple(kernel for kernel in wanted if kernel not in found)
    return replace(table, times=found), missing
