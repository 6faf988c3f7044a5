"""Which layers go on which tiles: names, forms and sizes, beside torch's modules and aihwkit's splits."""

from __future__ import annotations

import dataclasses
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nascompile.analog.device import Device, load_device
from nascompile.analog.mapping import Placement, mapping_of, packed_groups, split_sizes
from nascompile.analog.module_names import TAKEN, module_name
from nascompile.backends.pytorch import build
from nascompile.backends.weights import torch_name
from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.resources import resource

GOLDEN = Path(__file__).parents[1] / "golden" / "analognas_aihwkit.json"
PUBLISHED = [("analog_nas", "segnet_best_config"), ("dints", "cvpr2021"), ("mixsearch", "layer9_deep"),
             ("nas_lung", "model_d"), ("nas_unet", "NASUNET")]  # fmt: skip


@pytest.fixture(scope="module")
def pcm() -> Device:
    return load_device("pcm")


@lru_cache
def published(spec: str, name: str) -> Program:
    text = Compilation.from_path(resource(f"specs/genotypes/{spec}.nas"))
    return text.network(text.genotype(name))


def written(body: str, input_: str = "[4, 16, 16]", extra: str = "") -> Program:
    text = Compilation.from_text(
        f"nas 1\nimport std.layers\n{extra}space net(x: image = {input_}) {{\n{body}\n}}\n", "net.nas"
    )
    return text.program(text.call("net"), binding={}, is_fixed=True)


def only(program: Program, device: Device) -> Placement:
    (placement,) = mapping_of(program, device)
    return placement


def modules(program: Program) -> dict[str, Any]:
    """Torch's modules that multiply by a matrix of weights, by name."""
    with torch.device("meta"):
        network = build(program)
    kinds = (nn.Linear, nn.modules.conv._ConvNd)
    return {name: m for name, m in network.named_modules() if isinstance(m, kinds) or hasattr(m, "margin")}


@pytest.mark.parametrize(("spec", "name"), PUBLISHED)
def test_placements_are_torchs_modules_and_hold_their_weights(spec: str, name: str, pcm: Device) -> None:
    program = published(spec, name)
    placements = {p.path: p for p in mapping_of(program, pcm)}
    found = {path: m for path, m in modules(program).items() if m.weight.numel()}
    assert set(placements) == set(found)
    for path, p in placements.items():
        if p.is_analog:
            assert p.weights == found[path].weight.numel(), path
            assert p.macs == p.weights * p.uses, path
            assert sum(r * c for r, c in p.tiles) >= p.weights
            assert all(r <= 256 and c <= 256 for r, c in p.tiles)


@pytest.mark.parametrize(("spec", "name"), PUBLISHED)
def test_all_convolutions_and_linear_layers_are_on_tiles(spec: str, name: str, pcm: Device) -> None:
    digital = [p for p in mapping_of(published(spec, name), pcm) if not p.is_analog]
    assert {p.layer for p in digital} <= {"angular_linear"}
    assert all("normalises its weights" in p.reason for p in digital)


def test_the_segmentation_net_needs_62_tiles(pcm: Device) -> None:
    """aihwkit itself made 63 of it: one of them for a copy that is never run (`reference`, section 3)."""
    placements = mapping_of(published("analog_nas", "segnet_best_config"), pcm)
    assert (len(placements), sum(len(p.tiles) for p in placements)) == (31, 62)


def test_matrices_are_split_as_aihwkit_splits_them() -> None:
    cases = json.loads(GOLDEN.read_text(encoding="utf-8"))["tile_split_sizes"]
    assert len(cases) >= 5
    for case in cases:
        assert list(split_sizes(case["size"], case["max"])) == case["split"]


def test_a_large_matrix_is_several_tiles(pcm: Device) -> None:
    p = only(written("x -> conv(300, 3)", "[96, 8, 8]"), pcm)
    assert (p.form, p.inputs, p.outputs, p.uses) == ("matrix", 864, 300, 64)
    assert p.tiles == tuple((216, 150) for _ in range(8))
    assert p.utilisation == pytest.approx(864 * 300 / (8 * 65536))
    assert p.sums == 3 * 300


