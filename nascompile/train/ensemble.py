"""Probabilities of several predictions as one: over flips of an image, and over networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Literal, get_args

import torch
from torch import Tensor

Fusion = Literal["mean", "geometric", "vote"]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)


def flips(rank: int) -> Iterator[tuple[int, ...]]:
    """The axes of every combination of flips of an image (n, channels, *space), none first."""
    axes = range(2, 2 + rank)
    for count in range(rank + 1):
        yield from combinations(axes, count)


def over_flips(scores: Callable[[Tensor], Tensor], images: Tensor, *, is_map: bool) -> Tensor:
    """The mean of `scores` over all flips of the images; maps are flipped back first."""
    total: Tensor | None = None
    count = 0
    for axes in flips(images.dim() - 2):
        found = scores(images.flip(axes) if axes else images)
        found = found.flip(axes) if axes and is_map else found
        total = found if total is None else total + found
        count += 1
    assert total is not None
    return total / count


def fuse(scores: Sequence[Tensor], how: Fusion = "mean", weights: Sequence[float] | None = None) -> Tensor:
    """Probabilities (classes, ...) of several networks as one, with classes that sum to one.

    `mean` is the weighted arithmetic mean, `geometric` the normalised weighted geometric mean, `vote` the weighted
    share of the networks that find a class likeliest (the first of equals).
    """
    given = [1.0] * len(scores) if weights is None else list(weights)
    share = torch.tensor(given, dtype=scores[0].dtype) / sum(given)
    if how == "geometric":
        logs = sum(w * s.clamp_min(1e-12).log() for w, s in zip(share, scores, strict=True))
        return torch.softmax(torch.as_tensor(logs), 0)
    if how == "vote":
        scores = [torch.nn.functional.one_hot(s.argmax(0), s.shape[0]).movedim(-1, 0).to(s.dtype) for s in scores]
    return torch.as_tensor(sum(w * s for w, s in zip(share, scores, strict=True)))
