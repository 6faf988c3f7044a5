"""Prices from a space's terms are those of the elaborated networks, one by one and many at once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nascompile.profile.cost import cost_of
from nascompile.profile.pricing import Price, Pricer

SHIPPED = [
    ("nas_unet", (1, 32, 32), {"depth": 2}),
    ("wdan", (3, 32, 32), {"layers": 5}),
    ("cifar", (3, 32, 32), {"layers": 3}),
    ("nasbench201", (3, 16, 16), {"cells": 1}),
    ("auto_deeplab", (3, 32, 32), {"layers": 2, "levels": 3}),
    ("dints", (1, 32, 32, 32), {"blocks": 3}),
    ("dints", (1, 32, 32), {"blocks": 5}),
    ("nas_lung", (1, 16, 16, 16), {}),
    ("analog_nas", (3, 32, 32), {}),
    ("nas_segnet", (3, 32, 32), {}),
    ("mobilenet_v3", (3, 64, 64), {}),
    ("nas_unet_flexible", (1, 32, 32), {}),
]


@pytest.mark.parametrize(("name", "input_", "arguments"), SHIPPED, ids=lambda v: v if isinstance(v, str) else "")
def test_terms_price_what_the_elaborated_net_costs(
    shipped: Any, name: str, input_: tuple[int, ...], arguments: dict[str, Any]
) -> None:
    opened = shipped(name, input_, **arguments)
    pricer = Pricer(opened.library, opened.space, checks=0)
    assert pricer.is_tabulated
    genotypes = [opened.space.sample(random.Random(seed)) for seed in range(6)]
    for genotype, price in zip(genotypes, pricer.prices(genotypes), strict=True):
        cost = cost_of(opened.net(genotype.values))
        assert price == Price(cost.live, cost.macs, cost.activations)
        assert price == pricer.price(genotype)  # looked up for itself


def test_layers_that_feed_only_a_zero_are_dead(written: Any) -> None:
    opened = written("a = x -> conv(2, 3)\ny = a -> pick one of three(2)\ny + x")
    pricer = Pricer(opened.library, opened.space)
    assert pricer.is_tabulated
    prices = {label: pricer.price({"y": label}) for label in ("none", "same", "conv")}
    assert [p.params for p in prices.values()] == [0, 36, 72]
    assert prices["none"].activations == 0  # the sum is its other summand
    for label, price in prices.items():
        cost = cost_of(opened.net({"y": label}))
        assert (cost.live, cost.macs, cost.activations) == (price.params, price.macs, price.activations)


def test_a_module_is_paid_for_once(written: Any) -> None:
    body = "module f = conv(2, 3)\ny = x -> f -> pick one of two(2)\nz = pick some of [y, x]\nsum(z) -> f"
    opened = written(body)
    pricer = Pricer(opened.library, opened.space)
    for genotype in opened.space.enumerate():
        cost = cost_of(opened.net(genotype.values))
        assert pricer.price(genotype) == Price(cost.live, cost.macs, cost.activations)
    assert pricer.is_tabulated


def test_what_a_real_number_decides_is_priced(written: Any) -> None:
    opened = written("u = pick one of 0.5 .. 0.9\nc = floor(4 / u)\nx -> conv(c, 1) -> conv(2 if u > 0.7 else 3, 1)")
    pricer = Pricer(opened.library, opened.space)
    assert pricer.is_tabulated
    rows = [{"u": u} for u in (0.5, 0.55, 0.66, 0.7, 0.8, 0.9)]
    for values, price in zip(rows, pricer.prices(rows), strict=True):
        assert price.params == cost_of(opened.net(values)).live == pricer.price(values).params


def test_a_space_whose_terms_do_not_agree_is_elaborated(shipped: Any) -> None:
    opened = shipped("cifar", (3, 32, 32), layers=3)
    pricer = Pricer(opened.library, opened.space)
    genotypes = [opened.space.sample(random.Random(seed)) for seed in range(6)]
    expected = pricer.prices(genotypes)
    wrong = Pricer(opened.library, opened.space)
    wrong._by_terms = lambda found, rows: [Price(0, 0, 0) for _ in rows]  # type: ignore[method-assign]
    assert wrong.prices(genotypes) == expected
    assert not wrong.is_tabulated


def test_a_narrowed_space_prices_its_genotypes(shipped: Any) -> None:
    opened = shipped("dints", (1, 32, 32), blocks=5)
    first = next(p for p, d in opened.space.decisions.items() if d.kind == "edges")
    space = opened.space.restricted({first: opened.space.decisions[first].candidates[:4]})
    pricer = Pricer(opened.library, space)
    assert pricer.is_tabulated
    genotype = space.sample(random.Random(3))
    assert pricer.price(genotype).macs == cost_of(opened.net(genotype.values)).macs


def test_measures_by_name(written: Any) -> None:
    opened = written("y = x -> pick one of two(4)\ny")
    pricer = Pricer(opened.library, opened.space)
    found = pricer.measures({"y": "b"}, ["flops", "params", "peak_memory"])
    assert list(found) == ["flops", "params", "peak_memory"]
    assert found["params"] == 72
    assert found["flops"] == 2 * 72 * 64
    assert found["peak_memory"] > 4 * (72 + 4 * 64)
