"""Export to ONNX with free batch and image sizes, written only after ONNX Runtime agreed with torch."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nascompile.backends.parity import Agreement, compare, disagreement, fitted
from nascompile.backends.steady_layers import with_steady_layers
from nascompile.diagnostics import NasError, error
from nascompile.files import write_bytes, written_whole
from nascompile.source import Span

INPUT = "image"
LARGE_SUM = 4096
"""Sums of more numbers than this lose digits first."""
SMALLEST_EXTERNAL = 1024
"""Bytes from which a tensor goes to the weights file."""


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A checked model: its bytes, its dynamic input axes, and how well it agreed with torch.

    Sizes along free axes are multiples of `unit`.
    """

    data: bytes
    dynamic: tuple[int, ...]
    agreements: tuple[Agreement, ...]
    unit: int = 1
    opset: int = 0


def export(
    network: torch.nn.Module,
    input: tuple[int, ...],
    outputs: Sequence[str],
    metadata: Mapping[str, str],
    *,
    images: Sequence[torch.Tensor] = (),
    unit: int = 1,
    opset: int | None = None,
    seed: int = 0,
    span: Span | None = None,
) -> OnnxModel:
    """The network in evaluation mode as ONNX, for inputs (batch, *input) whose batch and sizes may vary.

    `metadata` is kept in the file; paths of this machine are not. `images` (channels, *sizes) are real ones to compare
    on, `unit` what divides every legal size, `opset` the version of the operators (None: the exporter's own).
    Raises NasError: `missing-package`, `bad-option` for an unknown opset, `cannot-export`, `onnx-disagrees`.
    """
    if opset is not None:
        _require_opset(opset, span)
    _package("onnxscript")
    network = network.cpu().eval()
    problem = None
    # As torch writes it first, which runs fastest; then with resizes and large sums that lose no digit,
    # then with all of them.
    image = torch.zeros((1, *input))
    for least in (None, LARGE_SUM, 0):
        written = network if least is None else with_steady_layers(network, image, least)
        if written is None:
            continue
        model = _model(written, input, outputs, metadata, unit, opset, span)
        shapes, real = sizes(input, model.dynamic), fitted(images, input, model.dynamic, model.unit)
        try:
            found = compare(network, session(model.data), INPUT, shapes, real, seed=seed)
        except Exception as cause:  # the runtime has no common type for what it refuses
            problem = f"it stops with `{_first_line(cause)}`"
            continue
        problem = disagreement(found)
        if problem is None:
            return replace(model, agreements=found)
    message = f"ONNX Runtime does not compute what torch computes: {problem}"
    raise error("onnx-disagrees", message, span, hint="nothing was written; please report this network")


def _require_opset(opset: int, span: Span | None) -> None:
    """Refuse operators that the installed onnx does not know or ONNX Runtime does not compute (`bad-option`)."""
    known = int(_package("onnx").defs.onnx_opset_version())
    if opset > known or not _runs(opset):
        newest = next((version for version in range(min(known, opset), 0, -1) if _runs(version)), known)
        package = "onnx" if opset > known else "ONNX Runtime"
        hint = f"the newest that both onnx and ONNX Runtime know is `--opset {newest}`"
        raise error("bad-option", f"the installed {package} knows no opset {opset}", span, hint=hint)


