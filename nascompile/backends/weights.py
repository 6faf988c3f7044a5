"""Names and initial values of weights: both follow from the path in the text."""

from __future__ import annotations

import hashlib
import math
import re
from functools import lru_cache

import torch
from torch import Tensor, nn

from nascompile.diagnostics import NasError, error
from nascompile.ir.program import LayerNode

TORCH_WEIGHT_NAMES = {"w": "weight", "b": "bias", "mean": "running_mean", "var": "running_var"}


@lru_cache(maxsize=65536)
def torch_name(path: str) -> str:
    """A dotted module name for a path: `skip[2].s[0].conv` becomes `skip_2.s_0.conv`, `f[-1]` becomes `f_m1`.

    Words that nn.Module uses itself (`double`, `half`) get an underscore.
    """
    parts = []
    for part in path.split("."):
        word = re.sub(r"\W+", "_", _MINUS.sub("m", part)).strip("_") or "part"
        if word[0].isdigit():
            word = f"n{word}"
        parts.append(f"{word}_" if hasattr(nn.Module, word) or word in _RESERVED else word)
    return ".".join(parts)


_RESERVED = {"training", "graph", "code"}
_MINUS = re.compile(r"-(?=\d)")  # an index below 0 is another one than that above


def same_name(first: str, second: str, name: str) -> NasError:
    """The mistake (`duplicate-name`) of two paths that are one name in torch: `g[1, 1]` and `g_1[1]`."""
    message = f"the weights of `{first}` and of `{second}` would both be called `{name}`"
    return error("duplicate-name", message, hint="give one of the two another name in the text")


def seed_of(path: str, seed: int) -> int:
    """A seed that depends on the run's seed and the weight's path only."""
    digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def initialise(node: LayerNode, module: nn.Module, seed: int) -> None:
    """Give a layer's module its initial values (`initial_value`); on the `meta` device there are none to give."""
    if isinstance(module, nn.modules.batchnorm._NormBase):
        module.reset_running_stats()
    with torch.no_grad():
        for name, parameter in module.named_parameters(recurse=False):
            if not parameter.is_meta:
                parameter.copy_(initial_value(node, name, tuple(parameter.shape), seed))


def initial_value(node: LayerNode, name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    """Kaiming-normal convolutions and linear layers (He et al., ICCV 2015), zero biases, unit norms, PReLU slopes 0.25.

    `name` is torch's name of the weight. Every weight is drawn from a generator of its own, seeded by its path, so
    that a change elsewhere in the text leaves it alone.
    """
    if name == "bias":
        return torch.zeros(shape, device="cpu")
    if len(shape) < 2:
        return torch.full(shape, 0.25 if node.layer == "prelu" else 1.0, device="cpu")
    inputs = math.prod(shape[1:])
    if node.layer == "conv_transpose":
        inputs = math.prod(shape) // shape[1] // node.attrs["groups"]
    generator = torch.Generator().manual_seed(seed_of(f"{node.path}.{name}", seed))
    values = torch.randn(shape, generator=generator, dtype=torch.float32, device="cpu")
    return values * math.sqrt(2.0 / max(inputs, 1))
