"""A fixed network with inherited weights computes what the supernet restricted to its genotype computes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nascompile.backends.inherit import inherit
from nascompile.backends.pytorch import build
from nascompile.backends.supernet import Supernet, build_supernet

TOLERANCE = 1e-5
"""Of the largest output; the project's promise, in float32."""


def outputs(module: Any, x: Tensor) -> tuple[Tensor, ...]:
    with torch.no_grad():
        found = module(x)
    return found if isinstance(found, tuple) else (found,)


def trained(net: Supernet, x: Tensor) -> Supernet:
    """Running statistics that are not the initial ones, and biases that are not zero."""
    net.train()
    outputs(net, x)
    with torch.no_grad():
        net.weights += 0.05 * torch.randn(net.weights.shape, generator=torch.Generator().manual_seed(5))
    return net.eval()


def test_a_subnet_is_the_restricted_supernet(relaxable: Any) -> None:
    x = torch.randn(2, *relaxable.input, generator=torch.Generator().manual_seed(0))
    net = trained(build_supernet(relaxable.program()), x)
    for seed in range(3):
        values = relaxable.sample(seed).values
        subnet = build(relaxable.program(values)).eval()
        inherited = inherit(subnet, net.named_weights())
        assert not inherited.missing and not inherited.mismatched
        net.architecture.restrict(values)
        for ours, theirs in zip(outputs(subnet, x), outputs(net, x), strict=True):
            assert (ours - theirs).abs().max() <= TOLERANCE * theirs.abs().max()


def test_restrictions_differ_and_can_be_lifted(relaxable: Any) -> None:
    """The law above would also hold for a supernet that ignores its genotype."""
    x = torch.randn(2, *relaxable.input, generator=torch.Generator().manual_seed(0))
    net = trained(build_supernet(relaxable.program()), x)
    relaxed = outputs(net, x)
    found = []
    for seed in range(4):
        net.architecture.restrict(relaxable.sample(seed).values)
        found.append(outputs(net, x)[0])
    assert any((found[0] - other).abs().max() > 1e-3 * found[0].abs().max() for other in found[1:])
    net.architecture.restrict(None)
    for before, after in zip(relaxed, outputs(net, x), strict=True):
        assert torch.equal(before, after)


def test_the_same_seed_gives_the_same_weights(relaxable: Any) -> None:
    """A subnet and the supernet start from equal weights, because a weight's path seeds it."""
    values = relaxable.sample(0).values
    named = build_supernet(relaxable.program(), seed=3).named_weights()
    state = build(relaxable.program(values), seed=3).state_dict()
    compared = [name for name in state if not name.endswith("num_batches_tracked")]
    assert compared
    for name in compared:
        assert torch.equal(state[name], named[name]), name
