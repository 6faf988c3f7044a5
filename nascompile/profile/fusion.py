"""The kernels that ONNX Runtime makes of a network's operations on a CPU, by the rules of its own optimiser.

What is mirrored: batch norms folded into the convolution in front, activations computed by the convolution, and the
blocked layout (`NCHWc`) of 2-D convolutions: which operations take it, where tensors are reordered into and out of it,
and sums that a convolution computes on its way out (onnxruntime/core/optimizer: conv_bn_fusion, conv_activation_fusion,
nchwc_transformer). A test compares the kernels with the models that the runtime itself writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import prod

from nascompile.profile.kernels import Kernel
from nascompile.profile.operations import Operation, Operations

FUSED = frozenset({"Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid"})
"""Activations that a convolution computes on its way out."""

KEEPS_BLOCKS = frozenset({"Relu", "Sigmoid", "Tanh", "Clip", "HardSigmoid", "QuickGelu", "Gelu"})
"""Element-wise operations that stay in the blocked layout."""

FREE = frozenset({"Reshape", "Unsqueeze"})
"""Operations that only rename memory."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A kernel and the layers whose work it does, the first of them first."""

    kernel: Kernel
    paths: tuple[str, ...]


def kernels(network: Operations, block: int = 16) -> list[Placed]:
    """The kernels of a network, in order. `block` is the channels of a block: 16 with AVX-512, 8 with AVX2, 0 without
    the blocked layout (other runtimes and devices)."""
    steps = _with_activations(_folded(network), network.outputs)
    layout = _Layout(network, steps, block)
    for step in steps:
        layout.place(step)
    return layout.finished()


@dataclass(slots=True)
class _Step:
    """An operation with what was folded into it."""

    operation: Operation
    output: int
    paths: list[str]
    activation: str = ""
    has_bias: bool = False


def _uses(steps: Iterable[_Step], outputs: tuple[int, ...]) -> dict[int, int]:
    found: dict[int, int] = dict.fromkeys(outputs, 0)
    for value in outputs:
        found[value] += 1
    for step in steps:
        for value in step.operation.inputs:
            found[value] = found.get(value, 0) + 1
    return found


def _folded(network: Operations) -> list[_Step]:
    """Constants are computed beforehand; a batch norm or a padding that only a convolution shares a value with goes
    into it."""
    uses = network.uses()
    last: dict[int, _Step] = {}
    steps: list[_Step] = []
    constants: set[int] = set()
    padded: dict[int, Operation] = {}
    for operation in network.operations:
        if all(value in constants for value in operation.inputs) and operation.kind != "Unknown":
            constants.add(operation.output)
            continue
        if any(value in constants for value in operation.inputs):
            shapes = tuple(network.shapes[value] for value in operation.inputs if value in constants)
            inputs = tuple(value for value in operation.inputs if value not in constants)
            operation = replace(operation, inputs=inputs, weights=operation.weights + shapes)
        if operation.kind in ("Conv", "MaxPool") and operation.inputs[0] in padded:
            before_padding = padded[operation.inputs[0]].inputs
            steps.remove(last[operation.inputs[0]])
            operation = replace(operation, inputs=before_padding)
        if operation.kind == "Pad" and uses[operation.output] == 1:
            padded[operation.output] = operation
        if operation.kind == "BatchNormalization":
            before = last.get(operation.inputs[0])
            is_convolution = before is not None and before.operation.kind in ("Conv", "ConvTranspose")
            if before is not None and is_convolution and uses[operation.inputs[0]] == 1:
                before.output = operation.output
                before.has_bias = True
                before.paths.append(operation.path)
                last[operation.output] = before
                continue
        if operation.kind == "HardSwish":  # expanded too late for a convolution to compute it
            inner = replace(operation, kind="HardSigmoid", output=int(operation.attrs["inner"]))
            steps.append(_Step(inner, inner.output, [operation.path]))
            operation = replace(operation, kind="Mul", inputs=(operation.inputs[0], inner.output))
        step = _Step(operation, operation.output, [operation.path], has_bias=len(operation.weights) > 1)
        last[operation.output] = step
        steps.append(step)
    return steps


def _with_activations(steps: list[_Step], outputs: tuple[int, ...]) -> list[_Step]:
    uses = _uses(steps, outputs)
    makers = {step.output: step for step in steps}
    left = []
    for step in steps:
        operation = step.operation
        before = makers.get(operation.inputs[0]) if operation.inputs else None
        if (
            operation.kind in FUSED
            and before is not None
            and before.operation.kind in ("Conv", "Gemm")
            and not before.activation
            and uses[before.output] == 1
        ):
            makers.pop(before.output)
            before.activation = operation.kind
            before.output = step.output
            before.paths += step.paths
            makers[step.output] = before
        else:
            left.append(step)
    return left


