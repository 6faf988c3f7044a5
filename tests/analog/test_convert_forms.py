"""Layers on tiles beside the digital ones: outputs, gradients, tiles, and aihwkit's own array of tiles."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nascompile.analog.device import Device, load_device, with_bits
from nascompile.backends.pytorch import build
from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.ir.program import Program

aihwkit = pytest.importorskip("aihwkit", reason="make analog installs it")
from nascompile.backends.analog import config, cpp, grid, selftest  # noqa: E402
from nascompile.backends.analog.columns import Columns  # noqa: E402
from nascompile.backends.analog.layers import AnalogLayer  # noqa: E402
from nascompile.backends.analog.network import AnalogNetwork, analog  # noqa: E402

# (a layer's text, the input): one of every form, with strides, dilations, odd sizes, groups.
LAYERS = {
    "linear": ("global_avg_pool(x) -> linear(11, bias = true)", "[20, 4, 4]"),
    "pointwise": ("x -> conv(11, 1, bias = true)", "[20, 5, 6]"),
    "pointwise-strided": ("x -> conv(11, 1, stride = 2)", "[20, 5, 6]"),
    "conv-1d": ("x -> conv(6, 5, stride = 2, dilation = 2, bias = true)", "[4, 23]"),
    "conv-2d": ("x -> conv(9, 3, stride = 2, dilation = 2, bias = true)", "[5, 11, 14]"),
    "conv-2d-uneven": ("x -> conv(9, [3, 1], stride = [1, 2], padding = [2, 0])", "[5, 8, 9]"),
    "conv-3d": ("x -> conv(7, 3, stride = 2, bias = true)", "[3, 7, 8, 9]"),
    "transposed-1d": ("x -> conv_transpose(5, 4, stride = 3, padding = 1, output_padding = 2)", "[6, 9]"),
    "transposed-2d": (
        "x -> conv_transpose(5, 3, stride = 2, dilation = 2, padding = 1, output_padding = 1, bias = true)", "[6, 5, 4]"
    ),
    "transposed-3d": ("x -> conv_transpose(4, 2, stride = 2, bias = true)", "[6, 3, 4, 5]"),
    "grouped": ("x -> conv(6, 3, groups = 3, bias = true)", "[9, 7, 8]"),
    "grouped-3d": ("x -> conv(8, 3, stride = 2, groups = 2)", "[4, 6, 6, 6]"),
    "depthwise": ("x -> conv(10, 3, groups = 10)", "[10, 9, 9]"),
    "transposed-grouped": ("x -> conv_transpose(6, 3, stride = 2, groups = 3)", "[9, 4, 5]"),
    "transposed-depthwise": ("x -> conv_transpose(4, 3, stride = 2, padding = 1, groups = 4)", "[4, 4, 4, 3]"),
}  # fmt: skip


def device(name: str = "ideal", side: int = 16, **changes: Any) -> Device:
    return dataclasses.replace(load_device(name), tile=(side, side), **changes)


def written(body: str, input_: str) -> Program:
    text = Compilation.from_text(f"nas 1\nimport std.layers\nspace net(x: image = {input_}) {{\n{body}\n}}\n", "n.nas")
    return text.program(text.call("net"), binding={}, is_fixed=True)


def image(program: Program, batch: int = 2, seed: int = 1) -> Tensor:
    sizes = [int(axis) for axis in program.input.axes]  # type: ignore[arg-type]
    return torch.randn(batch, *sizes, generator=torch.Generator().manual_seed(seed))


def pair(name: str, on: Device, **options: Any) -> tuple[Any, AnalogNetwork, Tensor]:
    """A digital network of one layer, the analog one, and an input."""
    program = written(*LAYERS[name])
    network = build(program)
    for parameter in network.parameters():  # biases too
        parameter.data.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
    return network, analog(network, program, on, **options), image(program)


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("side", [4, 16, 256])
@pytest.mark.parametrize("name", LAYERS)
def test_ideal_tiles_are_the_digital_layer(name: str, side: int) -> None:
    network, on_tiles, x = pair(name, device(side=side))
    (placement,) = on_tiles.placements
    (layer,) = on_tiles.layers()
    assert isinstance(layer, AnalogLayer) and placement.is_analog
    with torch.no_grad():
        expected = network.eval()(x)
        assert relative(on_tiles.eval()(x), expected) < 1e-6
        on_tiles.program(0)
        assert relative(on_tiles(x), expected) < 1e-6
    sizes = [
        tuple(tile.T.shape)
        for b, w in zip(layer.blocks, layer.load(), strict=True)
        for tile in grid.tiles_of(w.weights, b)
    ]
    assert sorted(sizes) == sorted(placement.tiles)


@pytest.mark.parametrize("side", [16, 256])
@pytest.mark.parametrize("name", LAYERS)
def test_fine_converters_are_nearly_digital(name: str, side: int) -> None:
    """Every column is scaled by its own largest value, on each tile, whatever the form."""
    network, on_tiles, x = pair(name, with_bits(device("pcm", side, output_noise=0.0, out_bound=300.0), 22))
    with torch.no_grad():
        assert relative(on_tiles.eval()(100 * x), network.eval()(100 * x)) < 1e-4
    (layer,) = on_tiles.layers()
    columns = (
        Columns(x, getattr(layer, "geometry", None)) if x.dim() > 2 and name[0] in "pcgd" else Columns(x.flatten(1))
    )
    parts = [slice(b.rows.start + r.start, b.rows.start + r.stop) for b in layer.blocks for _, r in b.parts()]
    everything = torch.empty(columns.windows.shape[0] * columns.points, columns.windows[0].numel() // columns.points)
    (piece,) = columns.pieces(1, 10**9)
    columns.fill(piece, slice(0, len(everything)), None, everything)
    for rows, largest in zip(parts, columns.largest(parts), strict=True):
        if rows.stop <= len(everything):
            assert torch.equal(largest.flatten(), everything[rows].abs().amax(0))


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_the_digital_layer(name: str) -> None:
    network, on_tiles, x = pair(name, device())
    gradients = []
    for module in (network.train(), on_tiles.train()):
        given = x.clone().requires_grad_()
        (module(given) * torch.linspace(-1, 1, module(given).numel()).view_as(module(given))).sum().backward()
        gradients.append([given.grad, *(p.grad for p in module.parameters())])
    for found, expected in zip(gradients[1], gradients[0], strict=True):
        assert relative(found, expected) < 1e-5


@pytest.mark.parametrize("name", ["linear", "pointwise", "conv-2d", "conv-3d", "transposed-2d"])
def test_products_are_those_of_aihwkits_arrays(name: str) -> None:
    """Converters and bounds, no noise: the arrays of tiles that aihwkit itself would make of the matrix."""
    on = device("pcm", output_noise=0.0, out_bound=2.0, compensation="none")
    _, on_tiles, _ = pair(name, on)
    (layer,) = on_tiles.layers()
    (block,) = layer.blocks
    rpu = config.rpu_config(on)
    matrix = layer.matrices(layer.weight.detach())[0]
    array = rpu.tile_array_class(matrix.shape[0], matrix.shape[1], rpu, bias=False)
    array.set_weights(matrix)
    assert tuple(array.in_sizes) == block.row_parts and tuple(array.out_sizes) == block.column_parts
    rows = torch.randn(50, matrix.shape[1], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = array.eval()(rows)
        found = layer.eval().product(Columns(rows), layer.load())
    assert relative(found, expected) < 1e-6
    assert relative(rows @ matrix.T, expected) > 1e-3


def test_a_tile_of_noise_is_as_noisy_as_aihwkits() -> None:
    on = device("pcm", side=64, compensation="none")
    _, on_tiles, _ = pair("linear", on)
    (layer,) = on_tiles.layers()
    rpu = config.rpu_config(on)
    matrix = layer.matrices(layer.weight.detach())[0]
    array = rpu.tile_array_class(matrix.shape[0], matrix.shape[1], rpu, bias=False)
    array.set_weights(matrix)
    rows = torch.randn(1, matrix.shape[1], generator=torch.Generator().manual_seed(0)).expand(20000, -1)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = array.eval()(rows)
        ours = layer.eval().product(Columns(rows), layer.load())
    assert torch.allclose(ours.std(0), theirs.std(0), rtol=0.03)
    assert torch.allclose(ours.mean(0), theirs.mean(0), atol=0.05 * float(theirs.std(0).max()))


def test_weight_noise_of_every_product() -> None:
    on = device("pcm", output_noise=0.0, dac_bits=None, adc_bits=None, weight_noise=0.1, compensation="none")
    _, on_tiles, _ = pair("linear", on)
    (layer,) = on_tiles.layers()
    row = torch.randn(1, 20, generator=torch.Generator().manual_seed(0))
    (held,) = layer.load()
    with torch.no_grad():
        noise = layer.eval().product(Columns(row.expand(20000, -1)), [held]) - layer.digital(row, layer.weight)
    parts = [float(part.norm()) for part in row[0].split(list(layer.blocks[0].row_parts))]
    expected = sum((0.1 * length * scale) ** 2 for length, scale in zip(parts, held.scales, strict=True)) ** 0.5
    assert torch.allclose(noise.std(0), expected, rtol=0.03)


class Twice(nn.Module):
    """One convolution under two names, as the originals register theirs."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.conv = network.get_submodule("conv")
        self.again = nn.ModuleList([self.conv])

    def forward(self, x: Tensor) -> Tensor:
        return self.again[0](self.conv(x))


