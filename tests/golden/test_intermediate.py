"""Values inside fixed networks: the stems and every cell or node compute the maps that the originals' compute."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from test_layer_counts import FIXED, LATTICES, VARIANTS, fixed_unet, lattice
from torch_rules import TOLERANCE, image, set_weights

from nascompile.backends.pytorch import build
from nascompile.ir.program import Program

FEATURES = "hash_features[shape,mean,std]"


def values_by_path(net: Program) -> dict[str, int]:
    """The last value that each name of the space's own body is bound to: `skip[2]`, `f[4, 0]`."""
    found: dict[str, int] = {}
    for node in net.graph.nodes:
        name = re.match(r"\w+(\[[^\]]*\])?", node.path)
        if name and not getattr(node, "is_dead", False):
            found[name.group()] = node.outputs[0]
    return found


def check(net: Program, features: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Assert shape, mean and deviation of every recorded map."""
    places = values_by_path(net)
    outputs = tuple((name, places[names[name]]) for name in features)
    opened = build(replace(net, graph=replace(net.graph, outputs=outputs))).double().eval()
    set_weights(opened, "hash")
    with torch.no_grad():
        found = opened(image((1, *net.input.axes), "hash"))
    for y, (name, (shape, mean, deviation)) in zip(found, features.items(), strict=True):
        assert list(y.shape) == shape, name
        margin = TOLERANCE * y.abs().max().item()
        assert abs(y.mean().item() - mean) <= margin, name
        assert abs(y.std(unbiased=False).item() - deviation) <= margin, name


@pytest.mark.parametrize("key", [key for key, case in FIXED.items() if FEATURES in case["check"]])
def test_unets(key: str) -> None:
    features = FIXED[key]["check"][FEATURES]
    depth = FIXED[key]["depth"]
    names = {"stem0": "skip[0]", "stem1": "skip[1]"}
    names |= {f"down{i}": f"skip[{i + 2}]" for i in range(depth)}
    names |= {f"up{i}": f"y[{i + 1}]" for i in range(depth + 1)}
    check(fixed_unet(key), features, names)


RECORDED = {key: case for key, case in {**LATTICES, **VARIANTS}.items() if FEATURES in case["check"]}


@pytest.mark.parametrize("key", RECORDED)
def test_lattices(key: str) -> None:
    features = RECORDED[key]["check"][FEATURES]
    names = {name: "f[{}, {}]".format(*re.findall(r"\d", name)) for name in features if name.startswith("cell")}
    is_split = "full7" in key
    names |= {"stem0_f": "f[-2, 0]", "stem1_f": "f[1, 1]" if is_split else "f[0, 0]"}
    check(lattice(key, RECORDED[key], tuple(RECORDED[key]["input"][1:])), features, names)
