"""Weights that a network takes over from another: those with the same path and shape."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def inherit(network: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Copy what has the same name and shape in `weights` (a supernet's `named_weights()`, a state dict) into the
    parameters and running statistics of a network; returns the names that found none, which keep their values.

    Counters of batches, which only matter without momentum, are left alone.
    """
    missing = []
    with torch.no_grad():
        for name, target in network.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            source = weights.get(name)
            if source is None or source.shape != target.shape:
                missing.append(name)
            else:
                target.copy_(source)
    return missing
