"""Sampled parts of a supernet compute what their genotype's network computes, and cost no more."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import torch
from torch import Tensor

from nascompile.backends.supernet import Supernet, build_supernet
from nascompile.search.oneshot.paths import draw_path

TOLERANCE = 2e-5
"""Of the largest output, in float32: sums in another order."""


def images(case: Any) -> Tensor:
    return torch.randn(2, *case.input, generator=torch.Generator().manual_seed(0))


def outputs(net: Supernet, x: Tensor) -> tuple[Tensor, ...]:
    found = net(x)
    return found if isinstance(found, tuple) else (found,)


def shaken(case: Any) -> Supernet:
    net = build_supernet(case.program())
    with torch.no_grad():
        net.weights += 0.05 * torch.randn(net.weights.shape, generator=torch.Generator().manual_seed(5))
    return net


def test_a_part_of_weight_one_is_the_restricted_supernet(relaxable: Any) -> None:
    net, x = shaken(relaxable).eval(), images(relaxable)
    for seed in range(3):
        values = relaxable.sample(seed).values
        with torch.no_grad():
            net.follow(values, "one")
            ours = outputs(net, x)
            net.follow(None)
            net.architecture.restrict(values)
            theirs = outputs(net, x)
            net.architecture.restrict(None)
        for a, b in zip(ours, theirs, strict=True):
            assert (a - b).abs().max() <= TOLERANCE * b.abs().max()


def test_a_part_of_relaxed_weights_is_the_supernet_whose_other_candidates_weigh_nothing(relaxable: Any) -> None:
    net, x = shaken(relaxable).eval(), images(relaxable)
    values = relaxable.sample(1).values
    with torch.no_grad():
        relaxed = net.architecture()
        net.follow(values)
        ours = outputs(net, x)
        net.follow(None)
        net.architecture.restrict(values)
        uniform = [path for path, d in net.architecture.decisions.items() if d.kind == "edges" and d.relax == "none"]
        weights = relaxed * net.architecture.restriction
        for (path, _), slot in net.architecture.slots.items():
            if path in uniform:
                weights[slot] = net.architecture.restriction[slot]
        net.architecture.restriction = weights
        theirs = outputs(net, x)
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() <= TOLERANCE * b.abs().max()


def test_what_is_not_sampled_gets_no_gradient(relaxable: Any) -> None:
    net, x = shaken(relaxable).eval(), images(relaxable)
    with torch.no_grad():  # hidden units that are awake whatever the weights of the mixtures are
        for entry in net.layout.entries():
            if entry.name.endswith("bias"):
                net.weights[entry.start : entry.stop] = 3.0
    values = relaxable.sample(2).values
    net.follow(values)
    part = trained(net, x)
    net.follow(None)
    net.architecture.restrict(values)
    restricted = trained(net, x)
    assert part and part <= restricted
    assert len(part) < len(net.layout.entries())


def trained(net: Supernet, x: Tensor) -> set[str]:
    """Names of the weights that get a gradient."""
    net.weights.grad = None
    torch.stack([y.square().mean() for y in outputs(net, x)]).sum().backward()
    assert net.weights.grad is not None
    return {e.name for e in net.layout.entries() if net.weights.grad[e.start : e.stop].any()}


def test_following_leaves_no_trace(small_nas_unet: Any) -> None:
    net, x = build_supernet(small_nas_unet.program()).eval(), images(small_nas_unet)
    with torch.no_grad():
        before = net(x)
        net.follow(small_nas_unet.sample(0).values)
        part = net(x)
        twin = copy.deepcopy(net)
        net.follow(None)
        assert torch.equal(net(x), before)
        assert not torch.equal(part, before)
        assert torch.equal(twin(x), before)  # a copy starts whole


@pytest.mark.parametrize("count", [1, 2, 4])
def test_draws_keep_so_many_paths_of_a_block(relaxable: Any, count: int) -> None:
    space = relaxable.opened()
    draws = [draw_path(space, count, random.Random(seed)) for seed in range(20)]
    free = [p for p, d in space.decisions.items() if d.kind == "edges" and d.count is None and d.decode != "all"]
    for values in draws:
        assert not space.contains(space.genotype(values))
        for path in free[:1]:  # nothing restricts the first block
            assert len(values[path]) == min(count, len(space.decisions[path].candidates))
        assert all(len(values[path]) <= count or count == 1 for path in free)
    if free or len(space.decisions) > 3:
        assert len({str(values) for values in draws}) > 10
