"""One row a layer: how a person writes it with torch. Complete for the layers of `std/layers.nas`; a test compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nascompile.backends.source.code import Call, Chain, Code, Listed
from nascompile.diagnostics import error
from nascompile.ir.program import LayerNode, TensorType

Types = tuple[TensorType, ...]
Given = tuple[str | None, Code]
"""An argument as it is written: keyword or None, and value."""
Build = Callable[[Sequence[Code], Sequence[Given]], Code]
"""From the inputs and the arguments that are not left out to the expression."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An argument that may differ between two uses. Without a keyword it is written by position.

    An argument that is `default` everywhere is not written; `role` names the parameter that it becomes.
    """

    value: Any
    keyword: str | None = None
    default: Any = ...
    role: str = "size"


@dataclass(frozen=True, slots=True)
class Written:
    """A layer as source: `module` is the class of an `nn.Module`, else `build` makes an expression of the inputs.

    `key` is what two layers share that differ in their slots only; `names_input`: for each input, whether the
    expression repeats it or calls a method of it, so that it has to be a name.
    """

    key: tuple[Any, ...]
    slots: tuple[Slot, ...] = ()
    module: str | None = None
    build: Build | None = None
    names_input: tuple[bool, ...] = ()
    needs: str | None = None


def written(node: LayerNode, types: Types) -> Written:
    """The row of a layer. Raises NasError `unsupported-layer` for a layer of another package."""
    if node.extern is not None or node.layer not in ROWS:
        hint = "its package has to be there wherever the network runs; export ONNX or keep the text"
        raise error("unsupported-layer", f"`{node.layer}` cannot be written as source", node.origin.span, hint=hint)
    return ROWS[node.layer](node, types)


def _plain(value: Any) -> Any:
    """One number for equal numbers of every axis."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


def _module(name: str, *slots: Slot) -> Written:
    return Written((name, *(s.keyword for s in slots)), slots, module=name)


def _has(node: LayerNode, name: str) -> bool:
    return any(w.name == name for w in node.weights)


def _convolution(kind: str) -> Callable[[LayerNode, Types], Written]:
    def row(node: LayerNode, types: Types) -> Written:
        a, rank = node.attrs, len(types[0].spatial)
        extra = [Slot(_plain(a["output_padding"]), "output_padding", 0)] if kind == "ConvTranspose" else []
        return _module(
            f"nn.{kind}{rank}d",
            Slot(types[0].channels, role="in_channels"),
            Slot(a["c"], role="channels"),
            Slot(_plain(a["k"]), role="kernel"),
            Slot(_plain(a["stride"]), "stride", 1, role="stride"),
            Slot(_plain(a["padding"]), "padding", 0, role="padding"),
            *extra,
            Slot(_plain(a["dilation"]), "dilation", 1, role="dilation"),
            Slot(a["groups"], "groups", 1, role="groups"),
            Slot(_has(node, "b"), "bias", True, role="bias"),
        )

    return row


def _linear(node: LayerNode, types: Types) -> Written:
    return _module(
        "nn.Linear", Slot(types[0].channels, role="in_features"), Slot(node.attrs["c"], role="features"),
        Slot(_has(node, "b"), "bias", True, role="bias"),
    )  # fmt: skip


def _angular(node: LayerNode, types: Types) -> Written:
    slots = (Slot(types[0].channels, role="in_features"), Slot(node.attrs["c"]), Slot(node.attrs["margin"]))
    return Written(("AngularLinear",), slots, module="AngularLinear", needs="AngularLinear")


def _batch_norm(node: LayerNode, types: Types) -> Written:
    kind = f"nn.BatchNorm{max(len(types[0].spatial), 1)}d"
    return _module(kind, Slot(types[0].channels, role="channels"), Slot(node.attrs["affine"], "affine", True))


def _group_norm(node: LayerNode, types: Types) -> Written:
    return _module(
        "nn.GroupNorm", Slot(node.attrs["groups"], role="norm_groups"), Slot(types[0].channels, role="channels"),
        Slot(node.attrs["affine"], "affine", True),
    )  # fmt: skip


def _instance_norm(node: LayerNode, types: Types) -> Written:
    kind = f"nn.InstanceNorm{len(types[0].spatial)}d"
    return _module(kind, Slot(types[0].channels, role="channels"), Slot(node.attrs["affine"], "affine", False))


def _activation(name: str, **slots: str) -> Callable[[LayerNode, Types], Written]:
    """`slots` are keywords by the layer's argument; a default of torch is written out, which is clearer."""
    return lambda node, types: _module(name, *(Slot(node.attrs[v], k) for k, v in slots.items()))


def _pool(kind: str) -> Callable[[LayerNode, Types], Written]:
    def row(node: LayerNode, types: Types) -> Written:
        a, rank = node.attrs, len(types[0].spatial)
        slots = [
            Slot(_plain(a["k"]), role="kernel"),
            Slot(_plain(a["stride"]), "stride", role="stride"),
            Slot(_plain(a["padding"]), "padding", 0, role="padding"),
        ]
        if kind == "Avg":
            slots.append(Slot(False, "count_include_pad", _plain(a["padding"]) != 0))
        return _module(f"nn.{kind}Pool{rank}d", *slots)

    return row


def _interpolate(node: LayerNode, types: Types) -> Written:
    to, mode = node.attrs["to"], node.attrs["mode"]
    how: tuple[Slot, ...] = ()
    if mode == "linear":
        name = ("linear", "bilinear", "trilinear")[len(types[0].spatial) - 1]
        how = (Slot(name, "mode"), Slot(node.attrs["align_corners"], "align_corners", False))
    key = ("interpolate", len(how))
    if node.sizes_like is not None:
        return Written((*key, "like"), how, build=_resize_like, names_input=(False, True))
    if isinstance(to, tuple):
        return Written((*key, "size"), (Slot(to, "size"), *how), build=_function("F.interpolate"))
    return _module("nn.Upsample", Slot(float(to), "scale_factor", role="scale"), *how)


