"""Names and initial values of weights: both follow from the path in the text."""

from __future__ import annotations

import hashlib
import math
import re

import torch
from torch import nn

TORCH_WEIGHT_NAMES = {"w": "weight", "b": "bias", "mean": "running_mean", "var": "running_var"}


def torch_name(path: str) -> str:
    """A dotted module name for a path: `skip[2].s[0].conv` becomes `skip_2.s_0.conv`.

    Words that nn.Module uses itself (`double`, `half`) get an underscore.
    """
    parts = []
    for part in path.split("."):
        word = re.sub(r"\W+", "_", part).strip("_") or "part"
        if word[0].isdigit():
            word = f"n{word}"
        parts.append(f"{word}_" if hasattr(nn.Module, word) or word in _RESERVED else word)
    return ".".join(parts)


_RESERVED = {"training", "graph", "code"}


def seed_of(path: str, seed: int) -> int:
    """A seed that depends on the run's seed and the weight's path only."""
    digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def initialise(path: str, module: nn.Module, seed: int) -> None:
    """Kaiming-normal convolutions and linear layers (He et al., ICCV 2015), zero biases, unit norms.

    Every weight is drawn from a generator of its own, seeded by its path, so that a change elsewhere in the text
    leaves it alone. Weights on the `meta` device, which have no values, are left alone.
    """
    if isinstance(module, nn.modules.batchnorm._NormBase):
        module.reset_running_stats()
    with torch.no_grad():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.is_meta:
                continue
            if name == "bias":
                parameter.zero_()
            elif parameter.dim() < 2:
                parameter.fill_(0.25 if isinstance(module, nn.PReLU) else 1.0)
            else:
                generator = torch.Generator().manual_seed(seed_of(f"{path}.{name}", seed))
                values = torch.randn(parameter.shape, generator=generator, dtype=torch.float32, device="cpu")
                parameter.copy_(values * math.sqrt(2.0 / max(_fan_in(module, parameter), 1)))


def _fan_in(module: nn.Module, weight: nn.Parameter) -> int:
    """Inputs that one output sums over."""
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        return weight.numel() // weight.shape[1] // module.groups
    return weight[0].numel()
