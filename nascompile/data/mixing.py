"""Mixing the images of a batch (mixup, arXiv 1710.09412; MixSearch, arXiv 2102.13280), as functions of a generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Mixture:
    """Weights that sum to 1, and for each the order in which the batch is taken. The first order is the identity."""

    weights: tuple[float, ...]
    orders: tuple[tuple[int, ...], ...]


def draw_mixture(size: int, alpha: float, rng: np.random.Generator, ways: int = 2) -> Mixture:
    """How to mix a batch of `size` images.

    Two ways: lam ~ Beta(alpha, alpha), weights lam and 1 - lam. More ways: the softmax of that many Beta draws
    (MixSearch's 4-mix). `alpha` 0 mixes nothing: weight 1 for the batch as it is.
    """
    if ways < 2:
        raise ValueError(f"a mixture has at least 2 ways, not {ways}")
    identity = tuple(range(size))
    if alpha == 0:
        return Mixture((1.0,), (identity,))
    if ways == 2:
        lam = float(rng.beta(alpha, alpha))
        weights: tuple[float, ...] = (lam, 1.0 - lam)
    else:
        weights = softmax(rng.beta(alpha, alpha, ways))
    shuffled = (tuple(int(i) for i in rng.permutation(size)) for _ in range(ways - 1))
    return Mixture(weights, (identity, *shuffled))


def softmax(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    """exp(v) / sum exp(v), as plain numbers."""
    powers = np.exp(np.asarray(values, float) - np.max(values))
    return tuple(float(p) for p in powers / powers.sum())


def mix_images(images: torch.Tensor, mixture: Mixture) -> torch.Tensor:
    """sum_i weight_i * images[order_i]; the same shape."""
    if len(mixture.weights) == 1:
        return images
    parts = (w * images[list(order)] for w, order in zip(mixture.weights, mixture.orders, strict=True))
    first = next(parts)
    return sum(parts, first)


def mix_loss(loss: Callable[[torch.Tensor], torch.Tensor], target: torch.Tensor, mixture: Mixture) -> torch.Tensor:
    """sum_i weight_i * loss(target[order_i]), where `loss` already holds the prediction for the mixed images."""
    parts = (w * loss(target[list(order)]) for w, order in zip(mixture.weights, mixture.orders, strict=True))
    first = next(parts)
    return sum(parts, first)
