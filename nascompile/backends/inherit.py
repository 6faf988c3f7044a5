"""Weights that a network takes over from another: those with the same path and shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a network took over: names of the weights that fit, and why the others did not."""

    taken: tuple[str, ...]
    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    unused: tuple[str, ...]

    def lines(self) -> list[str]:
        """A short account."""
        total = len(self.taken) + len(self.missing) + len(self.mismatched)
        rows = [f"{len(self.taken)} of {total} weights taken over"]
        for noun, names in (
            ("not there", self.missing),
            ("of another shape", self.mismatched),
            ("unused", self.unused),
        ):
            if names:
                shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
                rows.append(f"{len(names)} {noun}: {shown}")
        return rows


def inherit(network: nn.Module, weights: Mapping[str, Tensor]) -> Inherited:
    """Copy what has the same name and shape in `weights` (a supernet's `named_weights()`, a state dict) into the
    parameters and running statistics of a network; all others keep their values."""
    own = network.state_dict()
    taken, missing, mismatched = [], [], []
    with torch.no_grad():
        for name, tensor in own.items():
            if name.endswith("num_batches_tracked"):
                continue  # a counter that only matters without momentum
            given = weights.get(name)
            if given is None:
                missing.append(name)
            elif given.shape != tensor.shape:
                mismatched.append(f"{name} {list(given.shape)} for {list(tensor.shape)}")
            else:
                tensor.copy_(given)
                taken.append(name)
    unused = tuple(name for name in weights if name not in own)
    return Inherited(tuple(taken), tuple(missing), tuple(mismatched), unused)
