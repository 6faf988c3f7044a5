"""A network is built slim: what its text registers but nothing reads is left out, and its weights load from both."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nascompile.backends.inherit import inherit
from nascompile.backends.layout import numbers, state_name
from nascompile.backends.pytorch import build
from nascompile.backends.weights import TORCH_WEIGHT_NAMES, initial_value
from nascompile.ir.program import LayerNode, Program
from nascompile.passes.flatten import flatten
from nascompile.profile.cost import cost_of


def registered(program: Program, seed: int) -> dict[str, Tensor]:
    """A weights file as of a network that holds everything that the text registers."""
    found: dict[str, Tensor] = {}
    for node in flatten(program.graph).nodes:
        for weight in node.weights if isinstance(node, LayerNode) else ():
            name = TORCH_WEIGHT_NAMES[weight.name]
            shape = numbers(weight.shape)
            if weight.is_buffer:
                value = torch.ones(shape) if weight.name == "var" else torch.zeros(shape)
            else:
                value = initial_value(node, name, shape, seed)
            found[state_name(f"{node.path}.{weight.name}")] = value
    return found


def test_a_slim_network_takes_its_weights_from_a_registered_one(shipped: Any) -> None:
    program = shipped.program(shipped.cheapest().values, is_fixed=True)
    cost = cost_of(program)
    full = registered(program, 3)
    slim, other = build(program, 3).eval(), build(program, 4).eval()
    taken = inherit(other, full)
    assert not taken.missing and not taken.mismatched
    assert sum(p.numel() for p in slim.parameters()) == cost.live
    buffers = {name for name, _ in slim.named_buffers()}
    dead = [name for name in taken.unused if not name.endswith(("running_mean", "running_var"))]
    assert sum(full[name].numel() for name in dead) == cost.registered - cost.live
    assert buffers <= {*taken.taken, *(n for n in buffers if n.endswith("num_batches_tracked"))}
    x = torch.randn(2, *shipped.input, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = slim(x), other(x)
    for a, b in zip(*((y,) if isinstance(y, Tensor) else y for y in (ours, theirs)), strict=True):
        assert torch.equal(a, b)


def test_the_lattice_registers_what_it_never_runs(lattice: Any) -> None:
    """The law above would also hold if no text registered more than it runs."""
    cost = cost_of(lattice.program(lattice.sample(0).values, is_fixed=True))
    assert cost.registered > cost.live
