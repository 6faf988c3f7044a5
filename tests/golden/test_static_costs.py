"""Parameters and multiply-accumulates from the text alone equal what the originals' modules count, case by case."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from originals import dints_values, library, program, reference

from nascompile.config.constants import space_call
from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.profile.cost import Cost, cost_of
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

NASUNET = reference("nasunet_fixed")["cases"]
NASUNET_SUPERNETS = reference("nasunet_supernet")["cases"]
WDAN = {**reference("wdan_fixed_key")["cases"], **reference("wdan_fixed_all")["cases"]}
WDAN_SUPERNETS = {
    key: case
    for key, case in reference("wdan_supernet")["cases"].items()
    if case["class"] in ("UnetLayer7", "UnetLayer9_v2") and "pruned" not in key
}
DINTS = reference("dints_params")
LUNG = reference("naslung_models")["entries"]
ANALOG = [("analog_nas", entry) for entry in reference("analognas_archs")["entries"]]
SEGNET = [("nas_segnet", entry) for entry in reference("analognas_segnet")["networks"]]


def published(text: str, name: str, input_: tuple[int, ...], **arguments: Any) -> Program:
    """The retrained network of a shipped genotype, its space's arguments completed by `arguments`."""
    known = library(f"genotypes/{text}")
    declaration = known.genotypes[name]
    call = space_call(declaration.space, known)
    given = {**call.arguments, **arguments}
    opened = SearchSpace(elaborate(known, Request(call.name, given, input_)), given)
    genotype = Genotype.from_declaration(declaration, opened)
    return elaborate(known, Request(call.name, given, input_, genotype.values, True))


def fixed(spec: str, space: str, values: dict[str, Any], input_: tuple[int, ...], **arguments: Any) -> Program:
    """The retrained network of given values, which are checked against the space first."""
    genotype = SearchSpace(program(spec, space, input_, **arguments), arguments).complete(values)
    return elaborate(library(spec), Request(space, arguments, input_, genotype.values, True))


@pytest.mark.parametrize("key", NASUNET)
def test_nas_unet(key: str) -> None:
    case = NASUNET[key]
    net = published(
        "nas_unet",
        key.split("/")[0],
        tuple(case["input"][1:]),
        classes=case["nclass"],
        c=case["c"],
        depth=case["depth"],
        double=case["double_down_channel"],
        aux=case["aux"],
    )
    cost = cost_of(net)
    assert (cost.registered, cost.live, cost.macs) == (case["params"], case["params_used"], case["macs_total"])


@pytest.mark.parametrize("key", NASUNET_SUPERNETS)
def test_nas_unet_supernet(key: str) -> None:
    case = NASUNET_SUPERNETS[key]
    net = program(
        "nas_unet",
        "nas_unet",
        tuple(case["input"][1:]),
        classes=case["num_classes"],
        c=case["c"],
        depth=case["depth"],
        nodes=case["meta_node_num"],
        double=case["double_down_channel"],
        share=case["use_sharing"],
    )
    cost = cost_of(net)
    assert (cost.registered, cost.macs) == (case["params_weight"], case["macs_total"])


@pytest.mark.parametrize("key", WDAN)
def test_mixsearch(key: str) -> None:
    case = WDAN[key]
    net = published(
        "mixsearch",
        key.split("/")[0],
        tuple(case["input"][1:]),
        classes=case["num_classes"],
        c=case["c"],
        layers=case["layers"],
        double=case["double_down_channel"],
    )
    cost = cost_of(net)
    assert (cost.registered, cost.live, cost.macs) == (case["params"], case["params_used"], case["macs_total"])


@pytest.mark.parametrize("key", WDAN_SUPERNETS)
def test_mixsearch_supernet(key: str) -> None:
    case = WDAN_SUPERNETS[key]
    net = program(
        "mixsearch",
        "wdan",
        tuple(case["input"][1:]),
        classes=case["num_classes"],
        c=case["c"],
        layers=case["layers"],
        double=case["double_down_channel"],
    )
    cost = cost_of(net)
    assert (cost.registered, cost.macs) == (case["params_weight"], case["macs_total"])


@pytest.mark.parametrize("text", ["nas_unet", "mixsearch"])
def test_every_published_genotype_ships(text: str) -> None:
    names = {"nas_unet": "nasunet_genotypes", "mixsearch": "wdan_genotypes"}[text]
    assert set(reference(names)["genotypes"]) <= set(library(f"genotypes/{text}").genotypes)


def dints_arguments(case: dict[str, Any]) -> dict[str, Any]:
    return {
        "blocks": case["num_blocks"],
        "depths": case["num_depths"],
        "classes": case["num_classes"],
        "mul": case["channel_mul"],
        "downsample": case["use_downsample"],
    }


