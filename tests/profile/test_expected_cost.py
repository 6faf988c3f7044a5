"""Expected costs equal the sum over all draws, and their gradients finite differences."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from nascompile.profile.cost import cost_of
from nascompile.profile.diagrams import NotTabulated
from nascompile.profile.expectation import Expectation

BODY = """
a = x -> conv(2, 3) -> pick one of three(2)
b = a -> pick one of three(2)
w = pick one of [2, 4]
c = sum(pick some of [a, b, x])
c -> conv(w, 1)
"""


def probabilities(expectation: Expectation, seed: int) -> dict[str, list[float]]:
    rng = random.Random(seed)
    found = {}
    for path, count in expectation.inputs().items():
        row = [rng.uniform(0.1, 0.9) for _ in range(count)]
        found[path] = row if path == "c" else [p / sum(row) for p in row]
    return found


@pytest.mark.parametrize("measure", ["params", "macs", "flops", "activations"])
def test_it_is_the_mean_over_all_draws(measure: str, written: Any) -> None:
    opened = written(BODY)
    expectation = Expectation(opened.net(), measure)
    given = probabilities(expectation, 1)
    assert {path: len(row) for path, row in given.items()} == {"a": 3, "b": 3, "c": 3, "w": 2}
    total = missing = 0.0
    labels = opened.space.decisions["a"].candidates
    for a, b, w in itertools.product(range(3), range(3), range(2)):
        for kept in itertools.product((0, 1), repeat=3):
            share = given["a"][a] * given["b"][b] * given["w"][w]
            for bit, p in zip(kept, given["c"], strict=True):
                share *= p if bit else 1 - p
            if not any(kept):
                missing += share * cost_without_edges(opened, w, measure)
                continue
            edges = tuple(e for e, bit in zip(opened.space.decisions["c"].candidates, kept, strict=True) if bit)
            cost = cost_of(opened.net({"a": labels[a], "b": labels[b], "w": (2, 4)[w], "c": edges}))
            total += share * {"params": cost.live}.get(measure, getattr(cost, measure, 0))
    assert expectation(given).value == pytest.approx(total + missing, rel=1e-12)


def cost_without_edges(opened: Any, w: int, measure: str) -> int:
    """Of a draw that keeps nothing, which is no genotype, only the head is left."""
    width = (2, 4)[w]
    return {"params": 2, "macs": 2 * 64, "flops": 4 * 64, "activations": 64}[measure] * width


SPACES = [
    ("nas_unet", (1, 32, 32), {"depth": 2}),
    ("nasbench201", (3, 8, 8), {"cells": 1}),
    ("dints", (1, 32, 32), {"blocks": 3}),
    ("mobilenet_v3", (3, 32, 32), {}),
]


@pytest.mark.parametrize(("name", "input_", "arguments"), SPACES, ids=[s[0] for s in SPACES])
def test_the_gradient_equals_finite_differences(
    name: str, input_: tuple[int, ...], arguments: dict[str, Any], shipped: Any
) -> None:
    opened = shipped(name, input_, **arguments)
    expectation = Expectation(opened.net(), "macs")
    rng = random.Random(5)
    given = {path: [rng.uniform(0.1, 0.9) for _ in range(n)] for path, n in expectation.inputs().items()}
    found = expectation(given)
    step = 1e-3
    for path in list(given)[:: max(1, len(given) // 12)]:
        for number in range(len(given[path])):
            ends = []
            for sign in (1, -1):
                moved = [*given[path]]
                moved[number] += sign * step
                ends.append(expectation({**given, path: moved}).value)
            difference = (ends[0] - ends[1]) / (2 * step)
            assert found.gradient[path][number] == pytest.approx(difference, rel=1e-5, abs=1e-5 * found.value)


def test_one_genotype_for_certain_costs_what_it_costs(shipped: Any) -> None:
    opened = shipped("nasbench201", (3, 8, 8), cells=1)
    genotype = opened.space.sample(random.Random(2))
    expectation = Expectation(opened.net(), "params")
    given = {
        path: [float(c == genotype.values[path]) for c in opened.space.decisions[path].candidates]
        for path in expectation.inputs()
    }
    assert expectation(given).value == cost_of(opened.net(genotype.values)).live


def test_real_numbers_have_no_expectation(written: Any) -> None:
    opened = written("u = pick one of 0.5 .. 0.9\nx -> conv(4 if u > 0.7 else 3, 1)")
    with pytest.raises(NotTabulated):
        Expectation(opened.net(), "macs")
