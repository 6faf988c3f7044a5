"""Outputs of chosen candidates are dropped out while a supernet trains."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from nascompile.backends.supernet import Supernet, build_supernet


def images(case: Any) -> Tensor:
    return torch.randn(2, *case.input, generator=torch.Generator().manual_seed(0))


def first(net: Supernet, x: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    found = net(x)
    return found[0] if isinstance(found, tuple) else found


def operators(net: Supernet) -> list[int]:
    return [n for (path, _), n in net.architecture.slots.items() if net.architecture.decisions[path].kind == "op"]


def test_candidates_without_weights(small_nas_unet: Any) -> None:
    net = build_supernet(small_nas_unet.program())
    slots = net.without_weights()
    labels = {label for (_, label), n in net.architecture.slots.items() if n in slots}
    assert labels == {"identity", "avg_pool", "max_pool"}


@pytest.mark.parametrize("chosen", ["without_weights", "all", "some"])
def test_dropout_acts_in_training_alone_and_repeats_with_its_seed(relaxable: Any, chosen: str) -> None:
    net, x = build_supernet(relaxable.program()), images(relaxable)
    picks = {"without_weights": net.without_weights(), "all": operators(net), "some": operators(net)[::2]}[chosen]
    plain = [first(net.train(mode), x) for mode in (True, False)]
    net.drop_candidates(picks)
    for probability in (0.0, 0.5):
        net.candidate_dropout = probability
        assert torch.allclose(first(net.eval(), x), plain[1], atol=1e-4 * float(plain[1].detach().abs().max()))
    net.train()
    assert torch.equal(first(net, x, 3), first(net, x, 3))
    assert not torch.allclose(first(net, x, 3), first(net, x, 4))
    assert torch.isfinite(first(net, x)).all()


def test_whole_dropout_leaves_what_the_other_candidates_give(small_nas_unet: Any) -> None:
    """With probability 1 a chosen candidate gives zeros, merged or not; so does one whose weight is zero."""
    for without in (frozenset(), frozenset({"merge_parallel", "fold_gates"})):
        net, x = build_supernet(small_nas_unet.program(), without=without), images(small_nas_unet)
        weights = net.architecture().detach().clone()
        picks = operators(net)[::2]
        net.drop_candidates(picks)
        net.candidate_dropout = 1.0
        with torch.no_grad():
            dropped = first(net.train(), x)
            net.drop_candidates(())
            weights[picks] = 0
            net.architecture.restriction = weights
            expected = first(net, x)
        assert torch.allclose(dropped, expected, atol=1e-5 * float(expected.abs().max()))


def test_without_a_choice_nothing_is_compiled_in(small_nas_unet: Any) -> None:
    net, x = build_supernet(small_nas_unet.program()), images(small_nas_unet)
    net.train()
    before = first(net, x)
    net.candidate_dropout = 0.9
    assert torch.equal(first(net, x), before)


def test_the_mean_over_draws_is_what_is_dropped_from(small_nas_unet: Any) -> None:
    """Dropout keeps the expectation: of one mixture, averaged over draws."""
    net = build_supernet(small_nas_unet.program())
    net.drop_candidates(net.without_weights())
    net.candidate_dropout = 0.5
    step = next(s for s, n in zip(net._steps, net.graph.nodes, strict=True) if "identity" in getattr(n, "labels", ()))
    node = next(n for n in net.graph.nodes if "identity" in getattr(n, "labels", ()))
    values: list[Any] = [None] * len(net.graph.types)
    for value in node.inputs:
        values[value] = torch.ones(1, *(int(a) for a in net.graph.types[value].axes))
    scalars = net.architecture().detach().unbind(0)
    means = []
    for training, count in ((False, 1), (True, 400)):
        net.train(training)
        torch.manual_seed(0)
        total = 0.0
        for _ in range(count):
            step(values, (), scalars, ())
            total += float(values[node.outputs[0]].mean())
        means.append(total / count)
    assert means[1] == pytest.approx(means[0], rel=0.02)
