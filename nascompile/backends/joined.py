"""The step of joined convolutions: kernels of chains are multiplied out, then one convolution computes all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nascompile.backends.torch_functional import convolution
from nascompile.ir.program import JoinedNode

if TYPE_CHECKING:
    from nascompile.backends.steps import Step, Tensors, Values
    from nascompile.backends.supernet import Supernet


def joined_step(net: Supernet, node: JoinedNode, rank: int) -> Step:
    """Compute a `JoinedNode`: the channels of its chains in a row."""
    run_conv = convolution("conv", node.attrs, rank)
    places = [[net.layout.position[f"{layer.path}.w"] for layer in chain] for chain in node.chains]
    source, target = node.inputs[0], node.outputs[0]

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        kernels = [w[chain[0]] if len(chain) == 1 else composed(w[chain[0]], w[chain[1]]) for chain in places]
        v[target] = run_conv(v[source], torch.cat(kernels), None)

    return step


def composed(first: Tensor, second: Tensor) -> Tensor:
    """The kernel `(out, in, *axes)` of `second` after `first`, of which on every axis one has length 1."""
    between = first.shape[0]
    rank = first.dim() - 2
    sizes = [a * b for a, b in zip(first.shape[2:], second.shape[2:], strict=True)]
    rows = second.flatten(2).transpose(1, 2).reshape(-1, between)  # [out * taps of second, between]
    product = (rows @ first.flatten(1)).view(second.shape[0], *second.shape[2:], first.shape[1], *first.shape[2:])
    # [out, *second, in, *first] to [out, in, second 0, first 0, second 1, ...]
    order = [0, rank + 1]
    for axis in range(rank):
        order += [1 + axis, rank + 2 + axis]
    return product.permute(order).reshape(second.shape[0], first.shape[1], *sizes)
