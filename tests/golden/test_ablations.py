"""MixSearch's ablations: which fusions of the weaved lattice remain, what is left to search, and that the nets compute.

The recorded networks of the ablations are among the variants of `test_mixsearch.py`; here their open spaces, and the
lattice without horizontal fusions, which no class of the originals builds.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
import torch
from originals import library, program, space
from test_sizes import cell

from nascompile.backends.pytorch import build
from nascompile.backends.supernet import build_supernet
from nascompile.ir.program import CallNode
from nascompile.profile.cost import cost_of
from nascompile.semantics.elaborate import Request, elaborate

DOWN, UP, FLAT = "normal_down", "normal_up", "normal_normal"
# Nine layers; the horizontal fusion into (6, 2) is a down cell in every class of the originals. The outer edge
# of the lattice keeps its four ways down and its four ways up.
ABLATIONS: dict[str, tuple[dict[str, bool], dict[str, int]]] = {
    "all": ({}, {DOWN: 11, FLAT: 9, UP: 10}),
    "horizontal": ({"down": False, "up": False}, {DOWN: 5, FLAT: 9, UP: 4}),
    "down": ({"up": False}, {DOWN: 11, FLAT: 9, UP: 4}),
    "up": ({"down": False}, {DOWN: 5, FLAT: 9, UP: 10}),
    "vertical": ({"horizontal": False}, {DOWN: 10, UP: 10}),
}


def arguments(name: str) -> dict[str, Any]:
    return {**ABLATIONS[name][0], "double": False}


@pytest.mark.parametrize("name", ABLATIONS)
def test_fusions(name: str) -> None:
    opened = program("mixsearch", "wdan", (3, 32, 32), **arguments(name))
    found = Counter(node.graph.name for node in opened.graph.nodes if isinstance(node, CallNode))
    assert {kind: found[kind] for kind in (DOWN, FLAT, UP) if found[kind]} == ABLATIONS[name][1]


@pytest.mark.parametrize("name", ABLATIONS)
def test_sizes(name: str) -> None:
    """The cells are shared by their instances, so an ablation leaves as much to decide, but for a cell that is gone."""
    kinds = {DOWN: cell(4, lambda j: 6), FLAT: cell(4, lambda j: 6), UP: cell(4, lambda j: 4 if j == 1 else 6)}
    expected = 1
    for kind in ABLATIONS[name][1]:
        expected *= kinds[kind]
    assert space("mixsearch", "wdan", (3, 32, 32), **arguments(name)).size() == expected


@pytest.mark.parametrize("name", ABLATIONS)
def test_networks(name: str) -> None:
    searched = space("mixsearch", "wdan", (3, 32, 32), **arguments(name))
    genotype = searched.sample(random.Random(0))
    bound = elaborate(
        library("mixsearch"), Request("wdan", arguments(name), (3, 32, 32), {**genotype.values}, True)
    )  # fmt: skip
    net = build(bound).eval()
    assert sum(p.numel() for p in net.parameters()) == cost_of(bound).live
    with torch.no_grad():
        found = net(torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert [tuple(y.shape) for y in found] == [(1, 1, 32, 32)] * 3
    assert all(bool(torch.isfinite(y).all()) for y in found)


def test_an_ablation_is_smaller() -> None:
    registered = {
        name: cost_of(program("mixsearch", "wdan", (3, 32, 32), **arguments(name))).registered for name in ABLATIONS
    }
    assert max(registered, key=registered.__getitem__) == "all"
    assert registered["horizontal"] < min(registered["down"], registered["up"])


@pytest.mark.parametrize("name", ["horizontal", "vertical"])
def test_supernets(name: str) -> None:
    opened = program("mixsearch", "wdan", (3, 16, 16), **arguments(name), layers=5)
    net = build_supernet(opened)
    found = net(torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    sum(y.square().mean() for y in found).backward()
    assert net.architecture.logits.grad is not None
    assert all(tuple(y.shape) == (2, 1, 16, 16) for y in found)
