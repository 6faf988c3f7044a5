"""The figures of `nascompile profile` as plain data: static costs, layers, predictions, measurements."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nascompile.diagnostics import NasError
from nascompile.ir.program import Dim, LayerNode, Program
from nascompile.jobs.target import Target
from nascompile.passes.pipelines import FIXED, run
from nascompile.profile.cost import cost_of
from nascompile.profile.memory import peak_memory

if TYPE_CHECKING:
    from nascompile.profile.latency_model import LatencyModel, Prediction


@dataclass(frozen=True, slots=True)
class How:
    """How latency is measured: images at a time, threads, seconds for each runtime, precision of torch."""

    device: str = "cpu"
    batch: int = 1
    threads: int | None = None
    seconds: float = 2.0
    precision: str = "float32"
    compiled: bool = False


def static_figures(target: Target) -> dict[str, Any]:
    """Name, input, parameters, multiply-accumulates, activations and the peak memory of one image in torch."""
    cost = cost_of(target.program)
    return {
        "name": target.name,
        "space": target.program.name,
        "input": list(target.input),
        "parameters": {"live": cost.live, "registered": cost.registered},
        "macs": cost.macs,
        "activations": cost.activations,
        "peak_memory_bytes": peak_memory(target.program).total,
    }


def layer_figures(program: Program, prediction: Prediction | None = None) -> list[dict[str, Any]]:
    """One row a layer that is run: path, layer, output, parameters, multiply-accumulates, bytes moved, and with a
    prediction its milliseconds (a kernel counts for the first layer whose work it does) and kernels.

    What a module that is applied again shares, parameters and the times of equal paths, counts in its first row."""
    graph = run(program.graph, FIXED)
    times: dict[str, float] = {}
    names: dict[str, list[str]] = {}
    for priced in prediction.kernels if prediction else ():
        times[priced.paths[0]] = times.get(priced.paths[0], 0.0) + priced.ms
        names.setdefault(priced.paths[0], []).append(str(priced.kernel))
    rows = []
    seen: set[str] = set()
    for node in graph.nodes:
        assert isinstance(node, LayerNode)
        sizes = [elements(graph.types[v].axes) for v in (*node.inputs, *node.outputs)]
        weights = [(w, elements(w.shape)) for w in node.weights]
        row: dict[str, Any] = {
            "path": node.path,
            "layer": node.layer,
            "output": [int(a) for a in graph.types[node.outputs[0]].axes],  # type: ignore[arg-type]
            "parameters": 0 if node.path in seen else sum(n for w, n in weights if not w.is_buffer),
            "macs": int(node.macs),
            "bytes": 4 * (sum(sizes) + sum(n for _, n in weights)),
        }
        if prediction is not None:
            row["ms"] = times.pop(node.path, 0.0)
            row["kernels"] = names.pop(node.path, [])
        seen.add(node.path)
        rows.append(row)
    return rows


def elements(axes: Iterable[Dim]) -> int:
    """How many numbers a tensor with known axes has."""
    count = 1
    for axis in axes:
        count *= int(axis)  # type: ignore[arg-type]
    return count


def predicted_figures(prediction: Prediction, model: LatencyModel) -> dict[str, Any]:
    """A prediction as plain data, with the table's own error."""
    networks = model.table.error.get("networks", {})
    return {
        "target": model.table.name,
        "ms": prediction.ms,
        "low_ms": prediction.low,
        "high_ms": prediction.high,
        "kernels": len(prediction.kernels),
        "unknown": [str(kernel) for kernel in prediction.unknown],
        "table_error": dict(networks) if isinstance(networks, dict) else {},
    }


def measured_figures(target: Target, how: How) -> dict[str, Any]:
    """Latency by runtime; where one is missing, why."""
    import torch

    from nascompile.jobs.calibration import fingerprint, network_latency
    from nascompile.profile.latency import torch_latency
    from nascompile.profile.operations import operations_of
    from nascompile.train.device import choose_device

    before = torch.get_num_threads()
    threads = how.threads or before
    torch.set_num_threads(threads)
    found: dict[str, Any] = {"machine": fingerprint(threads)}
    try:
        device = choose_device(how.device)
        network, _ = target.network()
        for name, compiled in (("torch", False), ("torch compiled", True)):
            if compiled and not how.compiled:
                continue
            latency = torch_latency(
                network, target.input, device, seconds=how.seconds, batch=how.batch, precision=how.precision,
                compiled=compiled,
            )  # fmt: skip
            found[name] = latency.as_json()
        for provider in _providers(device.type):
            try:
                latency = network_latency(
                    operations_of(target.program), threads, batch=how.batch, seconds=how.seconds, provider=provider
                )
                found[_name_of(provider)] = latency.as_json()
            except NasError as failure:
                hint = failure.diagnostics[0].hint
                reason = f"{failure.diagnostics[0].message}{f' ({hint})' if hint else ''}"
                found[_name_of(provider)] = {"missing": reason}
    finally:
        torch.set_num_threads(before)
    return found


def _providers(device: str) -> list[str]:
    """The runtime's ways to compute on a device; those that are not installed are left out."""
    if device != "cuda":
        return ["CPUExecutionProvider"]
    try:
        import onnxruntime
    except ImportError:
        return ["CPUExecutionProvider"]
    present = onnxruntime.get_available_providers()
    return [p for p in ("CUDAExecutionProvider", "TensorrtExecutionProvider") if p in present]


def _name_of(provider: str) -> str:
    short = provider.removesuffix("ExecutionProvider")
    return "onnxruntime" if short == "CPU" else f"onnxruntime {short}"


def against_figures(target: Target, framework: str) -> list[dict[str, Any]]:
    """Static costs beside the framework's own counters. Raises NasError (`unknown-framework`)."""
    from nascompile.diagnostics import error
    from nascompile.profile.against import compare

    if framework != "torch":
        raise error("unknown-framework", f"costs cannot be compared with `{framework}`", hint="`--against torch`")
    rows = compare(target.program, target.network()[0])
    return [
        {"measure": r.measure, "kind": r.kind, "expected": r.expected, "counted": r.counted, "equal": r.agrees}
        for r in rows
    ]


def figures(
    targets: Sequence[Target], model: LatencyModel | None, how: How | None, *, layers: bool, against: str | None
) -> list[dict[str, Any]]:
    """Everything that was asked for, a network after the other."""
    found = []
    for target in targets:
        row = static_figures(target)
        prediction = None if model is None else model.predict(target.program)
        if model is not None and prediction is not None:
            row["predicted"] = predicted_figures(prediction, model)
        if layers:
            row["layers"] = layer_figures(target.program, prediction)
        if against is not None:
            row["against"] = against_figures(target, against)
        if how is not None:
            start = time.perf_counter()
            row["latency"] = measured_figures(target, how)
            row["measured_in_seconds"] = round(time.perf_counter() - start, 2)
        found.append(row)
    return found
