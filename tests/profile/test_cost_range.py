"""The least and the largest cost of a space equal brute force; where they are bounds, nothing lies beyond them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from nascompile.profile.bounds import MEASURES, cost_range
from nascompile.profile.pricing import Pricer

SMALL: dict[str, Callable[[Any, Any], Any]] = {
    "nasbench201": lambda shipped, written: shipped("nasbench201", (3, 8, 8), cells=1),
    "a cell of DARTS' kind": lambda shipped, written: written(
        "c[0] = x -> conv(4, 1)\nc[1] = x -> conv(4, 3)\n"
        "for i in 0 ..< 2 { c[i + 2] = sum(pick 2 of [c[j] via two(4) for j in 0 ..< i + 2]) }\nc[3] -> conv(1, 1)"
    ),
    "a grid": lambda shipped, written: written(
        "n[0, 0] = x\nn[0, 1] = x -> conv(3, 1)\nfor b in 0 ..< 2 {\n"
        "  for i in 0 ..< 2, o in 0 ..< 2 { e[b, i, o] = n[b, i] -> conv(2 + o, 3) -> pick one of two(2 + o) }\n"
        "  k[b] = pick some of e[b, *, *]\n  for o in 0 ..< 2 { n[b + 1, o] = sum(k[b][*, o]) }\n}\n"
        "where connected(k)\nsum([n[2, 0]?, n[2, 1]? -> conv(2, 1)])"
    ),
    "widths that rise": lambda shipped, written: written(
        "y = x\nrepeat n in 1 .. 4 as i {\n  w[i] = pick one of [2, 4, 8]\n  k[i] = pick one of [1, 3]\n"
        "  y = y -> conv(w[i], k[i]) -> relu\n}\nwhere rising(w)\nwhere n * 2 < w[0] + 4\ny"
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_both_ends_equal_brute_force(name: str, shipped: Any, written: Any) -> None:
    opened = SMALL[name](shipped, written)
    pricer = Pricer(opened.library, opened.space)
    genotypes = list(opened.space.enumerate())
    prices = pricer.prices(genotypes)
    assert pricer.is_tabulated
    for measure in MEASURES:
        found = cost_range(pricer, measure)
        costs = [getattr(price, measure) for price in prices]
        assert found is not None
        for end, expected in ((found.low, min(costs)), (found.high, max(costs))):
            assert end.is_exact
            assert end.bound == expected
            witness = opened.space.genotype(end.witness)
            assert opened.space.contains(witness) == []
            assert getattr(prices[genotypes.index(witness)], measure) == expected


def test_nothing_lies_beyond_a_bound(shipped: Any) -> None:
    opened = shipped("cifar", (3, 32, 32), layers=3)
    pricer = Pricer(opened.library, opened.space)
    prices = pricer.prices([opened.space.sample(random.Random(seed)) for seed in range(100)])
    exact, coarse = (cost_range(pricer, "macs", states) for states in (1000, 1))
    assert exact is not None and coarse is not None
    assert exact.low.is_exact and exact.high.is_exact
    assert coarse.low.bound <= exact.low.bound <= min(p.macs for p in prices)
    assert max(p.macs for p in prices) <= exact.high.bound <= coarse.high.bound
    assert not (coarse.low.is_exact and coarse.high.is_exact)
    assert exact.low.bound <= coarse.low.cost <= coarse.high.cost <= exact.high.bound


def test_real_numbers_give_bounds_that_hold(written: Any) -> None:
    opened = written("u = pick one of 0.5 .. 0.9\nc = floor(9 / u)\ny = x -> conv(c, 1) -> pick one of two(4)\ny")
    pricer = Pricer(opened.library, opened.space)
    found = cost_range(pricer, "params")
    assert found is not None
    assert (found.low.bound, found.high.bound) == (10 * (2 + 4), 18 * (2 + 36))
    assert found.low.is_exact and found.high.is_exact


def test_a_space_without_genotypes_has_no_range(written: Any) -> None:
    opened = written("w = pick one of [2, 4]\nv = pick one of [2, 4]\nwhere w > 3 and v + w < 5\nx -> conv(w + v, 1)")
    assert cost_range(Pricer(opened.library, opened.space), "params") is None
