"""The layers that the originals register and call, and their multiply-accumulates, kind by kind, without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from originals import cell_values, dints_values, library, program, reference, registered
from test_static_costs import dints_arguments

from nascompile.ir.program import Graph, LayerNode, Program
from nascompile.passes.flatten import flatten
from nascompile.passes.prune_dead import prune_dead
from nascompile.profile.cost import cost_of
from nascompile.semantics.elaborate import Request, elaborate

KINDS = {
    "AdaptiveAvgPool": "global_avg_pool",
    "AvgPool": "avg_pool",
    "BatchNorm": "batch_norm",
    "Conv": "conv",
    "ConvTranspose": "conv_transpose",
    "GroupNorm": "group_norm",
    "InstanceNorm": "instance_norm",
    "Linear": "linear",
    "MaxPool": "max_pool",
    "ReLU": "relu",
    "Sigmoid": "sigmoid",
    "Upsample": "interpolate",
}
WITH_WEIGHTS = ("BatchNorm", "Conv", "ConvTranspose", "GroupNorm", "InstanceNorm", "Linear")
"""Activations are registered with every block there, run or not."""


def kind(module: str) -> str:
    """`Conv` of `Conv2d`."""
    return module.removesuffix("2d").removesuffix("3d")


def layers(graph: Graph) -> list[LayerNode]:
    return [node for node in flatten(graph).nodes if isinstance(node, LayerNode)]


def check(net: Program, case: Mapping[str, Any]) -> None:
    """Assert the recorded counts of what is registered, what runs, and its multiply-accumulates."""
    counts = Counter(node.layer for node in layers(net.graph))
    for module, count in case["leaf_modules"].items():
        if kind(module) in WITH_WEIGHTS:
            assert counts[KINDS[kind(module)]] == count, module
    live = layers(prune_dead(flatten(net.graph)))
    calls = Counter(node.layer for node in live)
    for module, count in case.get("calls", {}).items():
        assert calls[KINDS[kind(module)]] == count, module
    for module, count in case["macs"].items():
        assert sum(node.macs for node in live if node.layer == KINDS[kind(module)]) == count, module
    assert cost_of(net).flops == case["flops_FlopCounterMode"] == 2 * case["macs_total"]


# --- NAS-Unet ---

FIXED = reference("nasunet_fixed")["cases"]
SUPERNETS = reference("nasunet_supernet")["cases"]


def fixed_unet(key: str, side: int | None = None) -> Program:
    case = FIXED[key]
    published = reference("nasunet_genotypes")["genotypes"][key.split("/")[0]]
    values = cell_values("down_sc", published["down"]) | cell_values("up_sc", published["up"])
    arguments = {"classes": case["nclass"], "c": case["c"], "depth": case["depth"], "aux": case["aux"]}
    arguments |= {"double": case["double_down_channel"], "nodes": case["multiplier_down"]}
    assert case["input"][1] == case["in_channels"]
    size = tuple(case["input"][1:]) if side is None else (case["in_channels"], side, side)
    return elaborate(library("nas_unet"), Request("nas_unet", arguments, size, values, True))


@pytest.mark.parametrize("key", FIXED)
def test_nas_unet(key: str) -> None:
    case = FIXED[key]
    check(fixed_unet(key), case)
    assert sum(case["unused"].values()) == case["params"] - cost_of(fixed_unet(key)).live


@pytest.mark.parametrize("key", [key for key, case in FIXED.items() if "flops_256" in case])
def test_nas_unet_at_another_size(key: str) -> None:
    cost, recorded = cost_of(fixed_unet(key, 256)), FIXED[key]["flops_256"]
    assert (cost.macs, cost.flops) == (recorded["macs_total"], recorded["flops_FlopCounterMode"])


@pytest.mark.parametrize("key", SUPERNETS)
def test_nas_unet_supernet(key: str) -> None:
    case = SUPERNETS[key]
    arguments = {"classes": case["num_classes"], "c": case["c"], "depth": case["depth"]}
    arguments |= {
        "nodes": case["meta_node_num"],
        "double": case["double_down_channel"],
        "share": case["use_sharing"],
    }
    net = program("nas_unet", "nas_unet", tuple(case["input"][1:]), **arguments)
    check(net, case)
    assert [list(net.graph.types[value].axes) for _, value in net.graph.outputs] == [s[1:] for s in case["out_shapes"]]
    assert cost_of(net).registered + case["params_arch"] == case["params_total"]
    assert sum(case["unused"].values()) == case["params_weight"] - cost_of(net).live


# --- MixSearch ---

LATTICES = {**reference("wdan_fixed_key")["cases"], **reference("wdan_fixed_all")["cases"]}
VARIANTS = {key: case for key, case in reference("wdan_fixed_variants")["cases"].items() if "weighted:" not in key}
WDAN_SUPERNETS = reference("wdan_supernet")["cases"]
BRANCHES = {
    "branch:Normal": {"down": False, "up": False},
    "branch:NormalDown": {"up": False},
    "branch:NormalUp": {"down": False},
    "full7:BuildNasUnetPrune_full7": {"split": True},
    "L7:BuildNasUnetPrune_l7": {"layers": 7, "corners": True},
}


def lattice(key: str, case: Mapping[str, Any], size: tuple[int, ...]) -> Program:
    name, _, variant = key.partition("/")
    published = reference("wdan_genotypes")["genotypes"][name]
    values: dict[str, Any] = {}
    for cell in ("normal_down", "normal_up", "normal_normal"):
        values |= cell_values(cell, published[cell])
    arguments = {"classes": 1, "c": case["c"], "double": case["double_down_channel"]} | BRANCHES.get(variant, {})
    opened = program("mixsearch", "wdan", (size[0], 64, 64), **arguments)
    kept = {path: d.candidates for path, d in opened.decisions.items() if d.decode == "all"}
    return elaborate(library("mixsearch"), Request("wdan", arguments, size, {**kept, **values}, True))


@pytest.mark.parametrize(("key", "case"), [*LATTICES.items(), *VARIANTS.items()], ids=lambda v: str(v)[:60])
def test_lattices(key: str, case: dict[str, Any]) -> None:
    net = lattice(key, case, tuple(case["input"][1:]))
    check(net, case)
    assert sum(case["unused"].values()) == case["params"] - cost_of(net).live


@pytest.mark.parametrize("key", [key for key, case in LATTICES.items() if any(k.startswith("flops_at") for k in case)])
def test_lattices_at_another_size(key: str) -> None:
    (at,) = (k for k in LATTICES[key] if k.startswith("flops_at"))
    size = tuple(map(int, at.removeprefix("flops_at_").split("x")))[1:]
    cost, recorded = cost_of(lattice(key, LATTICES[key], size)), LATTICES[key][at]
    assert (cost.macs, cost.flops) == (recorded["macs_total"], recorded["flops_FlopCounterMode"])


@pytest.mark.parametrize("key", WDAN_SUPERNETS)
def test_lattice_supernets(key: str) -> None:
    from mixsearch_rows import opened  # which needs torch

    case = WDAN_SUPERNETS[key]
    net = opened(case)
    check(net, case)
    assert [list(net.graph.types[value].axes) for _, value in net.graph.outputs] == [s[1:] for s in case["out_shapes"]]
    assert cost_of(net).registered + case["params_arch"] == case["params_total"]
    assert sum(case["unused"].values()) == case["params_weight"] - cost_of(net).live


PROFILE = reference("wdan_profile")


@pytest.mark.parametrize("size", ["3x192x256", "3x256x256"])
@pytest.mark.parametrize("role", PROFILE["nets"])
def test_published_profiles(role: str, size: str) -> None:
    net = PROFILE["nets"][role]
    case = {"c": 16, "double_down_channel": net["double"]}
    cost, recorded = cost_of(lattice(net["genotype"], case, tuple(map(int, size.split("x"))))), net[size]
    assert cost.registered == recorded["params"]
    assert (cost.macs, cost.flops) == (recorded["macs_conv_deconv_linear"], recorded["FlopCounterMode"])


@pytest.mark.parametrize("name", PROFILE["ops(c=16,8x8)"])
def test_profiled_operators(name: str) -> None:
    from test_mixsearch import operator

    cost, recorded = cost_of(operator(f"{name}/c16/affine1", (8, 8))), PROFILE["ops(c=16,8x8)"][name]
    assert (cost.registered, cost.macs, cost.flops) == (
        recorded["params"],
        recorded["macs"],
        recorded["FlopCounterMode"],
    )


OPERATORS = reference("wdan_ops")["cases"]


@pytest.mark.parametrize("key", OPERATORS)
def test_operators(key: str) -> None:
    """Also those that no output was recorded of: without affine norms."""
    from test_mixsearch import operator

    assert cost_of(operator(key, (8, 8))).registered == OPERATORS[key]["params"]


# --- DiNTS ---

GRIDS = reference("dints_params")


def grid(case: Mapping[str, Any]) -> Program:
    input_ = (case["in_channels"], *[32] * case["spatial_dims"])
    if "arch" not in case:
        return program("dints", "dints", input_, **dints_arguments(dict(case)))
    arch = GRIDS["archs"][case["arch"]]
    values = dints_values(case["num_depths"], arch["arch_code_a"], arch["arch_code_c"])
    return elaborate(library("dints"), Request("dints", dints_arguments(dict(case)), input_, values, True))


@pytest.mark.parametrize("number", range(len(GRIDS["instances"]) + len(GRIDS["search"])))
def test_grids(number: int) -> None:
    """Weights of the cells and of what is around them, tensors, and the layers that have weights."""
    case = [*GRIDS["instances"], *GRIDS["search"]][number]
    found = registered(grid(case).graph)
    count = {node.path: sum(_size(w.shape) for w in node.weights if not w.is_buffer) for node in found}
    cells = sum(n for path, n in count.items() if path.startswith("edge["))
    assert (cells, sum(count.values()) - cells) == (case["params_cells"], case["params_stem"])
    tensors = sum(not w.is_buffer for node in found for w in node.weights)
    assert tensors + (0 if "arch" in case else 2) == case["tensors"]  # and the two of architecture parameters
    kinds = Counter(node.layer for node in found)
    for module, number_ in case.get("module_types", {}).items():
        if kind(module) in WITH_WEIGHTS:
            assert kinds[KINDS[kind(module)]] == number_, module


def _size(shape: tuple[Any, ...]) -> int:
    total = 1
    for n in shape:
        total *= int(n)
    return total


def test_weights_of_a_grid() -> None:
    """Every tensor of a network has the shape of one in the original's state, and none is left."""
    example = GRIDS["state_dict_example"]
    depths, blocks, rank = (int(part.strip("dbs")) for part in example["arch"].split("_")[:3])
    case = {"num_depths": depths, "num_blocks": blocks, "spatial_dims": rank, "in_channels": 1, "use_downsample": True}
    case |= {key: example[key] for key in ("arch", "channel_mul", "num_classes")}
    ours = sorted(tuple(w.shape) for node in registered(grid(case).graph) for w in node.weights if not w.is_buffer)
    assert ours == sorted(tuple(shape) for shape in example["keys"].values())
