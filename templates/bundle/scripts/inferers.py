"""Predicting images of another size than the patch where a sliding window is not what the network was trained for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from monai.inferers import Inferer


def resize(images: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Images (n, channels, *space) at another size, linearly."""
    mode = "bilinear" if len(size) == 2 else "trilinear"
    return F.interpolate(images, tuple(size), mode=mode, align_corners=False)


class ResizeInferer(Inferer):
    """The image is resized to the patch; maps are resized back, scores of classes are left."""

    def __init__(self, size: Sequence[int]) -> None:
        self.size = tuple(size)

    def __call__(self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        found = network(resize(inputs, self.size), *args, **kwargs)
        return found if found.dim() == 2 else resize(found, tuple(inputs.shape[2:]))


class CentreInferer(Inferer):
    """The image is cropped and padded with zeros around its centre."""

    def __init__(self, size: Sequence[int]) -> None:
        self.size = tuple(size)

    def __call__(self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        margins: list[int] = []
        for axis, wanted in enumerate(self.size, start=2):
            spare = inputs.shape[axis] - wanted
            if spare > 0:
                inputs = inputs.narrow(axis, spare // 2, wanted)
            missing = max(-spare, 0)
            margins = [missing // 2, missing - missing // 2, *margins]
        return network(F.pad(inputs, margins), *args, **kwargs)
