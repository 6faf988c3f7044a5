"""Finding images, their channels, and the class indices of label maps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.transforms import MapTransform

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
