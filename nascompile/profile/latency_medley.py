"""Kernels timed in company: many small networks side by side in one model, with the runtime's own clock per kernel.

A kernel alone in a loop finds its weights and inputs in the cache; in a network it does not. Here each kernel's input
was just written, as in a network, and its weights were last used one whole round ago.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nascompile.profile.fusion import kernels
from nascompile.profile.kernels import Kernel
from nascompile.profile.latency import fair_clock
from nascompile.profile.latency_onnx import ModelWriter, package
from nascompile.profile.operations import Operation, Operations, Shape

TOGETHER = 32
"""Networks in one model, and the most bytes of tensors and weights that they may have together."""
BYTES = 96_000_000

LONG = 1500
"""Microseconds from which on a kernel is likely to be interrupted on a busy machine."""

REORDERS = ("ReorderInput", "ReorderOutput")


@dataclass(frozen=True, slots=True)
class Timed:
    """A kernel and the microseconds that one run of it took: the mean of the middle half of all runs."""

    kernel: Kernel
    microseconds: float


@dataclass(frozen=True, slots=True)
class Snippet:
    """A tiny network around one kernel: operations on fresh tensors, the last of which is the kernel in question."""

    sources: tuple[tuple[int, Shape], ...]
    operations: tuple[Operation, ...]
    shapes: dict[int, Shape]
    kernel: Kernel


def snippet(sources: Sequence[Shape], operations: Sequence[Operation], shapes: dict[int, Shape], block: int) -> Snippet:
    """The snippet with the kernel that the runtime makes of its last operation."""
    fed = tuple(enumerate(sources))
    everything = {**dict(fed), **shapes}
    network = Operations(0, (operations[-1].output,), tuple(operations), everything)
    last = [placed.kernel for placed in kernels(network, block) if placed.kernel.kind not in REORDERS][-1]
    return Snippet(fed, tuple(operations), everything, last)


def snippet_of(kernel: Kernel, block: int) -> Snippet | None:
    """A snippet whose kernel is this one; None where there is no recipe for it (reorderings come with the others)."""
    inside, out = (kernel.channels, *kernel.size), (kernel.out_channels, *kernel.out_size)
    rank = len(kernel.size)
    attrs: dict[str, Any] = {}
    if kernel.window:
        attrs = {"kernel_shape": kernel.window, "strides": kernel.stride, "pads": _pads(kernel)}
    shapes: dict[int, Shape] = {10: out}
    sources, before, after = [inside], [], []
    weights: tuple[Shape, ...] = ()
    kind = kernel.kind
    if kind in ("Conv", "ConvTranspose"):
        attrs |= {"dilations": kernel.dilation, "group": kernel.groups}
        o, c = kernel.out_channels, kernel.channels
        ends = (o, c // kernel.groups) if kind == "Conv" else (c, o // kernel.groups)
        weights = ((*ends, *kernel.window), (o,))
        if kind == "ConvTranspose":
            attrs["output_padding"] = _left_over(kernel, attrs["pads"])
        if kernel.adds:
            sources.append(out)
            if kernel.layout:  # the other summand comes in blocks as well
                pool = {"kernel_shape": (1,) * rank, "strides": (1,) * rank, "pads": (0,) * 2 * rank}
                before.append(Operation("MaxPool", (1,), 9, "", pool))
                shapes[9] = out
            after.append(Operation("Add", (10, 9 if kernel.layout else 1), 11, ""))
            shapes[11] = out
        if kernel.activation:
            extra = {"alpha": 0.01} if kernel.activation == "LeakyRelu" else {}
            after.append(Operation(kernel.activation, (10 + len(after),), 11 + len(after), "", extra))
            shapes[after[-1].output] = out
    elif kind == "Gemm":
        weights = ((kernel.out_channels, kernel.channels),)
    elif kind == "Concat":
        each = kernel.channels // kernel.groups
        sources = [(each, *kernel.size)] * (kernel.groups - 1)
        sources.append((kernel.channels - each * (kernel.groups - 1), *kernel.size))
    elif kind in ("Add", "Mul"):
        sources.append(out)
    elif kind in ("AddVector", "MulVector"):
        kind, weights = kind[:3], ((kernel.channels, *(1,) * rank),)
    elif kind in ("AddMap", "MulMap"):
        kind = kind[:3]
        sources.append((1, *kernel.size))
    elif kind in ("ResizeNearest", "ResizeLinear"):
        attrs = {"mode": kind[6:].lower(), "is_aligned": False, "by_size": True}
        kind = "Resize"
    elif kind in ("InstanceNormalization", "BatchNormalization", "PRelu"):
        count = {"InstanceNormalization": 2, "BatchNormalization": 4, "PRelu": 1}[kind]
        weights = ((1,) * (rank + 1) if kind == "PRelu" else (kernel.channels,),) * count
    elif kind not in _ALONE:
        return None
    if kind in ("LeakyRelu", "Elu"):
        attrs["alpha"] = 0.01
    main = Operation(kind, tuple(range(len(sources) - (1 if kernel.adds else 0))), 10, "", attrs, weights)
    made = snippet(sources, [*before, main, *after], shapes, block)
    return made if made.kernel == kernel else None


_ALONE = (
    "MaxPool", "AveragePool", "Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "Elu", "Gelu", "QuickGelu", "HardSigmoid",
    "Selu",
)  # fmt: skip


def _pads(kernel: Kernel) -> tuple[int, ...]:
    """Paddings that give the kernel's sizes; what cannot be halved goes to the end."""
    total = []
    dilations = kernel.dilation or (1,) * len(kernel.window)
    for n, m, k, s, d in zip(kernel.size, kernel.out_size, kernel.window, kernel.stride, dilations, strict=True):
        span = (k - 1) * d + 1
        if kernel.kind == "ConvTranspose":
            total.append(max(0, (n - 1) * s + span - m))
        else:
            total.append(max(0, (m - 1) * s + span - n))
    return (*(t // 2 for t in total), *(t - t // 2 for t in total))


def _left_over(kernel: Kernel, pads: tuple[int, ...]) -> tuple[int, ...]:
    rank = len(kernel.size)
    return tuple(
        m - ((n - 1) * s + (k - 1) * d + 1 - pads[i] - pads[i + rank])
        for i, (n, m, k, s, d) in enumerate(
            zip(kernel.size, kernel.out_size, kernel.window, kernel.stride, kernel.dilation, strict=True)
        )
    )


def measure(snippets: Iterable[Snippet], *, threads: int = 1, runs: int = 20, seed: int = 0) -> Iterator[list[Timed]]:
    """Time snippets, a model at a time; each yields its kernels, among them the reorderings around them."""
    for batch in _batches(snippets, seed):
        yield _timed(batch, threads, runs, seed)


def _batches(snippets: Iterable[Snippet], seed: int) -> list[list[Snippet]]:
    """Snippets of about one size in one model, as in a network, so that caches hold about as much as there; the models
    in random order, so that a calibration that is cut short has some of each."""
    buckets: dict[int, list[Snippet]] = {}
    for one in snippets:
        buckets.setdefault(int(math.log(bytes_of(one), 4)), []).append(one)
    batches = []
    for members in buckets.values():
        together = max(4, min(TOGETHER, BYTES // max(map(bytes_of, members))))
        batches += [members[i : i + together] for i in range(0, len(members), together)]
    random.Random(seed).shuffle(batches)
    return batches


def bytes_of(one: Snippet) -> int:
    """Bytes of all tensors and weights of a snippet."""
    elements = sum(math.prod(shape) for shape in one.shapes.values())
    elements += sum(math.prod(shape) for operation in one.operations for shape in operation.weights)
    return 4 * max(elements, 1)


def _timed(batch: list[Snippet], threads: int, runs: int, seed: int) -> list[Timed]:
    import numpy as np

    runtime = package("onnxruntime")
    data, feeds = _model(batch, seed)
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        shares, clock = [], fair_clock(threads)
        for number in range(runs + 2):
            fed = {name: np.full(1, 0.5 + 0.001 * number, np.float32) for name in feeds}
            wall, used = time.perf_counter(), clock()
            session.run(None, fed)
            shares.append(min(1.0, (clock() - used) / (time.perf_counter() - wall)))
        path = Path(session.end_profiling())
        events = json.loads(path.read_text(encoding="utf-8"))
    return _kernels_of(batch, events, shares)


def _model(batch: list[Snippet], seed: int) -> tuple[bytes, list[str]]:
    """One model: each source is one number spread over a tensor, each result is cut to one element."""
    writer = ModelWriter(seed=seed)
    feeds: list[str] = []
    for number, one in enumerate(batch):
        writer.prefix = f"e{number}_"
        for value, shape in one.sources:
            feed = f"s{number}_{value}"
            feeds.append(feed)
            writer.node("Expand", [feed, writer.integers(1, *shape)], writer.value(value, shape))
        for operation in one.operations:
            name = writer.write(operation, one.shapes)
        rank = len(one.shapes[one.operations[-1].output])
        ends = [writer.integers(*[n] * rank) for n in (0, 1)]
        cut = f"cut{number}"
        writer.node("Slice", [name, *ends, writer.integers(*range(1, rank + 1))], cut)
        writer.shapes[cut] = (1,) * rank
        writer.node("Reshape", [cut, writer.integers(1)], f"free{number}")
        writer.shapes[f"free{number}"] = ()
        writer.outputs.append(f"free{number}")
    return writer.data(feeds), feeds


def _kernels_of(batch: list[Snippet], events: Any, shares: list[float]) -> list[Timed]:
    """`shares` is how much of each run's time this process had a processor: a long kernel on a busy machine waits."""
    times: dict[Kernel, dict[str, list[float]]] = {}
    clock: dict[str, list[float]] = {}
    for event in events:
        if event.get("cat") != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        if event["args"]["op_name"] == "Reshape" and "free" in event["name"]:
            clock.setdefault(event["name"], []).append(float(event["dur"]))
            continue
        kernel = _kernel_of(batch, event)
        if kernel is not None:
            durations = times.setdefault(kernel, {}).setdefault(event["name"], [])
            waits = event["dur"] > LONG and len(durations) < len(shares)
            durations.append(event["dur"] * (shares[len(durations)] if waits else 1.0))
    # A reshape does nothing: its time is that of the clock and of the call, which a network pays without a profile.
    empty = min(map(_middle, clock.values()))
    found = []
    for kernel, by_node in times.items():
        means = [_middle(durations[2:]) for durations in by_node.values()]
        found.append(Timed(kernel, max(0.2, sum(means) / len(means) - empty)))
    return found


def _middle(values: list[float]) -> float:
    """The mean of the faster third without the fastest tenth: a busy machine only adds time."""
    ordered = sorted(values)
    first = len(ordered) // 10
    kept = ordered[first : max(first + 1, (len(ordered) + 2) // 3)]
    return sum(kept) / len(kept)


def _kernel_of(batch: list[Snippet], event: Any) -> Kernel | None:
    operation = event["args"]["op_name"]
    if operation in REORDERS:
        key = "input_type_shape" if operation == "ReorderInput" else "output_type_shape"
        shape = next(iter(event["args"][key][0].values()))
        if len(shape) != 4:
            return None
        return Kernel(operation, shape[1], shape[1], tuple(shape[2:]), tuple(shape[2:]))
    name = event["name"]
    at = name.find("e", 0)
    while at >= 0:
        number, _, rest = name[at + 1 :].partition("_")
        if number.isdecimal() and rest[:1].isdecimal() and int(number) < len(batch):
            one = batch[int(number)]
            wanted = one.operations[-1].kind if one.kernel.kind != "Conv" else "Conv"
            return one.kernel if _same(operation, wanted, one.kernel) else None
        at = name.find("e", at + 1)
    return None


def _same(operation: str, wanted: str, kernel: Kernel) -> bool:
    return operation.removeprefix("Fused") in (wanted, kernel.kind) or (wanted == "Resize" and operation == "Upsample")