@dataclass(slots=True)
class _Blocked:
    """A value in the blocked layout: the kernel that makes it, and the readers that still want the plain layout."""

    maker: int
    channels: int
    uses: int
    left: int


@dataclass(slots=True)
class _Layout:
    """Chooses the layout of each kernel, in order, as the runtime's own pass does."""

    network: Operations
    steps: list[_Step]
    block: int
    found: list[Placed] = field(default_factory=list)
    blocked: dict[int, _Blocked] = field(default_factory=dict)
    reordered: set[int] = field(default_factory=set)
    uses: dict[int, int] = field(default_factory=dict)
    plain: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.uses = _uses(self.steps, self.network.outputs)

    def place(self, step: _Step) -> None:
        if self.block and len(self.shape(step.output)) == 3 and self.take_blocks(step):
            return
        if self.sum(step):
            return
        self.emit(step)

    def sum(self, step: _Step) -> bool:
        """A sum behind a 2-D convolution with a bias, in the plain layout: the convolution computes it."""
        operation = step.operation
        if operation.kind in FUSED and (maker := self.plain.get(operation.inputs[0])) is not None:
            kernel = self.found[maker].kernel
            if kernel.adds and not kernel.activation and self.uses.get(operation.inputs[0]) == 1:
                self.found[maker] = Placed(
                    replace(kernel, activation=operation.kind), (*self.found[maker].paths, *step.paths)
                )
                return True
        if operation.kind != "Add" or len(operation.inputs) != 2:
            return False
        if self.shape(operation.inputs[0]) != self.shape(operation.inputs[1]):
            return False
        for value in operation.inputs:
            maker = self.plain.get(value)
            if maker is None or self.uses[value] != 1:
                continue
            before = self.found[maker]
            if not before.kernel.activation and not before.kernel.adds:
                self.found[maker] = Placed(replace(before.kernel, adds=True), (*before.paths, *step.paths))
                self.plain[step.output] = maker
                return True
        return False

    def shape(self, value: int) -> tuple[int, ...]:
        return self.network.shapes[value]

    def take_blocks(self, step: _Step) -> bool:
        """Emit in the blocked layout where the runtime would; False where it would not."""
        operation = step.operation
        if operation.kind == "Conv":
            return self.convolution(step)
        if operation.kind in ("MaxPool", "AveragePool"):
            if self.shape(operation.inputs[0])[0] % self.block:
                return False
            self.enter(operation.inputs[0], step)
            return self.leave(step)
        if not operation.inputs or any(value not in self.blocked for value in operation.inputs):
            return False
        values = [self.blocked[value] for value in operation.inputs]
        if operation.kind in ("Add", "Mul") and not operation.weights:
            return self.binary(step, values)
        if operation.kind == "Concat":
            if any(value.channels % self.block for value in values):
                return False
        elif operation.kind == "Resize":
            if not _is_whole_scale(self.shape(operation.inputs[0]), self.shape(step.output)):
                return False
        elif operation.kind == "BatchNormalization":
            return self.scaled(step, values[0])
        elif operation.kind not in KEEPS_BLOCKS:
            return False
        for value in values:
            value.left -= 1
        if operation.kind in FUSED and self.absorb(step, values[0]):
            return True
        return self.leave(step)

    def convolution(self, step: _Step) -> bool:
        operation = step.operation
        out, inner = operation.weights[0][:2]
        groups = int(operation.attrs["group"])
        value = operation.inputs[0]
        if groups > 1:
            if out % 4:
                return False
            is_depthwise = inner == 1 and out == groups
            if not is_depthwise and (inner % self.block or (out // groups) % self.block):
                return False
            self.enter(value, step)
        elif inner >= self.block:
            if inner % 4:
                return False
            self.enter(value, step)
        return self.leave(step)

    def binary(self, step: _Step, values: list[_Blocked]) -> bool:
        operation = step.operation
        if self.shape(operation.inputs[0]) != self.shape(operation.inputs[1]):
            return False
        for value in values:
            value.left -= 1
        if operation.kind == "Add":
            for value in values:
                maker = self.found[value.maker].kernel
                if maker.kind == "Conv" and not maker.adds and not maker.activation and value.uses == 1:
                    self.merge(value.maker, replace(maker, adds=True), step)
                    return True
        return self.leave(step)

    def absorb(self, step: _Step, value: _Blocked) -> bool:
        """An activation behind a convolution that adds: the convolution computes it as well."""
        maker = self.found[value.maker].kernel
        if maker.kind != "Conv" or maker.activation or value.uses != 1:
            return False
        self.merge(value.maker, replace(maker, activation=step.operation.kind), step)
        return True

    def merge(self, maker: int, kernel: Kernel, step: _Step) -> None:
        before = self.found[maker]
        self.found[maker] = Placed(kernel, (*before.paths, *step.paths))
        uses = self.uses.get(step.output, 0)
        self.blocked[step.output] = _Blocked(maker, kernel.out_channels, uses, uses)

    def scaled(self, step: _Step, value: _Blocked) -> bool:
        """A batch norm on its own is a depthwise convolution with one position."""
        value.left -= 1
        channels, *size = self.shape(step.output)
        ones = (1,) * len(size)
        kernel = Kernel(
            "Conv", channels, channels, tuple(size), tuple(size), ones, ones, ones, channels, "", False, "nchwc"
        )
        self.found.append(Placed(kernel, tuple(step.paths)))
        uses = self.uses.get(step.output, 0)
        self.blocked[step.output] = _Blocked(len(self.found) - 1, channels, uses, uses)
        return True

    def enter(self, value: int, step: _Step) -> None:
        """Read `value` in the blocked layout, reordering it once for all its readers where it is not."""
        if value in self.blocked:
            self.blocked[value].left -= 1
        elif value not in self.reordered:
            self.reordered.add(value)
            self.reorder("ReorderInput", value, tuple(step.paths[:1]))

    def leave(self, step: _Step) -> bool:
        self.emit(step, "nchwc")
        uses = self.uses.get(step.output, 0)
        self.blocked[step.output] = _Blocked(len(self.found) - 1, self.shape(step.output)[0], uses, uses)
        return True

    def reorder(self, kind: str, value: int, paths: tuple[str, ...]) -> None:
        channels, *size = self.shape(value)
        self.found.append(Placed(Kernel(kind, channels, channels, tuple(size), tuple(size)), paths))

    def emit(self, step: _Step, layout: str = "") -> None:
        if step.operation.kind == "Conv" and not layout and step.has_bias and len(self.shape(step.output)) == 3:
            self.plain[step.output] = len(self.found)
        self.found.append(Placed(kernel_of(step.operation, self.network, layout, step.activation), tuple(step.paths)))

    def finished(self) -> list[Placed]:
        for value, blocked in list(self.blocked.items()):
            if blocked.left > 0:
                self.reorder("ReorderOutput", value, self.found[blocked.maker].paths[:1])
        return self.found


def _is_whole_scale(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    return all(b % a == 0 for a, b in zip(before[1:], after[1:], strict=True))


def kernel_of(operation: Operation, network: Operations, layout: str = "", activation: str = "") -> Kernel:
    """The kernel of one operation. A sum or product with fewer elements on one side is of kind `AddVector` and so on;
    a `Concat` notes its number of inputs in `groups`, a reduction its axis, a resize its mode."""
    attrs, shapes = operation.attrs, network.shapes
    first = shapes[operation.inputs[0]] if operation.inputs else ()
    out = shapes[operation.output]
    kind, groups = operation.kind, int(attrs.get("group", 1))
    rank = len(out) - 1
    window = stride = dilation = ()
    if "kernel_shape" in attrs:
        window, stride = attrs["kernel_shape"], attrs["strides"]
        dilation = attrs.get("dilations", (1,) * rank)
    channels = first[0] if first else 0
    if kind in ("Add", "Mul"):
        others = [shapes[v] for v in operation.inputs] + list(operation.weights)
        if any(prod(other) != prod(out) for other in others):
            # a vector on the channels, or one map for all channels
            kind += "Vector" if any(prod(other[1:]) == 1 for other in others) else "Map"
        channels = out[0]
        first = out
    elif kind == "Concat":
        channels, groups = out[0], len(operation.inputs)
    elif kind == "Resize":
        kind += "Nearest" if attrs["mode"] == "nearest" else "Linear"
        if layout:
            kind, layout = kind.replace("Resize", "Upsample"), "nchwc"
    elif kind in ("ReduceMean", "ReduceMax", "Softmax", "Slice"):
        groups = int(attrs["axis"])
    if kind not in ("Conv", "MaxPool", "AveragePool", "UpsampleNearest", "UpsampleLinear"):
        layout = ""  # the same code as in the plain layout
    if kind in FREE:
        kind = "Free"
        return Kernel(kind, 1, 1, (), ())
    return Kernel(
        kind, channels, out[0], first[1:], out[1:], tuple(window), tuple(stride), tuple(dilation), groups, activation,
        False, layout,
    )  # fmt: skip
