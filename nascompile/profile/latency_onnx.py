"""Operations as an ONNX model with fixed sizes and arbitrary weights: what is timed, without torch.

The published file of a network is `backends.onnx`'s; after the runtime's optimisation both are the same kernels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nascompile.diagnostics import error
from nascompile.profile.operations import Operation, Operations, Shape

INPUT = "image"
OPSET = 20


def package(name: str) -> Any:
    """An optional package. Raises NasError (`missing-package`)."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise error("missing-package", f"`{name}` is not installed", hint="pip install nascompile[onnx]") from None


def model(network: Operations, batch: int = 1, seed: int = 0) -> bytes:
    """The network as an ONNX file. Raises NasError: `missing-package`, `not-timed` for a layer without operations."""
    writer = ModelWriter(batch, seed)
    writer.value(network.input, network.shapes[network.input], INPUT)
    writer.inputs.append(INPUT)
    for operation in network.operations:
        writer.write(operation, network.shapes)
    for value in network.outputs:
        writer.outputs.append(writer.names[value])
    return writer.data()


class ModelWriter:
    """Writes operations into one ONNX graph; a value `id` is called `v<id>`, with a prefix where one is given."""

    def __init__(self, batch: int = 1, seed: int = 0, prefix: str = "v"):
        import numpy as np

        self._onnx = package("onnx")
        self._helper = self._onnx.helper
        self._rng = np.random.default_rng(seed)
        self.batch, self.prefix = batch, prefix
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self.names: dict[int, str] = {}
        self.shapes: dict[str, Shape] = {}
        self.inputs: list[str] = []
        self.outputs: list[str] = []

    def value(self, value: int, shape: Shape, name: str | None = None) -> str:
        self.names[value] = name or f"{self.prefix}{value}"
        self.shapes[self.names[value]] = shape
        return self.names[value]

    def data(self, numbers: Sequence[str] = ()) -> bytes:
        """The model; `numbers` are further inputs of one element."""
        helper, float_ = self._helper, self._onnx.TensorProto.FLOAT

        def described(names: list[str]) -> list[Any]:
            unique = dict.fromkeys(names)
            return [helper.make_tensor_value_info(n, float_, (self.batch, *self.shapes[n])) for n in unique]

        fed = [helper.make_tensor_value_info(name, float_, (1,)) for name in numbers]
        graph = helper.make_graph(
            self.nodes, "network", described(self.inputs) + fed, described(self.outputs), list(self.constants.values())
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        data: bytes = made.SerializeToString()
        return data

    def constant(self, name: str, array: Any) -> str:
        self.constants[name] = self._onnx.numpy_helper.from_array(array, name)
        return name

    def integers(self, *numbers: int) -> str:
        import numpy as np

        return self.constant("n" + "_".join(map(str, numbers)), np.array(numbers, np.int64))

    def weight(self, name: str, shape: Shape) -> str:
        fan = max(1, len(shape) and int(self._np().prod(shape[1:])))
        array = self._rng.standard_normal(shape, self._np().float32) * (fan**-0.5)
        return self.constant(name, array)

    def _np(self) -> Any:
        import numpy as np

        return np

    def node(self, kind: str, inputs: list[str], output: str, **attrs: Any) -> None:
        self.nodes.append(self._helper.make_node(kind, inputs, [output], name=f"n_{output}", **attrs))

    def write(self, operation: Operation, shapes: Mapping[int, Shape]) -> str:
        """Append one operation; returns the name of its output."""
        out = shapes[operation.output]
        name = self.value(operation.output, out)
        inputs = [self.names[v] for v in operation.inputs]
        kind, attrs = operation.kind, dict(operation.attrs)
        if kind in (
            "Conv",
            "ConvTranspose",
            "Gemm",
            "InstanceNormalization",
            "BatchNormalization",
            "Mul",
            "Add",
            "PRelu",
        ):
            weights = [self._weight_of(kind, name, n, shape) for n, shape in enumerate(operation.weights)]
            if kind == "Gemm":
                attrs["transB"] = 1
            self.node(kind, inputs + weights, name, **attrs)
        elif kind in _PLAIN:
            if kind == "AveragePool":
                attrs["count_include_pad"] = 0
            attrs.pop("inner", None)
            self.node(_PLAIN[kind], inputs, name, **attrs)
        else:
            self._other(kind, inputs, name, out, attrs)
        return name

    def _weight_of(self, kind: str, name: str, number: int, shape: Shape) -> str:
        np = self._np()
        if kind == "BatchNormalization" and number == 3:
            return self.constant(f"{name}_w{number}", np.ones(shape, np.float32))
        return self.weight(f"{name}_w{number}", shape)

    def _other(self, kind: str, inputs: list[str], name: str, out: Shape, attrs: dict[str, Any]) -> None:
        np = self._np()
        if kind == "Reshape":
            self.node(kind, [*inputs, self.integers(self.batch, *out)], name)
        elif kind == "Unsqueeze":
            self.node(kind, [*inputs, self.integers(attrs["axis"])], name)
        elif kind in ("ReduceMean", "ReduceMax"):
            self.node(kind, [*inputs, self.integers(attrs["axis"])], name, keepdims=attrs["keepdims"])
        elif kind == "Clip":
            bounds = [self.constant(f"bound{b}", np.array(b, np.float32)) for b in (0, 6)]
            self.node(kind, [*inputs, *bounds], name)
        elif kind == "HardSigmoid":
            self.node(kind, inputs, name, alpha=1 / 6, beta=0.5)
        elif kind == "QuickGelu":
            self.node("Sigmoid", inputs, f"{name}_s")
            self.node("Mul", [inputs[0], f"{name}_s"], name)
        elif kind == "Concat":
            self.node(kind, inputs, name, axis=1)
        elif kind == "Transpose":
            self.node(kind, inputs, name, perm=[0, 2, 1, *range(3, len(out) + 1)])
        elif kind == "Slice":
            ends = (self.integers(attrs[n]) for n in ("start", "end", "axis"))
            self.node(kind, [*inputs, *ends], name)
        elif kind == "Pad":
            rank = len(out) - 1
            self.node(kind, [*inputs, self.integers(0, 0, *attrs["pads"][:rank], 0, 0, *attrs["pads"][rank:])], name)
        elif kind == "Constant":
            self.constant(name, np.zeros((self.batch, *out), np.float32))
        elif kind == "Resize":
            self._resize(inputs, name, out, attrs)
        else:
            hint = "profile it in torch, without a latency model"
            raise error("not-timed", f"the layer `{attrs.get('layer', kind)}` has no ONNX operations here", hint=hint)

    def _resize(self, inputs: list[str], name: str, out: Shape, attrs: dict[str, Any]) -> None:
        np = self._np()
        linear = attrs["mode"] == "linear"
        where = "align_corners" if attrs["is_aligned"] else "half_pixel" if linear else "asymmetric"
        how = {"mode": attrs["mode"], "coordinate_transformation_mode": where, "nearest_mode": "floor"}
        if attrs["by_size"]:
            self.node("Resize", [*inputs, "", "", self.integers(self.batch, *out)], name, **how)
            return
        before = self.shapes[inputs[0]]
        scales = np.array([1.0, *(b / a for a, b in zip(before, out, strict=True))], np.float32)
        self.node("Resize", [*inputs, "", self.constant(f"{name}_scales", scales)], name, **how)


_PLAIN = {
    name: name
    for name in (
        "Relu", "LeakyRelu", "Elu", "Selu", "Gelu", "HardSwish", "Sigmoid", "Tanh", "Softmax", "MaxPool", "AveragePool",
    )
}  # fmt: skip
