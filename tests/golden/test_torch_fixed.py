"""NAS-Unet's fixed networks compute what the original's networks compute."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
import torch
from originals import cell_values, library, reference
from torch_rules import image, matches, set_weights

from nascompile.backends.pytorch import Network, build
from nascompile.semantics.elaborate import Request, elaborate

CASES = reference("nasunet_fixed")["cases"]
SIZES = reference("nasunet_fixed")["square_input_size_to_output_size (c=16,depth=3,float32)"]


def network(genotype: str, input_: tuple[int, ...], **arguments: Any) -> Network:
    published = reference("nasunet_genotypes")["genotypes"][genotype]
    values = cell_values("down_sc", published["down"]) | cell_values("up_sc", published["up"])
    arguments["nodes"] = len(published["down"]) // 2
    return build(elaborate(library("nas_unet"), Request("nas_unet", arguments, input_, values, True)))


@lru_cache(maxsize=1)
def published(key: str) -> Network:
    case = CASES[key]
    arguments = {"classes": case["nclass"], "c": case["c"], "depth": case["depth"], "aux": case["aux"]}
    arguments["double"] = case["double_down_channel"]
    return network(key.split("/")[0], tuple(case["input"][1:]), **arguments).double().eval()


@pytest.mark.parametrize("rule", ["sin", "hash"])
@pytest.mark.parametrize("key", CASES)
def test_outputs(key: str, rule: str) -> None:
    net, case = published(key), CASES[key]
    set_weights(net, rule)
    with torch.no_grad():
        found = net(image(case["input"], rule))
    found = found if isinstance(found, tuple) else (found,)
    assert [list(y.shape) for y in found] == case["out_shapes"]
    for y, expected in zip(found, case["check"][rule], strict=True):
        matches(y, expected)


@pytest.mark.parametrize("key", CASES)
def test_no_dead_weights(key: str) -> None:
    assert sum(p.numel() for p in published(key).parameters()) == CASES[key]["params_used"]


@pytest.mark.parametrize("genotype", SIZES)
def test_sizes(genotype: str) -> None:
    """Every side from 16 to 100 that the original serves is legal; resizes are compiled in where a side is odd."""
    with torch.no_grad():
        for side, expected in SIZES[genotype].items():
            input_ = (1, int(side), int(side))
            net = network(genotype, input_, c=16, depth=3).eval()
            assert list(net(torch.zeros(1, *input_)).shape[2:]) == expected


def test_one_network_for_all_sizes_that_halve_evenly() -> None:
    net = network("NAS_UNET_NEW_V2", (1, 64, 64), c=16, depth=3).eval()
    with torch.no_grad():
        for side in (16, 32, 48, 96):
            assert net(torch.zeros(2, 1, side, side + 16)).shape == (2, 2, side, side + 16)
