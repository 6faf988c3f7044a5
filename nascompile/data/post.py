"""Cleaning predicted label maps: the largest component, filled holes, a smallest size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is done to each class but the background, in this order.

    `smallest`: components of less volume are removed (mm3, or pixels where an image knows no world). `largest`: only
    the largest component is kept. `holes`: background that a class encloses becomes that class.
    """

    smallest: float = 0.0
    largest: bool = False
    holes: bool = False

    @property
    def does_nothing(self) -> bool:
        return not (self.smallest or self.largest or self.holes)


def clean(labels: Labels, cleaning: Cleaning, spacing: tuple[float, ...] = ()) -> Labels:
    """Class indices (*space) after cleaning; components touch at faces. `spacing` gives a voxel's volume."""
    if cleaning.does_nothing:
        return labels
    from scipy import ndimage

    volume = float(np.prod(spacing)) if spacing else 1.0
    result = labels.copy()
    for value in np.unique(labels):
        if value == 0:
            continue
        mask = result == value
        components, count = ndimage.label(mask)
        if count:
            sizes = np.bincount(components.ravel())[1:] * volume
            kept = sizes >= cleaning.smallest
            if cleaning.largest:
                kept &= np.arange(count) == sizes.argmax()
            removed = mask & ~np.concatenate([[False], kept])[components]
            result[removed] = 0
        if cleaning.holes:
            mask = result == value
            result[ndimage.binary_fill_holes(mask) & (result == 0)] = value
    return result
