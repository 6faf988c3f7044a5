"""Leaving a pass out changes neither outputs nor gradients: each pass keeps the meaning, alone and together."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from nascompile.backends.pytorch import build
from nascompile.backends.supernet import build_supernet
from nascompile.ir.program import LayerNode
from nascompile.passes.pipelines import FIXED, SUPERNET

TOLERANCE = 1e-9
PASSES = sorted({step.__name__ for step in SUPERNET} - {"flatten"})


def computed(module: Any, x: Tensor) -> tuple[Tensor, ...]:
    found = module(x)
    return found if isinstance(found, tuple) else (found,)


def close(a: Tensor, b: Tensor, scale: Tensor | None = None) -> bool:
    largest = (a if scale is None else scale).abs().max().item()
    return (a - b).abs().max().item() <= TOLERANCE * max(largest, 1e-12)


def supernet_results(program: Any, x: Tensor, without: frozenset[str]) -> tuple[Any, Tensor, dict[str, Tensor], int]:
    net = build_supernet(program, without=without).double().eval()
    logits = net.architecture.logits
    with torch.no_grad():
        logits.copy_(torch.linspace(-1, 1, logits.numel()))
    found = computed(net, x)
    torch.stack([y.pow(2).mean() for y in found]).sum().backward()
    assert logits.grad is not None
    assert net.weights.grad is not None
    gradients = {e.name: net.weights.grad[e.start : e.stop] for e in net.layout.entries()}
    return [y.detach() for y in found], logits.grad, gradients, len(net.graph.nodes)


@pytest.mark.parametrize("left_out", [*PASSES, "all of them"])
def test_supernets(relaxable: Any, left_out: str) -> None:
    without = frozenset(PASSES if left_out == "all of them" else [left_out])
    program = relaxable.program()
    x = torch.randn(2, *relaxable.input, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    outputs, logits, weights, size = supernet_results(program, x, frozenset())
    other_outputs, other_logits, other_weights, other_size = supernet_results(program, x, without)
    assert other_size >= size
    for ours, theirs in zip(outputs, other_outputs, strict=True):
        assert close(ours, theirs)
    assert close(logits, other_logits)
    largest = torch.stack([g.abs().max() for g in weights.values()])
    assert weights.keys() <= other_weights.keys()
    for name, gradient in weights.items():
        assert close(gradient, other_weights[name], largest), name
    for name in other_weights.keys() - weights.keys():
        assert not other_weights[name].any(), f"{name} has a gradient, but a pass removed it"


# Fixed networks always lose what is dead: its inputs may not exist under the genotype.
@pytest.mark.parametrize("left_out", sorted({step.__name__ for step in FIXED} - {"flatten", "prune_dead"}))
def test_fixed_networks(shipped: Any, left_out: str) -> None:
    program = shipped.program(shipped.cheapest().values, is_fixed=True)
    x = torch.randn(2, *shipped.input, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    ours, theirs = build(program).double().eval(), build(program, without=frozenset({left_out})).double().eval()
    pairs = list(zip(computed(ours, x), computed(theirs, x), strict=True))
    for a, b in pairs:
        assert close(a, b)
    torch.stack([a.pow(2).mean() for a, _ in pairs]).sum().backward()
    torch.stack([b.pow(2).mean() for _, b in pairs]).sum().backward()
    mine, other = dict(ours.named_parameters()), dict(theirs.named_parameters())
    assert mine.keys() <= other.keys()
    largest = torch.stack([p.grad.abs().max() for p in mine.values() if p.grad is not None])
    for name, parameter in mine.items():
        assert parameter.grad is not None, f"{name} is a dead weight"
        assert other[name].grad is not None
        assert close(parameter.grad, other[name].grad, largest), name


@pytest.mark.parametrize("left_out", PASSES)
def test_every_pass_does_something(small_nas_unet: Any, small_volume_grid: Any, left_out: str) -> None:
    """Each pass leaves fewer nodes or fewer layers of a supernet: none is there for nothing."""
    program = (small_volume_grid if left_out == "join_convolutions" else small_nas_unet).program()
    whole = build_supernet(program).graph.nodes
    other = build_supernet(program, without=frozenset({left_out})).graph.nodes
    layers = [sum(isinstance(node, LayerNode) for node in nodes) for nodes in (whole, other)]
    assert len(other) > len(whole) or layers[1] > layers[0]
