"""MixSearch (NAS-WDAN): operators, fixed networks, supernets, a search with mixing, and losses equal the original's."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pytest
import torch
from mixsearch_rows import Alphas, opened, supernet
from originals import cell_values, library, program, reference
from torch import Tensor
from torch_rules import TOLERANCE, hashed, image, matches, set_supernet_weights, set_weights

from nascompile.backends.pytorch import Network, build
from nascompile.data.mixing import Mixture, mix_images, mix_loss
from nascompile.ir.program import Program
from nascompile.profile.cost import cost_of
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.source import Source
from nascompile.space.decode import decode
from nascompile.space.space import SearchSpace
from nascompile.train.losses import make_loss
from nascompile.train.optimisers import make_optimiser

RULES = [pytest.param("sin", marks=pytest.mark.slow), "hash"]  # of low rank; the other rule sees more
CELLS = ("normal_down", "normal_up", "normal_normal")
BRANCHES = {
    "branch:Normal": {"down": False, "up": False},
    "branch:NormalDown": {"up": False},
    "branch:NormalUp": {"down": False},
    "full7:BuildNasUnetPrune_full7": {"split": True},
    "L7:BuildNasUnetPrune_l7": {"layers": 7, "corners": True},
}
OPERATORS = reference("wdan_ops")["cases"]
CHECKS = [
    (key, check) for key, case in OPERATORS.items() for check in case if re.fullmatch(r"(sin|hash)_\d+x\d+", check)
]
SUPERNETS = reference("wdan_supernet")["cases"]
KEY = reference("wdan_fixed_key")["cases"]
ALL = reference("wdan_fixed_all")["cases"]
# Left out: BuildNasUnet ("weighted:"), which misplaces a parenthesis and which nobody used.
UNMATCHED = re.compile(r"weighted:")
VARIANTS = {k: v for k, v in reference("wdan_fixed_variants")["cases"].items() if not UNMATCHED.search(k)}


@lru_cache
def operators() -> Library:
    """One space for each list of operators of the shipped text."""
    lines = ["nas 1", "import std.layers", "import mixsearch"]
    for kind in ("normal", "down", "up"):
        lines.append(f"space only_{kind}(x: image; c = 16) {{\n  y = x -> pick one of {kind}(c)\n  y\n}}")
    return load(Source("alone.nas", "\n".join(lines) + "\n"), resource("specs"))


def operator(key: str, size: tuple[int, int]) -> Program:
    name, channels, affine = key.split("/")
    kind = name.split("_")[0]
    kind = "down" if name in ("avg_pool", "max_pool") else kind if kind in ("down", "up") else "normal"
    c = int(channels[1:])
    return elaborate(operators(), Request(f"only_{kind}", {"c": c}, (c, *size), {"y": name}, affine == "affine1"))


@pytest.mark.parametrize(("key", "check"), CHECKS)
def test_operator(key: str, check: str) -> None:
    rule, _, size = check.partition("_")
    height, width = map(int, size.split("x"))
    alone = operator(key, (height, width))
    net = build(alone).double().eval()
    set_weights(net, rule)
    with torch.no_grad():
        matches(net(image((1, *alone.input.axes), rule)), OPERATORS[key][check])
    assert cost_of(alone).registered == OPERATORS[key]["params"]


def fixed(key: str, case: dict[str, Any]) -> Program:
    genotype, _, variant = key.partition("/")
    published = reference("wdan_genotypes")["genotypes"][genotype]
    values: dict[str, Any] = {}
    for cell in CELLS:
        values |= cell_values(cell, published[cell])
    arguments = {"classes": 1, "c": case["c"], "double": case["double_down_channel"]} | BRANCHES.get(variant, {})
    size = tuple(case["input"][1:])
    kept = decided("wdan", tuple(sorted(arguments.items())))
    return elaborate(library("mixsearch"), Request("wdan", arguments, size, values | kept, True))


@lru_cache
def decided(space: str, arguments: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """What no search decides: every fusion of the lattice is kept (`decode all`)."""
    opened = program("mixsearch", space, (3, 64, 64), **dict(arguments))
    return {path: d.candidates for path, d in opened.decisions.items() if d.decode == "all"}


@lru_cache(maxsize=1)
def network(key: str, group: str) -> tuple[Network, dict[str, Any]]:
    case = {"key": KEY, "all": ALL, "variants": VARIANTS}[group][key]
    priced = fixed(key, case)
    cost = cost_of(priced)
    expected = (case["params"], case["params_used"], case["macs_total"])
    assert (cost.registered, cost.live, cost.macs) == expected
    return build(priced).double().eval(), case


def check_fixed(key: str, group: str, rule: str) -> None:
    net, case = network(key, group)
    set_weights(net, rule)
    with torch.no_grad():
        found = net(image(case["input"], rule))
    assert [list(y.shape) for y in found] == case["out_shapes"]
    expected = case["check"][rule]
    if isinstance(expected, dict):
        matches(found[-1], expected)
        return
    for y, numbers in zip(found, expected, strict=True):
        matches(y, numbers)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("key", KEY)
def test_published_networks(key: str, rule: str) -> None:
    check_fixed(key, "key", rule)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("key", VARIANTS)
def test_variants(key: str, rule: str) -> None:
    check_fixed(key, "variants", rule)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["sin", "hash"])
@pytest.mark.parametrize("key", ALL)
def test_other_genotypes(key: str, rule: str) -> None:
    check_fixed(key, "all", rule)


SLOW = [pytest.param(k, marks=pytest.mark.slow if "_double" in k or "c32" in k else ()) for k in SUPERNETS]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("key", SLOW)
def test_supernets(key: str, rule: str) -> None:
    case = SUPERNETS[key]
    priced = cost_of(opened(case))
    used = case["params_used_incl_arch"] - case["params_arch"]
    assert (priced.registered, priced.macs) == (case["params_weight"], case["macs_total"])
    net = supernet(case)
    assert net.weights.numel() == used
    set_supernet_weights(net, rule)
    alphas = Alphas(net, dict(case["arch"]), 2.0)
    found = net(image(case["input"], rule))
    expected = case[f"check_{rule}"]
    for y, numbers in zip(found, expected["out"], strict=True):
        matches(y.detach(), numbers)
    loss = sum(y.pow(2).mean() for y in found)
    assert loss.item() == pytest.approx(expected["loss_sum_of_mean_squares"], rel=TOLERANCE)
    loss.backward()
    gradient = net.architecture.logits.grad
    assert gradient is not None
    for tensor, numbers in expected["arch_grad"].items():
        matches(alphas.full(tensor, gradient), numbers)


def batch(inputs: int, labels: int) -> tuple[Tensor, Tensor]:
    """Two images and label maps by the trace's rule."""
    x = 2 * hashed(2 * 3 * 32 * 32, inputs).view(2, 3, 32, 32)
    q = torch.arange(2 * 32 * 32) + labels
    return x, ((q * q + 3 * q) // 7 % 2).view(2, 1, 32, 32)


def test_search_trace() -> None:
    """Three steps: weights first, then architecture; both on mixed batches, the first head counted twice."""
    trace = reference("wdan_search_trace")
    case = SUPERNETS["stage0_UnetLayer7_nodouble"] | {"input": [1, 3, 32, 32]}
    net = supernet(case)
    set_supernet_weights(net, "hash")
    alphas = Alphas(net, dict(case["arch"]), 0.2)
    weights = make_optimiser("sgd", net.weight_parameters(), {"lr": 0.025, "momentum": 0.9, "weight_decay": 3e-4})
    arch = make_optimiser("adam", alphas.parameters(), {"lr": 1e-3, "betas": (0.5, 0.999), "weight_decay": 5e-3})
    mixture = Mixture((0.3, 0.7), ((0, 1), (1, 0)))
    term = make_loss("bce")

    def loss(inputs: int, labels: int) -> Tensor:
        x, y = batch(inputs, labels)
        heads = net(mix_images(x, mixture))
        return mix_loss(lambda t: sum((term(h, t) for h in heads), term(heads[0], t)), y, mixture)

    for s, expected in enumerate(trace["steps"]):
        net.zero_grad()
        found = loss(9000 + s, 90 + s)
        assert found.item() == pytest.approx(expected["w_loss"], rel=TOLERANCE)
        found.backward()
        weights.step()
        alphas.clear()
        found = loss(5000 + s, 50 + s)
        assert found.item() == pytest.approx(expected["a_loss"], rel=TOLERANCE)
        found.backward()
        arch.step()
        for tensor, numbers in expected["alphas"].items():
            matches(alphas.full(tensor, net.architecture.logits.detach(), alphas.values[tensor]), numbers)
        gradient = expected["weights_that_receive_a_gradient"]
        assert net.weights.norm().item() == pytest.approx(gradient["l2"], rel=TOLERANCE)
        assert net.weights.sum().item() == pytest.approx(gradient["sum"], rel=TOLERANCE)
    genotype = decode(SearchSpace(opened(case)), net.architecture.relaxed())
    expected = {}
    for cell in CELLS:
        expected |= cell_values(cell, trace["genotype_after"][cell])
    assert {path: value for path, value in genotype.values.items() if path not in genotype.implied} == expected
