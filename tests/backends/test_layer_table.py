"""Every layer of `std/layers.nas`: it has a torch row, and declared shapes, weights and costs are those of torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nascompile.backends.pytorch import build
from nascompile.backends.torch_functional import FUNCTIONAL
from nascompile.backends.torch_layers import ROWS
from nascompile.diagnostics import NasError
from nascompile.ir.program import LayerNode, Program
from nascompile.passes.flatten import flatten
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source
from nascompile.syntax import nodes as ast

STANDARD = load(Source("empty.nas", "nas 1\nimport std.layers\n"), resource("specs"))
LAYERS = sorted(name for name, found in STANDARD.names.items() if isinstance(found, ast.LayerDecl))
SMALL = st.integers(1, 3)
NUMBERS = {
    "c": st.integers(1, 4).map(lambda n: 2 * n),
    "k": st.integers(1, 4),
    "stride": SMALL,
    "dilation": st.integers(1, 2),
    "padding": st.integers(0, 1),
    "output_padding": st.just(0),
    "groups": st.sampled_from([1, 2]),
    "margin": st.integers(1, 4),
    "slope": st.sampled_from([0.01, 0.2]),
    "alpha": st.sampled_from([0.5, 1.0]),
    "p": st.sampled_from([0, 0.1, 0.5]),
    "first": st.integers(0, 1),
    "last": st.integers(0, 1),
    "to": st.sampled_from([2, 0.5, "[5, 4, 6]"]),
    "mode": st.sampled_from(["nearest", "linear"]),
    "over": st.sampled_from(["channels", "positions"]),
    "bias": st.booleans(),
    "affine": st.booleans(),
    "align_corners": st.booleans(),
}
ON_VECTORS = {"linear", "angular_linear"}
MANY = {"concat", "add", "mul"}


def written(value: Any, rank: int) -> str:
    if isinstance(value, str) and value.startswith("["):
        return "[" + ", ".join(value.strip("[]").split(", ")[:rank]) + "]"
    return str(value).lower()


@st.composite
def uses(draw: st.DrawFn, layer: str) -> tuple[str, tuple[int, ...]]:
    """The body of a space that applies the layer once, and its input."""
    rank = draw(st.integers(1, 3))
    input_ = (draw(st.sampled_from([2, 4, 6])), *(draw(st.integers(4, 8)) for _ in range(rank)))
    if layer in MANY:
        return f"{layer}([x, x -> relu, x -> sigmoid])", input_
    declaration = STANDARD.names[layer]
    assert isinstance(declaration, ast.LayerDecl)
    numbers = NUMBERS | {"k": st.integers(2, 4)} if layer.endswith("_pool") else NUMBERS  # padding is at most k // 2
    given_ = {p.name: draw(numbers[p.name]) for p in declaration.parameters if p.default is None or draw(st.booleans())}
    arguments = ", ".join(f"{name} = {written(value, rank)}" for name, value in given_.items())
    before = "x -> global_avg_pool -> " if layer in ON_VECTORS else "x -> "
    return f"{before}{layer}({arguments})", input_


def elaborated(body: str, input_: tuple[int, ...]) -> Program | None:
    """The program, or None where the text itself refuses these sizes."""
    text = f"nas 1\nimport std.layers\nspace s(x: image) {{\n{body}\n}}\n"
    try:
        return elaborate(load(Source("s.nas", text), resource("specs")), Request("s", {}, input_, {}))
    except NasError as refused:
        codes = {d.code for d in refused.diagnostics}
        assert codes <= {"requirement", "empty-size", "too-small", "shape-mismatch"}, refused
        return None


def test_the_table_is_complete() -> None:
    assert sorted(ROWS) == LAYERS


def test_weights_have_a_function_for_the_supernet() -> None:
    declared = {name for name in LAYERS if STANDARD.names[name].weights}  # type: ignore[union-attr]
    assert declared == set(FUNCTIONAL)


@pytest.mark.parametrize("layer", LAYERS)
def test_shape_weights_and_macs_are_those_of_torch(layer: str) -> None:
    compared = 0

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(uses(layer))
    def check(use: tuple[str, tuple[int, ...]]) -> None:
        nonlocal compared
        program = elaborated(*use)
        if program is None:
            return
        net = build(program, without=frozenset({"drop_identity"})).eval()
        x = torch.linspace(-1, 1, torch.Size(use[1]).numel()).view(1, *use[1]).repeat(2, *[1] * len(use[1]))
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            found = net(x)
        tensors = found if isinstance(found, tuple) else (found,)
        for y, (_, value) in zip(tensors, program.graph.outputs, strict=True):
            assert tuple(y.shape[1:]) == program.graph.types[value].axes
            assert torch.isfinite(y).all()
        nodes = [n for n in flatten(program.graph).nodes if isinstance(n, LayerNode)]
        declared = [tuple(w.shape) for n in nodes for w in n.weights if not w.is_buffer]
        assert [tuple(p.shape) for p in net.parameters()] == declared
        buffers = [tuple(w.shape) for n in nodes for w in n.weights if w.is_buffer]
        assert [tuple(b.shape) for b in net.buffers() if b.dim()] == buffers
        assert counter.get_total_flops() == 2 * 2 * sum(n.macs for n in nodes)
        compared += 1

    check()
    assert compared >= 5, f"only {compared} drawn uses of `{layer}` were legal"


def test_linear_layers_are_modules_that_others_know() -> None:
    """Quantisers and exporters look for torch's own classes."""
    program = elaborated("x -> conv(4, 3) -> batch_norm -> global_avg_pool -> linear(2)", (1, 8, 8))
    assert program is not None
    kinds = {type(m) for m in build(program).modules()}
    assert {nn.Conv2d, nn.BatchNorm2d, nn.Linear} <= kinds