def _runs(opset: int) -> bool:
    """Whether ONNX Runtime opens a model of this opset. A version under development is refused as one unheard of."""
    helper = _package("onnx").helper
    ends = [helper.make_tensor_value_info(name, 1, [1]) for name in ("from", "to")]
    graph = helper.make_graph([helper.make_node("Relu", ["from"], ["to"])], "one", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    try:
        session(model.SerializeToString())
    except NasError:
        raise
    except Exception:  # the runtime has no common type for what it refuses
        return False
    return True


def _model(
    network: torch.nn.Module,
    input: tuple[int, ...],
    outputs: Sequence[str],
    metadata: Mapping[str, str],
    unit: int,
    opset: int | None,
    span: Span | None,
) -> OnnxModel:
    """The checked model of a network, not compared with anything yet."""
    onnx = _package("onnx")
    model, unit = _converted(network, torch.zeros((2, *input)), list(outputs), unit, opset, span)
    for key, value in {**metadata, "divisor": str(unit)}.items():
        model.metadata_props.add(key=key, value=value)
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as cause:
        raise error("cannot-export", f"the exported model is not valid: {_first_line(cause)}", span) from cause
    shape = model.graph.input[0].type.tensor_type.shape.dim
    dynamic = tuple(axis for axis, dim in enumerate(shape) if dim.dim_param)
    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    return OnnxModel(model.SerializeToString(), dynamic, (), unit, int(version))


def _converted(
    network: torch.nn.Module,
    example: torch.Tensor,
    outputs: list[str],
    unit: int,
    opset: int | None,
    span: Span | None,
) -> tuple[Any, int]:
    """The model with as many free axes as torch can prove, and the unit of its sizes."""
    program, divisor = _captured(network, example, unit, span)
    try:
        with _quiet():
            # A captured program goes to ONNX as it is. Given the module, the exporter would capture it again, in up to
            # three ways one after another.
            written = torch.onnx.export(
                program, (example,), dynamo=True, verbose=False,
                input_names=[INPUT], output_names=outputs, opset_version=opset,
            )  # fmt: skip
    except Exception as cause:  # whatever torch cannot do is a fact about this network
        raise error("cannot-export", f"torch cannot export this network: {_first_line(cause)}", span) from cause
    assert written is not None
    model = written.model_proto
    _anonymise(model)
    _name_axes(model)
    return model, divisor


def _captured(
    network: torch.nn.Module, example: torch.Tensor, unit: int, span: Span | None
) -> tuple[torch.export.ExportedProgram, int]:
    """The program with the most free axes: all of them; sizes that a unit divides; the batch alone."""
    auto, spatial = torch.export.Dim.AUTO, range(2, example.dim())
    is_free = _takes_other_sizes(network, example)
    if is_free:
        # At its own size the last map may be a single position, and torch fixes every size that it sees to be 1.
        example = example.new_zeros((*example.shape[:2], *(2 * n for n in example.shape[2:])))
    units = [u for u in dict.fromkeys((unit, 8, 16, 32)) if u > 1 and u % unit == 0]
    units = [u for u in units if all(example.shape[a] % u == 0 for a in spatial)]
    free = [({0: auto, **{a: u * torch.export.Dim(f"n{a}", min=1) for a in spatial}}, u) for u in units]
    attempts: list[tuple[dict[int, Any], int]] = [({0: auto, **dict.fromkeys(spatial, auto)}, unit), *free]
    if not is_free:
        attempts = []
    best: tuple[int, torch.export.ExportedProgram, int] | None = None
    cause: Exception | None = None
    for axes, divisor in [*attempts, ({0: auto}, unit)]:
        try:
            with _quiet():
                program = torch.export.export(network, (example,), dynamic_shapes=(axes,), strict=False)
        except Exception as failure:  # as above
            cause = failure
            continue
        count = _free_axes(program)
        if best is None or count > best[0]:
            best = (count, program, divisor)
        if count >= len(axes):
            break
    if best is None:
        assert cause is not None
        raise error("cannot-export", f"torch cannot export this network: {_first_line(cause)}", span) from cause
    return best[1], best[2]


def _free_axes(program: torch.export.ExportedProgram) -> int:
    """How many axes of the input have free sizes."""
    name = program.graph_signature.user_inputs[0]
    value = next(node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name == name)
    return sum(not isinstance(size, int) for size in value.shape)


def _takes_other_sizes(network: torch.nn.Module, example: torch.Tensor) -> bool:
    """Whether longer images go through. Where a layer fixes the product of the sizes (`flatten -> linear`), torch
    would believe each of them free."""
    shape = tuple(example.shape)
    try:
        with torch.no_grad():
            for other in sizes(shape[1:], range(2, len(shape))):
                if other[1:] != shape[1:]:
                    network(example.new_zeros(other))
    except RuntimeError:
        return False
    return True


def _first_line(cause: BaseException) -> str:
    """What the innermost exception says, which is the one that names the reason."""
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)


def write(path: Path, model: OnnxModel, *, external: bool = False) -> None:
    """Write the file under a temporary name, then rename it.

    With `external` the weights come first, in `NAME.weights` beside it.
    """
    data = model.data
    if external:
        data = _without_weights(path, data)
    write_bytes(path, data)


def _without_weights(path: Path, data: bytes) -> bytes:
    """The model without its larger tensors, which are put into a file beside `path`."""
    onnx = _package("onnx")
    from onnx import external_data_helper as helper

    model = onnx.load_from_string(data)
    weights = path.with_suffix(".weights")
    with written_whole(weights) as temporary, temporary.open("wb") as file:
        for tensor in model.graph.initializer:
            if not tensor.HasField("raw_data") or len(tensor.raw_data) < SMALLEST_EXTERNAL:
                continue
            start = file.tell()
            file.write(tensor.raw_data)
            helper.set_external_data(tensor, weights.name, start, len(tensor.raw_data))
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
    return bytes(model.SerializeToString())


def session(data: bytes | str, threads: int | None = None) -> Any:
    """An ONNX Runtime session on the CPU of a model or the path of one. Raises NasError (`missing-package`)."""
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
