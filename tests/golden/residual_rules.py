"""The rules of NAS-Lung's and AnalogNAS' recorded networks, and the comparison with their outputs (float64)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch_rules import NORMS, TOLERANCE


def weight(shape: Sequence[int], rule: str) -> Tensor:
    """A weight of the rule `sin0.02` or `quad_he`."""
    count = torch.Size(shape).numel()
    i = torch.arange(1, count + 1).double()
    if rule == "sin0.02":
        return (0.02 * torch.sin(i)).view(*shape)
    fan = count // shape[0] if len(shape) > 1 else count
    return (2 / fan**0.5 * torch.sin(i * i)).view(*shape)


def set_weights(network: nn.Module, rule: str) -> None:
    """Norms 1 and 0 with fresh statistics, biases 0, every other weight by the rule."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.reset_running_stats()
            for name, parameter in module.named_parameters(recurse=False):
                if name == "bias" or isinstance(module, NORMS):
                    parameter.fill_(float(name == "weight"))
                else:
                    parameter.copy_(weight(parameter.shape, rule))


def image(shape: Sequence[int]) -> Tensor:
    """The input of both rules."""
    return torch.sin(0.01 * torch.arange(torch.Size(shape).numel()).double()).view(*shape)


def matches(found: Tensor, expected: Mapping[str, Any]) -> None:
    """Assert that a tensor has the recorded shape, statistics and first values."""
    assert list(found.shape) == expected["shape"]
    margin = TOLERANCE * max(abs(expected["min"]), abs(expected["max"]))
    for name, value in {
        "mean": found.mean(), "std": found.std(unbiased=False), "min": found.min(), "max": found.max()
    }.items():  # fmt: skip
        assert abs(value.item() - expected[name]) <= margin, name
    assert abs(found.abs().sum().item() - expected["abs_sum"]) <= margin * found.numel()
    first = torch.tensor(expected["first8"], dtype=torch.double)
    assert (found.flatten()[: len(first)] - first).abs().max().item() <= margin
