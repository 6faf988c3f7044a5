"""Kernels timed in company: many small networks side by side in one model, with the runtime's own clock per kernel.

A kernel alone in a loop finds its weights and inputs in the cache; in a network it does not. Here each kernel's input
was just written, as in a network, and its weights were last used one whole round ago.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nascompile.profile.fusion import kernels
from nascompile.profile.kernels import Kernel
from nascompile.profile.latency_onnx import ModelWriter, package
from nascompile.profile.operations import Operation, Operations, Shape

TOGETHER = 32
"""Networks in one model, and the most bytes of tensors and weights that they may have together."""
BYTES = 192_000_000

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


def measure(snippets: Iterable[Snippet], *, threads: int = 1, runs: int = 12, seed: int = 0) -> Iterator[list[Timed]]:
    """Time snippets, a model at a time; each yields its kernels, among them the reorderings around them."""
    for batch in _batches(snippets):
        yield _timed(batch, threads, runs, seed)


def _batches(snippets: Iterable[Snippet]) -> Iterator[list[Snippet]]:
    batch: list[Snippet] = []
    size = 0
    for one in snippets:
        elements = sum(math.prod(shape) for shape in one.shapes.values())
        elements += sum(math.prod(shape) for operation in one.operations for shape in operation.weights)
        if batch and (len(batch) == TOGETHER or size + 4 * elements > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += 4 * elements
    if batch:
        yield batch


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
        for number in range(runs + 2):
            session.run(None, {name: np.full(1, 0.5 + 0.001 * number, np.float32) for name in feeds})
        path = Path(session.end_profiling())
        events = json.loads(path.read_text(encoding="utf-8"))
    return _kernels_of(batch, events)


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
        writer.outputs.append(cut)
    return writer.data(feeds), feeds


def _kernels_of(batch: list[Snippet], events: Any) -> list[Timed]:
    times: dict[Kernel, dict[str, list[float]]] = {}
    for event in events:
        if event.get("cat") != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        kernel = _kernel_of(batch, event)
        if kernel is not None:
            times.setdefault(kernel, {}).setdefault(event["name"], []).append(float(event["dur"]))
    found = []
    for kernel, by_node in times.items():
        means = [_middle(durations[2:]) for durations in by_node.values()]
        found.append(Timed(kernel, max(0.2, sum(means) / len(means))))
    return found


def _middle(values: list[float]) -> float:
    """The mean of what is left without the slower half and the fastest eighth: a busy machine only adds time."""
    ordered = sorted(values)
    kept = ordered[len(ordered) // 8 : max(len(ordered) // 8 + 1, (len(ordered) + 1) // 2)]
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
            wanted = one.operations[-1].kind if not one.kernel.kind == "Conv" else "Conv"
            return one.kernel if _same(operation, wanted, one.kernel) else None
        at = name.find("e", at + 1)
    return None


def _same(operation: str, wanted: str, kernel: Kernel) -> bool:
    return operation.removeprefix("Fused") in (wanted, kernel.kind) or (wanted == "Resize" and operation == "Upsample")
