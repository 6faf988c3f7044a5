"""Finding images, their spacing, their channels, and the class indices of label maps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data.utils import affine_to_spacing, to_affine_nd
from monai.transforms import InvertibleTransform, MapTransform, SpatialResample

LUMA = (0.299, 0.587, 0.114)  # ITU-R 601


def find_images(folder: str, pattern: str | Sequence[str]) -> list[dict[str, Any]]:
    """One item an image. Several patterns are the channels of one case, their files paired in the order of names."""
    patterns = [pattern] if isinstance(pattern, str) else list(pattern)
    found = [sorted(str(file) for file in Path(folder).glob(p)) for p in patterns]
    if not found[0]:
        raise FileNotFoundError(f"nothing in {folder} matches {patterns[0]}: give --dataset_dir and --pattern")
    if len({len(files) for files in found}) > 1:
        raise ValueError(f"the channels have different numbers of files: {[len(files) for files in found]}")
    if len(found) == 1:
        return [{"image": file} for file in found[0]]
    return [{"image": list(files)} for files in zip(*found, strict=True)]


class ToSpacingd(MapTransform, InvertibleTransform):
    """Images at another spacing (millimetres, in the order of their axes), from the outer edge of the first voxel on.

    `Spacingd` spreads the voxels over the extent where that is no whole number of them; here they keep their spacing.
    """

    def __init__(self, keys: Sequence[str], spacing: Sequence[float], mode: Sequence[str]) -> None:
        super().__init__(keys)
        self.spacing, self.mode = np.array(spacing, dtype=np.float64), list(mode)
        self.resample = SpatialResample(padding_mode="border", dtype=np.float64)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        rank = len(self.spacing)
        for key, mode in self.key_iterator(result, self.mode):
            image = result[key]
            affine = to_affine_nd(rank, np.asarray(image.affine, dtype=np.float64))
            before = np.array(affine_to_spacing(affine, rank), dtype=np.float64)
            scale = np.ones(rank) if np.allclose(before, self.spacing, rtol=1e-4) else self.spacing / before
            size = [max(1, round(round(n / s, 3))) for n, s in zip(image.shape[1:], scale.tolist(), strict=True)]
            step = np.eye(rank + 1)
            step[:rank, :rank] = np.diag(scale)
            step[:rank, rank] = (scale - 1) / 2
            result[key] = self.resample(image, dst_affine=affine @ step, spatial_size=size, mode=mode)
        return result

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.resample.inverse(result[key])
        return result


class MatchChannelsd(MapTransform):
    """Without alpha; colour to grey, or grey to several equal channels, where the network wants that."""

    def __init__(self, keys: Sequence[str], channels: int, has_alpha: bool = False) -> None:
        super().__init__(keys)
        self.channels, self.has_alpha = channels, has_alpha

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.match(result[key])
        return result

    def match(self, image: torch.Tensor) -> torch.Tensor:
        if self.has_alpha and image.shape[0] in (2, 4):
            image = image[:-1]
        have = image.shape[0]
        if have == self.channels:
            return image
        if have == 1:
            return image.repeat(self.channels, *[1] * (image.dim() - 1))
        if have == 3 and self.channels == 1:
            if bool((image == image[:1]).all()):
                return image[:1]  # luma rounds, and a label map saved in colour keeps its values
            return LUMA[0] * image[:1] + LUMA[1] * image[1:2] + LUMA[2] * image[2:3]
        raise ValueError(f"an image has {have} channels, the network takes {self.channels}")


class ToClassesd(MapTransform):
    """Class indices (1, *space) of raw label maps.

    `rule` is `natural` (values are classes; of two classes also 0 and 255), `threshold` (above `at` is class 1) or
    `map` (raw value to class).
    """

    def __init__(
        self,
        keys: Sequence[str],
        classes: int,
        rule: str = "natural",
        at: float = 127.0,
        values: Sequence[Sequence[int]] = (),
    ) -> None:
        super().__init__(keys)
        self.classes, self.rule, self.at, self.values = classes, rule, at, values

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.indices(result[key][:1])
        return result

    def indices(self, raw: torch.Tensor) -> torch.Tensor:
        if self.rule == "threshold":
            return (raw > self.at).to(raw.dtype)
        if self.rule == "map":
            known = torch.zeros_like(raw, dtype=torch.bool)
            found = torch.zeros_like(raw)
            for value, index in self.values:
                known |= raw == value
                found[raw == value] = index
            return self.checked(found, bool(known.all()))
        if self.classes == 2 and bool(((raw == 0) | (raw == 255)).all()):
            return (raw > 0).to(raw.dtype)
        return self.checked(raw, bool((raw == raw.round()).all()))

    def checked(self, index: torch.Tensor, is_known: bool) -> torch.Tensor:
        if not is_known or not 0 <= int(index.min()) <= int(index.max()) < self.classes:
            raise ValueError(f"a label map has values outside of the {self.classes} classes")
        return index
