"""Exported models in fewer bits: float16 throughout, or int8 by static quantisation (QDQ) calibrated on real images."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch

from nascompile.backends.onnx import INPUT
from nascompile.diagnostics import error

Bits = Literal["fp16", "int8"]


def half(data: bytes) -> bytes:
    """The model with float16 weights and arithmetic; its input and outputs stay float32.

    Raises NasError (`cannot-quantise`).
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with _quiet("fp16"):
        model = convert_float_to_float16(onnx.load_from_string(data), keep_io_types=True)
        _drop_repeated(model.graph)
        _sort(model.graph)  # the converter puts its casts at the end
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def quantised(data: bytes, images: Sequence[torch.Tensor]) -> bytes:
    """The model with int8 weights (per channel) and activations, whose ranges are those of `images`.

    `images` are inputs (1, channels, *sizes) of legal sizes, as the network gets them; they set the ranges and nothing
    else. Raises NasError (`cannot-quantise`).
    """
    if not images:
        raise error("cannot-quantise", "there are no images to calibrate int8 ranges on", hint="export from a run")
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with _quiet("int8"), tempfile.TemporaryDirectory() as folder:
        first, ready, last = (Path(folder) / f"{name}.onnx" for name in ("first", "ready", "last"))
        first.write_bytes(data)
        # Symbolic shape inference fails on resizes to another tensor's size; the runtime's own is enough.
        quant_pre_process(str(first), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready), str(last), _reader(images), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return last.read_bytes()


def _drop_repeated(graph: Any) -> None:
    """Leave one of the equal casts that the converter makes of a value which several nodes read in float32."""
    seen: dict[str, Any] = {}
    kept = []
    for node in graph.node:
        first = seen.setdefault(node.output[0], node) if node.op_type == "Cast" else node
        if first is node or list(first.input) != list(node.input):
            kept.append(node)
    copies = [type(node).FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(copies)


def _sort(graph: Any) -> None:
    """Put the nodes of a graph into an order in which values are computed before they are read."""
    made = {name: node for node in graph.node for name in node.output}
    done: dict[int, Any] = {}
    for start in list(graph.node):
        waiting = [start]
        while waiting:
            node = waiting[-1]
            before = [made[name] for name in node.input if name in made and id(made[name]) not in done]
            if before:
                waiting += before
            else:
                done.setdefault(id(node), node)
                waiting.pop()
    ordered = list(done.values())
    copies = [type(node)() for node in ordered]
    for copy, node in zip(copies, ordered, strict=True):
        copy.CopyFrom(node)
    del graph.node[:]
    graph.node.extend(copies)


def _reader(images: Sequence[torch.Tensor]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Gives the images one after another."""

        def __init__(self) -> None:
            self.left = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self.left, None)
            return None if image is None else {INPUT: image.numpy()}

    return Reader()


@contextmanager
def _quiet(bits: Bits) -> Iterator[None]:
    """Without the runtime's advice; what it cannot do becomes a diagnostic."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    except Exception as cause:  # the converters have no common type for what they refuse
        reason = next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
        raise error("cannot-quantise", f"ONNX Runtime cannot make a {bits} model of it: {reason}") from cause
    finally:
        logging.disable(before)