def test_a_module_of_two_names_is_converted_once() -> None:
    program = written("x -> conv(4, 3)", "[4, 8, 8]")
    network = Twice(build(program))
    on_tiles = analog(network, program, device())
    assert len(on_tiles.layers()) == 1 and len(list(on_tiles.parameters())) == 1
    assert on_tiles.network.again[0] is on_tiles.network.conv
    x = image(program)
    with torch.no_grad():
        assert relative(on_tiles.eval()(x), network(x)) < 1e-6
    assert isinstance(network.conv, nn.Conv2d), "the digital network is left alone"


def test_what_stays_digital_stays_as_it_is() -> None:
    program = written("x -> conv(4, 3, groups = 4) -> batch_norm -> relu -> conv(4, 1)", "[4, 8, 8]")
    network = build(program)
    on_tiles = analog(network, program, device(side=256, least_utilisation=0.001))
    first, second = on_tiles.placements
    assert not first.is_analog and "0.05%" in first.reason and not second.is_analog
    assert not on_tiles.layers()
    x = image(program)
    with torch.no_grad():
        assert torch.equal(on_tiles.eval()(x), network.eval()(x))


def test_deep_copies_are_independent() -> None:
    _, on_tiles, x = pair("conv-2d", device("pcm"))
    on_tiles.program(0)
    other = copy.deepcopy(on_tiles)
    with torch.no_grad():
        assert torch.equal(other(x), on_tiles(x))
        other.program(1)
        on_tiles.program(0)
        assert not torch.equal(other(x), on_tiles(x))


