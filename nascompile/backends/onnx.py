"""Export to ONNX with free batch and image sizes, written only after ONNX Runtime agreed with torch."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nascompile.diagnostics import error
from nascompile.source import Span

TOLERANCE = 1e-4
"""Largest difference between ONNX Runtime and torch that passes, as a share of the largest value of the output."""

INPUT = "image"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One comparison: the shape of the input and the largest difference, as a share of the largest output value."""

    shape: tuple[int, ...]
    difference: float


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A checked model: its bytes, its dynamic input axes, and how well it agreed with torch."""

    data: bytes
    dynamic: tuple[int, ...]
    agreements: tuple[Agreement, ...]


def export(
    network: torch.nn.Module,
    input: tuple[int, ...],
    outputs: Sequence[str],
    metadata: Mapping[str, str],
    *,
    seed: int = 0,
    span: Span | None = None,
) -> OnnxModel:
    """The network in evaluation mode as ONNX, for inputs (batch, *input) whose batch and sizes may vary.

    `metadata` is kept in the file; paths of this machine are not. Raises NasError: `missing-package`,
    `cannot-export`, `onnx-disagrees`.
    """
    onnx = _package("onnx")
    _package("onnxscript")
    network = network.cpu().eval()
    model = _converted(network, _image((2, *input), seed), list(outputs), span)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as cause:
        raise error("cannot-export", f"the exported model is not valid: {_first_line(cause)}", span) from cause
    data = model.SerializeToString()
    shape = model.graph.input[0].type.tensor_type.shape.dim
    dynamic = tuple(axis for axis, dim in enumerate(shape) if dim.dim_param)
    return OnnxModel(data, dynamic, tuple(_compare(network, data, input, dynamic, seed, span)))


def _converted(network: torch.nn.Module, example: torch.Tensor, outputs: list[str], span: Span | None) -> Any:
    """The model with as many free axes as torch can prove: batch and sizes; sizes that a unit divides; the batch."""
    auto, spatial = torch.export.Dim.AUTO, range(2, example.dim())
    units = [unit for unit in (8, 16, 32) if all(example.shape[a] % unit == 0 for a in spatial)]
    divisible = [{0: auto, **{a: unit * torch.export.Dim(f"n{a}", min=1) for a in spatial}} for unit in units]
    attempts: list[dict[int, Any]] = [{0: auto, **dict.fromkeys(spatial, auto)}, *divisible, {0: auto}]
    causes: list[Exception] = []
    for free in attempts:
        try:
            with _quiet():
                program = torch.onnx.export(
                    network, (example,), dynamo=True, dynamic_shapes=(free,), verbose=False,
                    input_names=[INPUT], output_names=outputs,
                )  # fmt: skip
        except Exception as cause:  # whatever torch cannot do is a fact about this network
            causes.append(cause)
            continue
        assert program is not None
        model = program.model_proto
        _anonymise(model)
        _name_axes(model)
        return model
    raise error("cannot-export", f"torch cannot export this network: {_first_line(causes[-1])}", span) from causes[-1]


def _first_line(cause: BaseException) -> str:
    """What the innermost exception says, which is the one that names the reason."""
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)


def write(path: Path, model: OnnxModel) -> None:
    """Write the file under a temporary name, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(model.data)
    temporary.replace(path)


def session(data: bytes, threads: int | None = None) -> Any:
    """An ONNX Runtime session on the CPU. Raises NasError (`missing-package`)."""
    runtime = _package("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
    return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def sizes(input: tuple[int, ...], dynamic: Sequence[int]) -> list[tuple[int, ...]]:
    """Input shapes to compare on: batches of 1 and 3, and images twice as long along the first and the last axis."""
    found = [(1, *input)]
    if 0 in dynamic:
        found.append((3, *input))
    for axis in dict.fromkeys((2, len(input))):
        if axis in dynamic and axis >= 2:
            longer = list((1, *input))
            longer[axis] *= 2
            found.append(tuple(longer))
    return found


def _compare(
    network: torch.nn.Module,
    data: bytes,
    input: tuple[int, ...],
    dynamic: Sequence[int],
    seed: int,
    span: Span | None,
) -> Iterator[Agreement]:
    run = session(data)
    for number, shape in enumerate(sizes(input, dynamic)):
        image = _image(shape, seed + number + 1)
        with torch.no_grad():
            returned = network(image)
        wanted = returned if isinstance(returned, tuple) else (returned,)
        found = run.run(None, {INPUT: image.numpy()})
        worst = 0.0
        for ours, theirs in zip(wanted, found, strict=True):
            largest = float(ours.abs().max()) or 1.0
            worst = max(worst, float((ours - torch.from_numpy(theirs)).abs().max()) / largest)
        if not worst <= TOLERANCE:
            message = f"ONNX Runtime differs from torch by {worst:.1e} of the largest value on {list(shape)}"
            raise error("onnx-disagrees", message, span, hint="nothing was written; please report this network")
        yield Agreement(shape, worst)


def _image(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _anonymise(model: Any) -> None:
    """Remove what tells of this machine: the exporter notes source files with every node."""
    graphs = [model.graph, *model.functions]
    for graph in graphs:
        for node in graph.node:
            node.doc_string = ""
            del node.metadata_props[:]
        for value in getattr(graph, "value_info", ()):
            value.doc_string = ""
            del value.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.doc_string = ""
        del value.metadata_props[:]
    model.graph.doc_string = ""
    model.doc_string = ""


def _name_axes(model: Any) -> None:
    """Give the free axes of the input names that people read; the same names wherever they occur."""
    readable = {0: "batch", 2: "rows", 3: "columns"}
    dims = model.graph.input[0].type.tensor_type.shape.dim
    if len(dims) == 5:
        readable = {0: "batch", 2: "slices", 3: "rows", 4: "columns"}
    names = {dim.dim_param: readable[axis] for axis, dim in enumerate(dims) if dim.dim_param and axis in readable}
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in names:
                dim.dim_param = names[dim.dim_param]


def _package(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise error("missing-package", f"`{name}` is not installed", hint="pip install nascompile[onnx]") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's progress and its remarks on packages that are not here."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