@pytest.mark.parametrize(
    ("body", "input_", "form", "matrix", "uses"),
    [
        ("x -> conv(8, 3, stride = 2)", "[4, 16, 16]", "matrix", (36, 8), 64),
        ("x -> conv(8, 3)", "[4, 16]", "unfold", (12, 8), 16),
        ("x -> conv(8, [3, 1, 1])", "[4, 4, 4, 4]", "unfold", (12, 8), 64),
        ("x -> conv_transpose(8, 2, stride = 2)", "[4, 16, 16]", "overlap_add", (4, 32), 256),
        ("x -> conv_transpose(8, 3, stride = 2)", "[4, 4, 4, 4]", "overlap_add", (4, 216), 64),
        ("x -> flatten -> linear(5)", "[4, 3, 3]", "matrix", (36, 5), 1),
    ],
)
def test_forms(body: str, input_: str, form: str, matrix: tuple[int, int], uses: int, pcm: Device) -> None:
    p = only(written(body, input_), pcm)
    assert (p.form, (p.inputs, p.outputs), p.uses, p.tiles) == (form, matrix, uses, (matrix,))


def test_depthwise_groups_share_tiles(pcm: Device) -> None:
    p = only(written("x -> conv(64, 3, groups = 64)", "[64, 8, 8]"), pcm)
    assert (p.form, p.inputs, p.outputs, p.packs) == ("block_diagonal", 9, 1, (22, 21, 21))
    assert p.tiles == ((198, 22), (189, 21), (189, 21))
    assert p.utilisation == pytest.approx(64 * 9 / (3 * 65536))
    assert (p.weights, p.sums, p.uses) == (576, 0, 64)


def test_grouped_transposed_convolutions_are_block_diagonal_too(pcm: Device) -> None:
    p = only(written("x -> conv_transpose(16, 3, groups = 4)", "[8, 4, 4]"), pcm)
    assert (p.layer, p.form, p.inputs, p.outputs) == ("conv_transpose", "block_diagonal", 2, 36)
    assert p.packs == (4,) and p.tiles == ((8, 144),)


def test_groups_larger_than_a_tile_are_split(pcm: Device) -> None:
    p = only(written("x -> conv(8, 3, groups = 2)", "[80, 4, 4]"), pcm)
    assert p.packs == (1, 1) and p.tiles == ((180, 4),) * 4
    assert p.sums == 8
    assert packed_groups(2, 360, 4, (256, 256)) == (1, 1)


def test_a_layer_that_runs_twice_is_mapped_once(pcm: Device) -> None:
    p = only(written("module m = conv(4, 3)\ns[0] = x -> m\ns[0] -> m"), pcm)
    once = only(written("x -> conv(4, 3)"), pcm)
    assert (p.uses, p.macs) == (2 * once.uses, 2 * once.macs)
    assert p.tiles == once.tiles and p.weights == once.weights


def test_a_device_may_refuse_tiles_that_are_nearly_empty(pcm: Device) -> None:
    program = written("x -> conv(64, 3, groups = 64) -> conv(200, 1)", "[64, 8, 8]")
    depthwise, pointwise = mapping_of(program, dataclasses.replace(pcm, least_utilisation=0.05))
    assert (depthwise.form, depthwise.tiles, depthwise.macs) == ("digital", (), 9 * 64 * 64)
    assert "0.29%" in depthwise.reason and "5.00%" in depthwise.reason
    assert pointwise.form == "matrix"


def test_smaller_tiles_are_more(pcm: Device) -> None:
    small = dataclasses.replace(pcm, tile=(64, 32))
    p = only(written("x -> conv(40, 3)", "[8, 4, 4]"), small)
    assert p.tiles == ((36, 20),) * 4


@pytest.mark.parametrize(
    "body", ["y = x -> pick one of o(4)\n  y -> relu", "c = pick one of [4, 8]\n  x -> conv(c, 3)"]
)
def test_a_space_of_many_networks_is_refused(body: str, pcm: Device) -> None:
    text = Compilation.from_text(
        "nas 1\nimport std.layers\nops o(c) = a: conv(c, 3) | b: conv(c, 1)\n"
        f"space net(x: image = [4, 8, 8]) {{\n  {body}\n}}\n",
        "net.nas",
    )
    with pytest.raises(NasError, match="missing-genotype"):
        mapping_of(text.program(text.call("net")), pcm)


def test_layers_without_products_are_no_rows(pcm: Device) -> None:
    assert mapping_of(written("x -> relu -> batch_norm -> max_pool(2)"), pcm) == ()


def test_names_are_those_of_torch() -> None:
    words = {name for name in (*dir(nn.Module), *dir(type)) if hasattr(nn.Module, name) and not name.startswith("_")}
    assert words - TAKEN == set()
    for path in (
        "skip[2].s[0].conv",
        "half.conv",
        "a.3.b",
        "graph.code",
        "x.__",
        "eval.double.m[1,2]",
        "mro",
        "f[-2, 0].conv",
    ):
        assert module_name(path) == torch_name(path)