def test_layers_that_have_no_form_are_named() -> None:
    """A module that somebody put in the place of a layer's own."""
    program = written("x -> conv(4, 3) -> relu", "[4, 8, 8]")
    network = build(program)
    network.set_submodule("conv", nn.LazyConv2d(4, 3))
    with pytest.raises(NasError) as error:
        analog(network, program, device())
    (found,) = error.value.diagnostics
    assert found.code == "unknown-layer" and "LazyConv2d" in found.message
    network.set_submodule("conv", nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect", bias=False))
    with pytest.raises(NasError, match="pads with other than zeros"):
        analog(network, program, device())


@pytest.mark.parametrize("name", ["linear", "conv-2d", "grouped", "transposed-2d"])
def test_tiles_of_the_library(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes to aihwkit's tiles and comes back: with its torch tiles, where its C++ tiles fail the self-test."""
    works = selftest.tile_backends()["cpp"] == ""
    if not works:
        monkeypatch.setattr(cpp, "rpu_config", lambda on, tiles: config.rpu_config(on))
    _, on_tiles, x = pair(name, device("pcm", output_noise=0.0, compensation="none"))
    (layer,) = on_tiles.layers()
    on_tiles.program(0)
    with torch.no_grad():
        ours = on_tiles(x)
        layer.cpp = cpp.CppTiles(layer.blocks, on_tiles.device)
        theirs = on_tiles(x)
        assert relative(theirs, ours) < (1e-6 if not works else 0.02)
        on_tiles.drift(2592000.0, 0)
        drifted = on_tiles(x)
        layer.cpp = None
        assert relative(drifted, on_tiles(x)) < (1e-6 if not works else 0.02) < 0.05 < relative(drifted, ours)