def _resize_like(inputs: Sequence[Code], given: Sequence[Given]) -> Code:
    x, like = inputs
    return Call("F.interpolate", ((None, x), ("size", f"{like}.shape[2:]"), *given))


def _function(name: str) -> Build:
    return lambda inputs, given: Call(name, (*((None, i) for i in inputs), *given))


def _method(*pattern: str) -> Callable[[LayerNode, Types], Written]:
    """An expression with the input's name in the place of `x`."""

    def row(node: LayerNode, types: Types) -> Written:
        return Written(
            (pattern,), build=lambda inputs, given: pattern[0].replace("@", str(inputs[0])), names_input=(True,)
        )

    return row


def _softmax(node: LayerNode, types: Types) -> Written:
    if node.attrs["over"] == "channels":
        slots = (Slot(1, "dim"),)
        return Written(("softmax",), slots, build=_function("torch.softmax"))
    return _method("torch.softmax(@.flatten(2), 2).reshape(@.shape)")(node, types)


def _concat(node: LayerNode, types: Types) -> Written:
    def build(inputs: Sequence[Code], given: Sequence[Given]) -> Code:
        return Call("torch.cat", ((None, Listed(tuple(inputs))), (None, "1")))

    return Written(("concat", len(types)), build=build)


def _merge(operator: str) -> Callable[[LayerNode, Types], Written]:
    def row(node: LayerNode, types: Types) -> Written:
        largest = max(len(t.axes) for t in types)
        axes = tuple(largest - len(t.axes) for t in types)

        def build(inputs: Sequence[Code], given: Sequence[Given]) -> Code:
            spread = [
                f"{x}[{', '.join(['...', *['None'] * n])}]" if n else x for x, n in zip(inputs, axes, strict=True)
            ]
            return spread[0] if len(spread) == 1 else Chain(operator, tuple(spread))

        return Written((operator, axes), build=build, names_input=tuple(n > 0 for n in axes))

    return row


def _pad(node: LayerNode, types: Types) -> Written:
    first, last = (_axes(node.attrs[n], types) for n in ("first", "last"))
    amounts = tuple(n for pair in zip(reversed(first), reversed(last), strict=True) for n in pair)
    slots = (Slot(amounts, role="margins"),)
    return Written(("pad",), slots, build=_function("F.pad"))


def _crop(node: LayerNode, types: Types) -> Written:
    first, last = (_axes(node.attrs[n], types) for n in ("first", "last"))
    cuts = [f"{a or ''}:{-b if b else ''}" for a, b in zip(first, last, strict=True)]
    return _method(f"@[:, :, {', '.join(cuts)}]")(node, types)


def _zero(node: LayerNode, types: Types) -> Written:
    strides = _axes(node.attrs["stride"], types)
    if all(s == 1 for s in strides):
        return Written(("zero",), build=_function("torch.zeros_like"))
    steps = ", ".join(f"::{s}" if s > 1 else ":" for s in strides)
    return _method(f"torch.zeros_like(@[:, :, {steps}])")(node, types)


def _axes(value: Any, types: Types) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * len(types[0].spatial)


def _dropout(node: LayerNode, types: Types) -> Written:
    return _module("nn.Dropout", Slot(node.attrs["p"]))


def _channel_dropout(node: LayerNode, types: Types) -> Written:
    return _module(f"nn.Dropout{len(types[0].spatial)}d", Slot(node.attrs["p"]))


def _drop_path(node: LayerNode, types: Types) -> Written:
    return Written(("DropPath",), (Slot(node.attrs["p"]),), module="DropPath", needs="DropPath")


ROWS: dict[str, Callable[[LayerNode, Types], Written]] = {
    "conv": _convolution("Conv"),
    "conv_transpose": _convolution("ConvTranspose"),
    "linear": _linear,
    "angular_linear": _angular,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "relu": _activation("nn.ReLU"),
    "relu6": _activation("nn.ReLU6"),
    "leaky_relu": _activation("nn.LeakyReLU", negative_slope="slope"),
    "prelu": _activation("nn.PReLU"),
    "elu": _activation("nn.ELU", alpha="alpha"),
    "selu": _activation("nn.SELU"),
    "gelu": _activation("nn.GELU"),
    "silu": _activation("nn.SiLU"),
    "sigmoid": _activation("nn.Sigmoid"),
    "tanh": _activation("nn.Tanh"),
    "hard_sigmoid": _activation("nn.Hardsigmoid"),
    "hard_swish": _activation("nn.Hardswish"),
    "softmax": _softmax,
    "max_pool": _pool("Max"),
    "avg_pool": _pool("Avg"),
    "global_avg_pool": _method("@.flatten(2).mean(2)"),
    "global_max_pool": _method("@.flatten(2).amax(2)"),
    "channel_max": _method("@.amax(1, keepdim=True)"),
    "channel_mean": _method("@.mean(1, keepdim=True)"),
    "interpolate": _interpolate,
    "pad": _pad,
    "crop": _crop,
    "concat": _concat,
    "add": _merge("+"),
    "mul": _merge("*"),
    "zero": _zero,
    "identity": _activation("nn.Identity"),
    "dropout": _dropout,
    "channel_dropout": _channel_dropout,
    "drop_path": _drop_path,
    "flatten": _activation("nn.Flatten"),
    "channel_shuffle": _activation("nn.ChannelShuffle", groups="groups"),
}
