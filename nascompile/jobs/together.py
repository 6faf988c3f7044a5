"""Evaluating one network after another on the same images, many images at once.

`evaluate` hands a network one image (or one window) after another. A network on tiles takes most of its time for what
does not depend on how many images there are. So what `evaluate` hands over is noted once; then each network computes
all of it in large batches, and `evaluate` is given the outputs in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

LARGEST = 1 << 22
"""Numbers of all noted inputs together above which nothing is gained, and memory would be lost."""

BATCH = 32


class Noting(torch.nn.Module):
    """Passes inputs on to a network and keeps them; `inputs` is None when they became too large to keep."""

    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network
        self.output_names = getattr(network, "output_names", ())
        self.inputs: list[torch.Tensor] | None = []
        self._size = 0

    def forward(self, x: torch.Tensor) -> Any:
        self._size += x.numel()
        if self._size > LARGEST:
            self.inputs = None
        if self.inputs is not None:
            self.inputs.append(x.detach().clone())
        return self.network(x)


class Repeating(torch.nn.Module):
    """Answers with outputs that were computed before, in their order."""

    def __init__(self, outputs: Sequence[Any], names: Sequence[str]):
        super().__init__()
        self._outputs = iter(outputs)
        self.output_names = names

    def forward(self, x: torch.Tensor) -> Any:
        return next(self._outputs)


def compute_together(network: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> list[Any]:
    """The outputs of `network`, in evaluation mode, for inputs (n, ...) each, computed in batches of equal shapes."""
    outputs: list[Any] = []
    start = 0
    with torch.no_grad():
        while start < len(inputs):
            end = start + 1
            total = len(inputs[start])
            while end < len(inputs) and inputs[end].shape[1:] == inputs[start].shape[1:] and total < BATCH:
                total += len(inputs[end])
                end += 1
            lengths = [len(x) for x in inputs[start:end]]
            found = network(torch.cat(list(inputs[start:end])))
            outputs += _split(found, lengths)
            start = end
    return outputs


def _split(found: Any, lengths: list[int]) -> list[Any]:
    if isinstance(found, torch.Tensor):
        return list(torch.split(found, lengths))
    return [tuple(parts) for parts in zip(*(torch.split(tensor, lengths) for tensor in found), strict=True)]
