"""The declared shapes and weights of every layer are those that torch computes, in one, two and three dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from nascompile.backends.torch_layers import ROWS, emit
from nascompile.diagnostics import NasError
from nascompile.ir.program import Graph, LayerNode, Program
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source

CHANNELS = 6
"""Divisible by 1, 2, 3 and 6: what `groups` is drawn from."""

per_axis: Callable[..., Any] = lambda low, high, rank: st.one_of(  # noqa: E731
    st.integers(low, high), st.lists(st.integers(low, high), min_size=rank, max_size=rank)
)


def program(call: str, size: tuple[int, ...]) -> Program:
    text = f"nas 1\nimport std.layers\nspace net(x: image) {{ {call} }}\n"
    return elaborate(load(Source("test.nas", text)), Request("net", {}, size))


def run(graph: Graph, x: torch.Tensor) -> dict[int, torch.Tensor]:
    """Every value of a graph of layers, each computed by its row for torch; checks the weights on the way."""
    values = {graph.inputs[0]: x}
    for node in graph.nodes:
        assert isinstance(node, LayerNode)
        row = emit(node, tuple(graph.types[i] for i in node.inputs))
        inputs = [values[i] for i in node.inputs]
        if isinstance(row, nn.Module):
            declared = sorted(tuple(w.shape) for w in node.weights if not w.is_buffer)
            assert sorted(tuple(p.shape) for p in row.parameters()) == declared, node.layer
            found = row.eval()(*inputs)
        else:
            extra = () if node.sizes_like is None else (values[node.sizes_like],)
            found = row.function(*inputs, *extra, *row.args, **row.kwargs)
        for output, tensor in zip(node.outputs, found if isinstance(found, tuple) else (found,), strict=True):
            values[output] = tensor
    return values


def check(call: str, size: tuple[int, ...]) -> None:
    """Both sides agree: the same shapes, or a diagnostic where torch raises."""
    try:
        found = program(call, size)
    except NasError:
        assume(False)
        raise
    with torch.no_grad():
        values = run(found.graph, torch.zeros(1, *size))
    for value, tensor in values.items():
        assert tuple(tensor.shape[1:]) == found.graph.types[value].axes, call


sizes = st.integers(1, 3).flatmap(lambda rank: st.lists(st.integers(5, 9), min_size=rank, max_size=rank))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=sizes, layer=st.sampled_from(["conv", "conv_transpose"]), bias=st.booleans())
def test_convolutions(data: st.DataObject, size: list[int], layer: str, bias: bool) -> None:
    def draw(low: int, high: int) -> Any:
        return data.draw(per_axis(low, high, len(size)))

    groups = data.draw(st.sampled_from([1, 2, 3, 6]))
    call = (
        f"x -> {layer}({groups * data.draw(st.integers(1, 2))}, {draw(1, 4)}, stride = {draw(1, 3)},"
        f" dilation = {draw(1, 2)}, padding = {draw(0, 2)}, groups = {groups}, bias = {str(bias).lower()})"
    )
    check(call, (CHANNELS, *size))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), size=sizes, layer=st.sampled_from(["max_pool", "avg_pool"]))
def test_pools(data: st.DataObject, size: list[int], layer: str) -> None:
    kernel = data.draw(st.integers(2, 4))
    padding = data.draw(st.integers(0, kernel // 2))
    check(f"x -> {layer}({kernel}, stride = {data.draw(st.integers(1, 3))}, padding = {padding})", (CHANNELS, *size))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), size=sizes, mode=st.sampled_from(["nearest", "linear"]), corners=st.booleans())
def test_interpolations(data: st.DataObject, size: list[int], mode: str, corners: bool) -> None:
    to = data.draw(st.one_of(st.sampled_from(["2", "3", "0.5", "1 / 4", "1.5"]), st.just(str([s + 2 for s in size]))))
    check(f"x -> interpolate({to}, {mode}, align_corners = {str(corners).lower()})", (CHANNELS, *size))


@settings(max_examples=30, deadline=None)
@given(data=st.data(), size=sizes, layer=st.sampled_from(["pad", "crop"]))
def test_pads_and_crops(data: st.DataObject, size: list[int], layer: str) -> None:
    first, last = (data.draw(per_axis(0, 2, len(size))) for _ in range(2))
    check(f"x -> {layer}(first = {first}, last = {last})", (CHANNELS, *size))


PLAIN = [
    "x -> batch_norm", "x -> batch_norm(affine = false)", "x -> group_norm(3)", "x -> group_norm(2, affine = false)",
    "x -> instance_norm", "x -> instance_norm(affine = true)", "x -> relu", "x -> relu6", "x -> leaky_relu(0.2)",
    "x -> prelu", "x -> elu", "x -> selu", "x -> gelu", "x -> silu", "x -> sigmoid", "x -> tanh", "x -> hard_sigmoid",
    "x -> hard_swish", "x -> softmax", "x -> conv(1, 1) -> softmax(over = positions)", "x -> global_avg_pool",
    "x -> global_max_pool", "x -> channel_max", "x -> channel_mean", "concat([x, x -> relu])", "sum([x, x -> relu])",
    "x + (x -> global_avg_pool)", "x * (x -> global_avg_pool -> sigmoid)", "x * (x -> channel_mean)", "x -> zero",
    "x -> zero(stride = 2)", "x -> identity", "x -> dropout", "x -> channel_dropout(0.2)", "x -> drop_path",
    "x -> flatten", "x -> flatten -> linear(4, bias = true)", "x -> global_avg_pool -> linear(3)",
    "x -> global_avg_pool -> batch_norm", "x -> channel_shuffle(3)", "x -> global_avg_pool -> angular_linear(3)",
    "x -> crop(first = 1) -> interpolate(size(x), linear)", "x -> max_pool(2)", "x -> avg_pool(2)",
    "x -> pad(first = 1)", "x -> conv(3, 3)", "x -> conv_transpose(3, 3)",
]  # fmt: skip


@pytest.mark.parametrize("size", [(6, 9), (6, 9, 8), (6, 5, 6, 7)], ids=["1-D", "2-D", "3-D"])
@pytest.mark.parametrize("call", PLAIN)
def test_every_layer_in_every_rank(call: str, size: tuple[int, ...]) -> None:
    check(call, size)


def test_no_layer_is_left_out() -> None:
    path = resource("specs/std/layers.nas")
    declared = {d.name for d in load(Source(path.name, path.read_text(encoding="utf-8"))).module.declarations}
    nodes = [node for call in PLAIN for node in program(call, (6, 9, 8)).graph.nodes]
    assert declared == set(ROWS) == {node.layer for node in nodes if isinstance(node, LayerNode)}
