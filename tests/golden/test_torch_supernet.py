"""NAS-Unet's supernets and their architecture gradients are those of the original."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
import torch
from originals import program, reference
from torch_rules import TOLERANCE, hashed, image, matches, set_supernet_weights

from nascompile.backends.supernet import Supernet, build_supernet

CASES = reference("nasunet_supernet")["cases"]


def rows(nodes: int) -> dict[tuple[str, int], str]:
    """Our name of each row of the original's tensors that influences its output."""
    found = {}
    pairs = [(i, j) for i in range(nodes) for j in range(i + 2)]
    for row, (i, j) in enumerate(pairs):
        if j < 2:
            found["alphas_down", row] = f"down_sc.s[{i + 2}].s[{j}]"
        if j == 1:
            found["alphas_up", row] = f"up_sc.s[{i + 2}].s[{j}]"
        found["alphas_normal_down", row] = f"normal[{i}, {j}]"
        found["alphas_normal_up", row] = f"up_normal[{i}, {j}]"
    return found


def set_alphas(net: Supernet, case: dict[str, Any]) -> None:
    with torch.no_grad():
        for number, (tensor, (count, width)) in enumerate(case["arch"]):
            values = 2 * hashed(count * width, 1000 * number).view(count, width)
            for (name, row), ours in rows(case["meta_node_num"]).items():
                if name == tensor and ours in net.architecture.places:
                    a, b = net.architecture.places[ours]
                    net.architecture.logits[a:b] = values[row]


@lru_cache(maxsize=1)
def supernet(key: str) -> Supernet:
    case = CASES[key]
    arguments = {"classes": case["num_classes"], "c": case["c"], "depth": case["depth"]}
    arguments |= {"nodes": case["meta_node_num"], "double": case["double_down_channel"], "share": case["use_sharing"]}
    net = build_supernet(program("nas_unet", "nas_unet", tuple(case["input"][1:]), **arguments))
    return net.double().eval()


@pytest.mark.parametrize("rule", ["sin", "hash"])
@pytest.mark.parametrize("key", CASES)
def test_outputs_and_gradients(key: str, rule: str) -> None:
    net, case = supernet(key), CASES[key]
    set_supernet_weights(net, rule)
    set_alphas(net, case)
    net.zero_grad()
    found = net(image(case["input"], rule))
    expected = case[f"check_{rule}"]
    matches(found.detach(), expected["out"])
    loss = found.pow(2).mean()
    assert loss.item() == pytest.approx(expected["loss_mean_of_squares"], rel=TOLERANCE)
    loss.backward()
    gradient = net.architecture.logits.grad
    assert gradient is not None
    names = rows(case["meta_node_num"])
    for tensor, (count, width) in case["arch"]:
        full = torch.zeros(count, width, dtype=torch.double)
        for row in range(count):
            ours = names.get((tensor, row))
            if ours in net.architecture.places:
                a, b = net.architecture.places[ours]
                full[row] = gradient[a:b]
        matches(full, expected["arch_grad"][tensor])


@pytest.mark.parametrize("key", CASES)
def test_only_rows_that_matter_have_parameters(key: str) -> None:
    """The original registers a full row for every edge; ours has those that receive a gradient there."""
    net, case = supernet(key), CASES[key]
    live = 0
    for tensor, (count, width) in case["arch"]:
        live += (count - len(case["arch_rows_with_zero_grad"][tensor])) * width
    assert net.architecture.logits.numel() == live
    assert net.weights.numel() == case["params_used_incl_arch"] - case["params_arch"]
