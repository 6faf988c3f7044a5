"""Networks of the literature without decisions have the parameters that their users count."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from originals import library, program, reference

from nascompile.backends.pytorch import build
from nascompile.config.constants import argument_value
from nascompile.profile.cost import cost_of
from nascompile.source import Source
from nascompile.syntax.parser import parse_expression

# Table 3 of MixSearch (arXiv 2102.13280), one class, as its baselines' classes count; DARTS' supernet, whose 224
# architecture parameters its authors count too; nnU-Net's large residual encoder has "102 M".
COUNTS = [
    ("unets", "unet", (3, 64, 64), {}, 34_527_041),
    ("unets", "unet_plus_plus", (3, 64, 64), {}, 36_629_633),
    ("unets", "attention_unet", (3, 64, 64), {}, 34_878_093),
    ("unets", "r2u_net", (3, 64, 64), {}, 39_091_393),
    ("unets", "multires_unet", (3, 64, 64), {}, 34_835_473),
    ("unets", "residual_encoder", (1, 64, 64, 64), {}, 102_348_226),
    ("darts", "cifar", (3, 32, 32), {}, 1_930_842 - 224),
]


@pytest.mark.parametrize(("text", "space", "size", "arguments", "expected"), COUNTS, ids=lambda v: str(v))
def test_parameters(text: str, space: str, size: tuple[int, ...], arguments: dict[str, Any], expected: int) -> None:
    assert cost_of(program(text, space, size, **arguments)).registered == expected


def as_written(name: str, text: str) -> Any:
    """An operator-valued argument of `unet`."""
    parameter = next(p for p in library("unet").spaces["unet"].parameters if p.name == name)
    return argument_value(parse_expression(Source(name, text)), parameter, library("unet"))


U_NETS = {
    "UNET({'nclass': 2, 'in_channels': 1, 'aux': False})": ("unet", {"classes": 2}, (1, 64, 64)),
    "UNET({'nclass': 21, 'in_channels': 3, 'aux': True})": ("unet_aux", {"classes": 21}, (3, 64, 64)),
}


@pytest.mark.parametrize("key", U_NETS)
def test_nas_unets_baseline(key: str) -> None:
    space, arguments, size = U_NETS[key]
    case = reference("nasunet_baselines")["cases"][key]
    if space == "unet":
        arguments = {**arguments, "norm": as_written("norm", "identity"), "up": as_written("up", "learn")}
    net = program("unets", space, size, **arguments)
    assert cost_of(net).registered == case["params"]
    with torch.no_grad():
        found = build(net).eval()(torch.zeros(1, *size))
    found = found if isinstance(found, tuple) else (found,)
    assert [list(y.shape) for y in found] == case["out"]


WDAN = reference("wdan_profile")["baselines(64x64)"]
SHIPPED = {
    "U_Net(3, 1)": "unet",
    "NestedUNet(3, 1, False)": "unet_plus_plus",
    "NestedUNet(3, 1, True)": "unet_plus_plus",
    "MultiResUnet(3, 1, 1.67)": "multires_unet",
    "AttU_Net_v1(3, 1)": "attention_unet",
    "R2U_Net(3, 1)": "r2u_net",
}


@pytest.mark.parametrize("key", SHIPPED)
def test_mixsearchs_baselines(key: str) -> None:
    deep = {"deep": True} if "True" in key else {}
    net = program("unets", SHIPPED[key], (3, 64, 64), **deep)
    assert cost_of(net).registered == WDAN[key]["params"]
    assert [[1, *net.graph.types[value].axes] for _, value in net.graph.outputs] == WDAN[key]["out"]
