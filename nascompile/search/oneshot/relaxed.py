"""What one-shot searches need of the supernet that they are handed; they know no back end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from nascompile.ir.program import Decision


class Architecture(Protocol):
    """Architecture parameters: `logits`, and the weights of candidates and edges that follow from them.

    Calling it gives all weights as a flat vector; `slots[path, label]` is the place of a candidate in it and
    `places[name]` the range of a decision's logits. `decisions` are the relaxed ones, by path. `log_some` is the
    logarithm of the probability that one of independent edges is kept, along the last axis of their logits.
    """

    logits: nn.Parameter
    temperature: float
    slots: dict[tuple[str, str], int]
    places: dict[str, tuple[int, int]]
    decisions: dict[str, Decision]

    def __call__(self) -> Tensor: ...
    def relaxed(self) -> Mapping[str, list[float]]: ...
    def log_some(self, logits: Tensor, /) -> Tensor: ...


class Relaxed(Protocol):
    """A supernet: its output for images, and its two kinds of parameters."""

    def __call__(self, x: Tensor) -> Any: ...
    def weight_parameters(self) -> list[nn.Parameter]: ...
    def architecture_parameters(self) -> list[nn.Parameter]: ...
