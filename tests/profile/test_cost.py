"""Costs computed by hand, and the cost of a supernet against the genotypes that it contains."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nascompile.ir.program import Program
from nascompile.profile.cost import Cost, cost_of, weights
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.source import Source
from nascompile.space.space import SearchSpace


def elaborated(body: str, input_: tuple[int, ...] = (1, 8, 8), **binding: Any) -> Program:
    text = f"nas 1\nimport std.layers\nspace s(x: image) {{\n{body}\n}}\n"
    return elaborate(load(Source("s.nas", text)), Request("s", {}, input_, binding or None))


def test_convolution_by_hand() -> None:
    cost = cost_of(elaborated("x -> conv(4, 3, bias = true) -> relu", (2, 8, 6)))
    assert cost == Cost(
        registered=4 * 2 * 9 + 4,
        live=4 * 2 * 9 + 4,
        macs=4 * 2 * 9 * 8 * 6,
        activations=2 * 4 * 8 * 6,
    )


@pytest.mark.parametrize(("input_", "taps"), [((1, 8), 3), ((1, 8, 8), 9), ((1, 8, 8, 8), 27)])
def test_one_text_is_priced_for_every_rank(input_: tuple[int, ...], taps: int) -> None:
    assert cost_of(elaborated("x -> conv(5, 3)", input_)).registered == 5 * taps


def test_running_statistics_are_no_parameters() -> None:
    net = elaborated("x -> conv(4, 1) -> batch_norm")
    assert cost_of(net).registered == 4 + 2 * 4
    assert any(weight.is_buffer for weight in weights(net.graph).values())


def test_unused_is_registered_but_not_live() -> None:
    cost = cost_of(elaborated("unused x -> conv(4, 1)\nx -> conv(2, 1)"))
    assert (cost.registered, cost.live, cost.macs) == (6, 2, 2 * 64)


def test_shared_module_counts_once_and_runs_twice() -> None:
    cost = cost_of(elaborated("module f = conv(1, 3)\nx -> f -> f"))
    assert (cost.registered, cost.macs) == (9, 2 * 9 * 64)


def test_supernet_holds_every_candidate() -> None:
    ops = "y = x -> pick one of two(4)\ny"
    text = f"nas 1\nimport std.layers\nops two(c) = a: conv(c, 1) | b: conv(c, 3)\nspace s(x: image) {{\n{ops}\n}}\n"
    library = load(Source("s.nas", text))
    costs = [cost_of(elaborate(library, Request("s", {}, (1, 4, 4), b))) for b in (None, {"y": "a"}, {"y": "b"})]
    assert [c.registered for c in costs] == [4 + 36, 4, 36]
    assert [c.is_exact for c in costs] == [True, True, True]


def test_picked_numbers_are_priced_at_their_largest() -> None:
    body = "c = pick one of [2, 4]\nk = pick one of [3, 5]\nx -> conv(c, k)"
    assert cost_of(elaborated(body)) == Cost(4 * 25, 4 * 25, 4 * 25 * 64, 4 * 64, is_exact=False)
    assert cost_of(elaborated(body, c=2, k=3)) == Cost(2 * 9, 2 * 9, 2 * 9 * 64, 2 * 64, is_exact=True)


def test_reals_are_priced_at_the_dearer_end() -> None:
    body = "u = pick one of 0.5 .. 0.8\nc = floor(8 / u)\nx -> conv(c, 1)"
    assert cost_of(elaborated(body)).registered == 16


def shipped(spec: str) -> Library:
    path = resource(f"specs/{spec}.nas")
    return load(Source(path.name, path.read_text(encoding="utf-8")), path.parent)


@pytest.mark.parametrize(
    ("spec", "space", "input_"),
    [
        ("nas_lung", "nas_lung", (1, 32, 32, 32)),
        ("mobilenet_v3", "mobilenet_v3", (3, 32, 32)),
        ("nasbench201", "nasbench201", (3, 32, 32)),
        ("dints", "dints", (1, 32, 32)),
    ],
)
def test_no_genotype_costs_more_than_its_supernet(spec: str, space: str, input_: tuple[int, ...]) -> None:
    library = shipped(spec)
    open_ = elaborate(library, Request(space, {}, input_))
    most = cost_of(open_)
    searched = SearchSpace(open_)
    rng = random.Random(11)
    for _ in range(4):
        bound = elaborate(library, Request(space, {}, input_, searched.sample(rng).values))
        cost = cost_of(bound)
        assert cost.is_exact
        assert cost.live <= cost.registered <= most.registered
        assert 0 < cost.macs <= most.macs
        assert cost.activations <= most.activations
