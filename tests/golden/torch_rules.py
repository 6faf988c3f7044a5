"""The rules by which the originals' weights and inputs were set, and the comparison with their outputs (float64)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nascompile.backends.supernet import Supernet

NORMS = (nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm2d, nn.InstanceNorm3d)
TOLERANCE = 1e-6
"""Of a tensor's largest value."""


def hashed(count: int, offset: int = 0) -> Tensor:
    """Numbers in [-0.5, 0.5) by the rule `hash`."""
    i = torch.arange(offset, offset + count, dtype=torch.int64)
    return ((31 * i * i + 17 * i + 7) % 1009).double() / 1009 - 0.5


def weight(shape: Sequence[int], rule: str) -> Tensor:
    """A weight of the rule `sin` or `hash`."""
    count = torch.Size(shape).numel()
    if rule == "sin":
        return (0.02 * torch.sin(torch.arange(1, count + 1).double())).view(*shape)
    return (0.4 * hashed(count)).view(*shape)


def image(shape: Sequence[int], rule: str) -> Tensor:
    """The input of the rule."""
    count = torch.Size(shape).numel()
    values = torch.sin(0.01 * torch.arange(count).double()) if rule == "sin" else 2 * hashed(count)
    return values.view(*shape)


def set_weights(network: nn.Module, rule: str) -> None:
    """Norms 1 and 0, biases 0, every other weight by the rule."""
    with torch.no_grad():
        for module in network.modules():
            for name, parameter in module.named_parameters(recurse=False):
                if name == "bias" or isinstance(module, NORMS):
                    parameter.fill_(float(name == "weight"))
                else:
                    parameter.copy_(weight(parameter.shape, rule))


def set_supernet_weights(net: Supernet, rule: str) -> None:
    """The same for a supernet, by the names of its weights."""
    values = {}
    for name, view in net.named_weights().items():
        layer, _, last = name.rpartition(".")
        if last == "bias" or "_norm" in layer.rpartition(".")[2]:
            values[name] = torch.full_like(view, float(last == "weight"))
        else:
            values[name] = weight(view.shape, rule)
    assert net.load_named_weights(values) == []


def matches(found: Tensor, expected: Mapping[str, Any]) -> None:
    """Assert that a tensor has the recorded shape, mean, deviation, extremes and first values."""
    if "shape" in expected:
        assert list(found.shape) == expected["shape"]
    margin = TOLERANCE * max(abs(expected["min"]), abs(expected["max"]))
    assert abs(found.mean().item() - expected["mean"]) <= margin
    assert abs(found.std(unbiased=False).item() - expected["std"]) <= margin
    assert abs(found.min().item() - expected["min"]) <= margin
    assert abs(found.max().item() - expected["max"]) <= margin
    first = torch.tensor(expected["first"], dtype=found.dtype)
    assert (found.flatten()[: len(first)] - first).abs().max().item() <= margin
    if "l2" in expected:
        assert abs(found.norm().item() - expected["l2"]) <= margin * max(1.0, found.numel() ** 0.5)