@pytest.mark.parametrize(
    "case",
    DINTS["instances"],
    ids=lambda c: f"{c['arch']}-{c['channel_mul']}-{c['num_classes']}-{c['in_channels']}-{c['use_downsample']}",
)
def test_dints(case: dict[str, Any]) -> None:
    arch = DINTS["archs"][case["arch"]]
    input_ = (case["in_channels"], *[32] * case["spatial_dims"])
    values = dints_values(case["num_depths"], arch["arch_code_a"], arch["arch_code_c"])
    assert cost_of(fixed("dints", "dints", values, input_, **dints_arguments(case))).registered == case["params"]


@pytest.mark.parametrize(
    "case",
    DINTS["search"],
    ids=lambda c: f"{c['spatial_dims']}d-{c['num_blocks']}x{c['num_depths']}-{c['channel_mul']}-{c['use_downsample']}",
)
def test_dints_supernet(case: dict[str, Any]) -> None:
    input_ = (case["in_channels"], *[32] * case["spatial_dims"])
    cost = cost_of(program("dints", "dints", input_, **dints_arguments(case)))
    architecture = prod(case["log_alpha_a_shape"]) + prod(case["log_alpha_c_shape"])
    assert cost.registered + architecture == cost.live + architecture == case["params"]


def test_dints_published() -> None:
    (case,) = [c for c in reference("dints_published")["nets"] if (c["channel_mul"], c["in"][2]) == (1.0, 96)][:1]
    cost = cost_of(published("dints", "cvpr2021", tuple(case["in"][1:])))
    assert cost.registered == case["params"]
    # No edge leaves the deepest stem, which the original computes all the same: two convolutions at 12^3 and 6^3.
    unused_stem = 12**3 * 256 * 27 + 6**3 * 256 * 512 * 27
    assert cost.flops + 2 * unused_stem == case["flops_2mac"]


@pytest.mark.parametrize("case", LUNG, ids=lambda c: f"{c['stem'][0]}-{c['config']}-{c['variant']}".replace(" ", ""))
def test_nas_lung(case: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    for part, widths in enumerate(case["config"]):
        values[f"n[{part}]"] = len(widths)
        values.update({f"w[{part}, {i}]": width for i, width in enumerate(widths)})
    net = fixed(
        "nas_lung",
        "nas_lung",
        values,
        (1, 32, 32, 32),
        stem=tuple(case["stem"]),
        attention="cbam" in case["variant"],
        angular=case["variant"] not in ("plain", "cbam"),
        ladder=(4, 8, 16, 32, 64, 128, 256, 512),
        longest=12,
    )
    cost = cost_of(net)
    assert cost.registered == cost.live == case["params"]
    assert cost.macs == case.get("macs_b1", cost.macs)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("model_a", 2_013_016),
        ("model_d", 158_500),
        ("model_e", 1_957_252),
        ("model_f", 2_832_140),
        ("config_5", 2_835_572),
        ("config_6", 2_882_008),
        ("config_7", 3_560_728),
        ("config_8", 30_300_184),
        ("config_9", 36_393_496),
        ("config_10", 40_091_800),
    ],
)
def test_nas_lung_published(name: str, params: int) -> None:
    net = published("nas_lung", name, (1, 32, 32, 32), attention=True, angular=True)
    assert cost_of(net).registered == params


def analog_values(config: dict[str, Any]) -> dict[str, Any]:
    values = {"out_channel0": config["out_channel0"], "m": config["M"]}
    for group in range(config["M"]):
        values[f"wide[{group}]"] = config[f"widenfact{group + 1}"]
        values[f"b[{group}]"] = config[f"B{group + 1}"]
        values[f"r[{group}]"] = config[f"R{group + 1}"]
    return values


@pytest.mark.parametrize(("space", "case"), [*ANALOG, *SEGNET], ids=lambda v: v if isinstance(v, str) else v["name"])
def test_analog_nas(space: str, case: dict[str, Any]) -> None:
    # Only the declared ranges reach five groups; the released sampler never draws them.
    sampled = case["config"]["M"] < 5
    net = fixed(space, space, analog_values(case["config"]), (3, 32, 32), sampled=sampled)
    cost = cost_of(net)
    assert cost.registered == cost.live == case["params"]
    assert cost.macs == case.get("macs_b1", cost.macs)


@pytest.mark.parametrize(
    ("name", "params"),
    [("tutorial_best", 741_324), ("segnet_best_config", 862_838), ("segnet_best_config_hc", 1_283_982)],
)
def test_analog_nas_published(name: str, params: int) -> None:
    assert cost_of(published("analog_nas", name, (3, 32, 32))).registered == params


def test_edge_that_is_kept_needs_an_operator() -> None:
    binding = {"kept[0]": ["edge[0, 0, 0]"]}
    with pytest.raises(NasError, match=r"missing-decision.*`edge\[0, 0, 0\]`") as failure:
        elaborate(library("dints"), Request("dints", {"blocks": 1, "depths": 2}, (1, 16, 16), binding, True))
    assert len(failure.value.diagnostics) == 1


def test_flops_are_two_a_multiply_accumulate() -> None:
    assert Cost(1, 1, 21, 1).flops == 42
