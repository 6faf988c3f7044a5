"""A fixed network as the tensor operations that its ONNX file consists of, without torch.

The rows follow what torch's exporter writes for each layer with known sizes. They are what the latency model counts
and what `latency_onnx` builds models from; a test compares both with an exported file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from nascompile.ir.program import Graph, LayerNode, Node, Program
from nascompile.passes.pipelines import FIXED, run

Shape = tuple[int, ...]
"""Axes of one sample, channels first, without the batch."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One ONNX operation. `kind` is its ONNX name; `path` the layer that it comes from.

    `weights` are the shapes of its constant inputs, which follow `inputs`.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    path: str
    attrs: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[Shape, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Operations:
    """Operations in an order in which they can run. `shapes[id]` are those of the values, without the batch."""

    input: int
    outputs: tuple[int, ...]
    operations: tuple[Operation, ...]
    shapes: Mapping[int, Shape]

    def uses(self) -> dict[int, int]:
        """How often each value is read, an output of the network once more."""
        found = dict.fromkeys(self.shapes, 0)
        for operation in self.operations:
            for value in operation.inputs:
                found[value] += 1
        for value in self.outputs:
            found[value] += 1
        return found


def operations_of(program: Program) -> Operations:
    """The operations of a program whose decisions are all bound, unused and repeated layers left out."""
    return lowered(run(program.graph, FIXED))


def lowered(graph: Graph, *, is_open: bool = False) -> Operations:
    """The operations of a flat graph without decisions. A layer without a row counts as one of kind `Unknown`.

    With `is_open` decisions are taken to keep everything: mixtures become sums, gates vanish.
    """
    writer = _Writer(graph)
    for node in graph.nodes:
        if isinstance(node, LayerNode):
            if not is_open or all(value in writer.ids for value in node.inputs):
                writer.layer(node)
            continue
        assert is_open, f"an undecided node {node.path} in a fixed network"
        writer.everything(node)
    outputs = tuple(writer.ids[value] for _, value in graph.outputs if value in writer.ids)
    return Operations(graph.inputs[0], outputs, tuple(writer.operations), writer.shapes)


class _Writer:
    """Collects operations; `ids` maps values of the graph to values of the operations."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.operations: list[Operation] = []
        self.ids: dict[int, int] = {graph.inputs[0]: graph.inputs[0]}
        self.shapes: dict[int, Shape] = {graph.inputs[0]: self.shape(graph.inputs[0])}
        self.next = len(graph.types)
        self.path = ""

    def shape(self, value: int) -> Shape:
        return tuple(int(axis) for axis in self.graph.types[value].axes)  # type: ignore[arg-type]

    def layer(self, node: LayerNode) -> None:
        self.path = node.path
        inputs = tuple(self.ids[i] for i in node.inputs)
        row = ROWS.get(node.layer)
        if row is None or node.extern is not None:
            for output in node.outputs:
                self.ids[output] = self.add("Unknown", inputs, self.shape(output), layer=node.layer)
            return
        self.ids[node.outputs[0]] = row(self, node, inputs, self.shape(node.outputs[0]))

    def everything(self, node: Node) -> None:
        """The sum of all that a decision chooses from, under a path that is no layer's."""
        self.path = f"{node.path} (all)"
        values = [self.ids[v] for v in node.inputs if v in self.ids]
        if values:
            total = values[0]
            for value in values[1:]:
                total = self.add("Add", (total, value), self.shapes[total])
            for output in node.outputs:
                self.ids[output] = total

    def add(
        self, kind: str, inputs: tuple[int, ...], shape: Shape, weights: tuple[Shape, ...] = (), **attrs: Any
    ) -> int:
        value, self.next = self.next, self.next + 1
        self.shapes[value] = shape
        self.operations.append(Operation(kind, inputs, value, self.path, attrs, weights))
        return value


Row = Callable[[_Writer, LayerNode, tuple[int, ...], Shape], int]


def _axes(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,) * rank


def _window(node: LayerNode, rank: int) -> dict[str, Any]:
    a = node.attrs
    padding = _axes(a["padding"], rank)
    found = {"kernel_shape": _axes(a["k"], rank), "strides": _axes(a["stride"], rank), "pads": (*padding, *padding)}
    if "dilation" in a:
        found |= {"dilations": _axes(a["dilation"], rank), "group": a["groups"]}
    return found


def _weights(node: LayerNode) -> tuple[Shape, ...]:
    return tuple(tuple(int(n) for n in weight.shape) for weight in node.weights)  # type: ignore[arg-type]


def _convolution(kind: str) -> Row:
    def row(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
        rank = len(out) - 1
        weights = _weights(node)
        extra: dict[str, Any] = (
            {"output_padding": _axes(node.attrs["output_padding"], rank)} if kind == "ConvTranspose" else {}
        )
        return w.add(kind, inputs, out, weights, **_window(node, rank), **extra)

    return row


def _linear(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    return w.add("Gemm", inputs, out, _weights(node))


def _batch_norm(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    return w.add("BatchNormalization", inputs, out, ((out[0],),) * 4)


def _instance_norm(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    return w.add("InstanceNormalization", inputs, out, ((out[0],),) * 2)


def _group_norm(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    groups = int(node.attrs["groups"])
    grouped = (groups, prod(out) // groups)
    x = w.add("Reshape", inputs, grouped)
    x = w.add("InstanceNormalization", (x,), grouped, ((groups,),) * 2)
    x = w.add("Reshape", (x,), out)
    channels = (out[0], *(1,) * (len(out) - 1))
    x = w.add("Mul", (x,), out, (channels,))
    return w.add("Add", (x,), out, (channels,))


def _unary(kind: str, **attrs: str) -> Row:
    def row(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
        given: dict[str, Any] = {k: float(node.attrs[v]) for k, v in attrs.items()}
        return w.add(kind, inputs, out, **given)

    return row


def _hard_swish(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    inner, w.next = w.next, w.next + 1  # what the runtime computes first
    w.shapes[inner] = out
    return w.add("HardSwish", inputs, out, inner=inner)


def _prelu(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    return w.add("PRelu", inputs, out, ((1,) * len(out),))


def _softmax(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    if node.attrs["over"] == "channels":
        return w.add("Softmax", inputs, out, axis=1)
    x = w.add("Reshape", inputs, (out[0], prod(out[1:])))
    x = w.add("Softmax", (x,), (out[0], prod(out[1:])), axis=2)
    return w.add("Reshape", (x,), out)


def _pool(kind: str) -> Row:
    return lambda w, node, inputs, out: w.add(kind, inputs, out, **_window(node, len(out) - 1))


def _global(kind: str) -> Row:
    def row(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
        flat = (out[0], prod(w.shapes[inputs[0]][1:]))
        return w.add(kind, (w.add("Reshape", inputs, flat),), out, axis=2, keepdims=0)

    return row


def _channels(kind: str) -> Row:
    return lambda w, node, inputs, out: w.add(kind, inputs, out, axis=1, keepdims=1)


def _interpolate(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    mode = str(node.attrs["mode"])
    aligned = mode == "linear" and bool(node.attrs["align_corners"])
    by_size = node.sizes_like is not None or isinstance(node.attrs["to"], tuple)
    return w.add("Resize", inputs[:1], out, mode=mode, is_aligned=aligned, by_size=by_size)


def _pad(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    rank = len(out) - 1
    return w.add("Pad", inputs, out, pads=(*_axes(node.attrs["first"], rank), *_axes(node.attrs["last"], rank)))


def _crop(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    first, last = (_axes(node.attrs[name], len(out) - 1) for name in ("first", "last"))
    x = inputs[0]
    for axis, (a, b) in enumerate(zip(first, last, strict=True), 1):
        if a or b:
            shape = list(w.shapes[x])
            shape[axis] = out[axis]
            x = w.add("Slice", (x,), tuple(shape), axis=axis + 1, start=a, end=a + out[axis])
    return x


def _merge(kind: str) -> Row:
    def row(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
        spread = []
        for value in inputs:
            while len(w.shapes[value]) < len(out):  # torch appends one axis at a time
                value = w.add("Unsqueeze", (value,), (*w.shapes[value], 1), axis=len(w.shapes[value]) + 1)
            spread.append(value)
        result = spread[0]
        for value in spread[1:]:
            result = w.add(kind, (result, value), _broadcast(w.shapes[result], w.shapes[value]))
        return result

    return row


def _broadcast(a: Shape, b: Shape) -> Shape:
    return tuple(max(m, n) for m, n in zip(a, b, strict=True))


def _concat(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    return inputs[0] if len(inputs) == 1 else w.add("Concat", inputs, out)


def _zero(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    return w.add("Constant", (), out)


def _identity(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    return inputs[0]


def _flatten(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    return w.add("Reshape", inputs, out)


def _shuffle(w: _Writer, node: LayerNode, inputs: tuple[int, ...], out: Shape) -> int:
    groups = int(node.attrs["groups"])
    x = w.add("Reshape", inputs, (groups, out[0] // groups, *out[1:]))
    x = w.add("Transpose", (x,), (out[0] // groups, groups, *out[1:]))
    return w.add("Reshape", (x,), out)


ROWS: dict[str, Row] = {
    "conv": _convolution("Conv"),
    "conv_transpose": _convolution("ConvTranspose"),
    "linear": _linear,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "relu": _unary("Relu"),
    "relu6": _unary("Clip"),
    "leaky_relu": _unary("LeakyRelu", alpha="slope"),
    "prelu": _prelu,
    "elu": _unary("Elu", alpha="alpha"),
    "selu": _unary("Selu"),
    "gelu": _unary("Gelu"),
    "silu": _unary("QuickGelu"),  # the runtime joins a sigmoid and its product
    "sigmoid": _unary("Sigmoid"),
    "tanh": _unary("Tanh"),
    "hard_sigmoid": _unary("HardSigmoid"),
    "hard_swish": _hard_swish,
    "softmax": _softmax,
    "max_pool": _pool("MaxPool"),
    "avg_pool": _pool("AveragePool"),
    "global_avg_pool": _global("ReduceMean"),
    "global_max_pool": _global("ReduceMax"),
    "channel_max": _channels("ReduceMax"),
    "channel_mean": _channels("ReduceMean"),
    "interpolate": _interpolate,
    "pad": _pad,
    "crop": _crop,
    "concat": _concat,
    "add": _merge("Add"),
    "mul": _merge("Mul"),
    "zero": _zero,
    "identity": _identity,
    "dropout": _identity,
    "channel_dropout": _identity,
    "drop_path": _identity,
    "flatten": _flatten,
    "channel_shuffle": _shuffle,
}
"""One row a layer; `angular_linear` has none and is reported as unknown."""
