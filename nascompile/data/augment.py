"""Random transforms by name: a table of what each one does, on MONAI. Only `build` imports MONAI (and torch)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nascompile.data.task import Augment, Task
from nascompile.diagnostics import Diagnostic, Label, did_you_mean


@dataclass(frozen=True, slots=True)
class Augmentation:
    """A row of the table: the default amount, its meaning, and how to build MONAI transforms.

    `build(amount, probability, rank, keys, modes)` gets the keys that share geometry (`image`, and `label` if it is a
    map) and an interpolation mode for each; transforms of intensity use the image alone.
    """

    amount: float | None
    meaning: str
    build: Callable[[float, float, int, list[str], list[str]], list[Any]]


def _flip(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.spatial.dictionary import RandFlipd

    return [RandFlipd(keys, prob=p, spatial_axis=axis) for axis in range(rank)]


def _rotate90(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.spatial.dictionary import RandRotate90d

    return [RandRotate90d(keys, prob=p, max_k=3, spatial_axes=(rank - 2, rank - 1))]


def _rotate(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from math import radians

    from monai.transforms.spatial.dictionary import RandRotated

    # In the plane of the slices: for an array (slices, rows, columns) that is MONAI's first angle.
    return [RandRotated(keys, range_x=radians(amount), prob=p, mode=modes, padding_mode="reflection")]


def _zoom(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.spatial.dictionary import RandZoomd

    smooth = "bilinear" if rank == 2 else "trilinear"
    # torch's "nearest" takes the pixel at the corner, and would shift labels by half a pixel against their image.
    interpolation = [smooth if mode == "bilinear" else "nearest-exact" for mode in modes]
    return [
        RandZoomd(keys, prob=p, min_zoom=1 - amount, max_zoom=1 + amount, mode=interpolation, padding_mode="reflect")
    ]


def _elastic(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.spatial.dictionary import Rand2DElasticd, Rand3DElasticd

    if rank == 2:
        size = (0.0, amount)
        return [Rand2DElasticd(keys, (16, 16), size, prob=p, mode=modes, padding_mode="reflection")]
    # MONAI smooths a displacement per voxel here: a Gaussian of sigma 5 leaves a few hundredths of its magnitude.
    size = (0.0, 30 * amount)
    return [Rand3DElasticd(keys, (5.0, 5.0), size, prob=p, mode=modes, padding_mode="reflection")]


def _intensity_shift(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.intensity.dictionary import RandShiftIntensityd

    return [RandShiftIntensityd(["image"], offsets=amount, prob=p)]


def _intensity_scale(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.intensity.dictionary import RandScaleIntensityd

    return [RandScaleIntensityd(["image"], factors=amount, prob=p)]


def _contrast(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.intensity.dictionary import RandAdjustContrastd

    return [RandAdjustContrastd(["image"], prob=p, gamma=(1 / (1 + amount), 1 + amount))]


def _gaussian_noise(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.intensity.dictionary import RandGaussianNoised

    return [RandGaussianNoised(["image"], prob=p, std=amount)]


def _gaussian_smooth(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Any]:
    from monai.transforms.intensity.dictionary import RandGaussianSmoothd

    sigma = (0.25, max(amount, 0.25))
    return [RandGaussianSmoothd(["image"], prob=p, sigma_x=sigma, sigma_y=sigma, sigma_z=sigma)]


AUGMENTATIONS: dict[str, Augmentation] = {
    "flip": Augmentation(None, "mirror each axis, one by one", _flip),
    "rotate90": Augmentation(None, "quarter turns in the plane of the last two axes", _rotate90),
    "rotate": Augmentation(15.0, "turn by up to so many degrees in the plane of the last two axes", _rotate),
    "zoom": Augmentation(0.1, "scale by 1 - amount to 1 + amount, same size", _zoom),
    "elastic": Augmentation(2.0, "smooth displacements of about so many pixels", _elastic),
    "intensity_shift": Augmentation(0.1, "add a number up to amount", _intensity_shift),
    "intensity_scale": Augmentation(0.1, "multiply by 1 - amount to 1 + amount", _intensity_scale),
    "contrast": Augmentation(0.3, "gamma curve with an exponent of 1 / (1 + amount) to 1 + amount", _contrast),
    "gaussian_noise": Augmentation(0.1, "add noise of up to this standard deviation", _gaussian_noise),
    "gaussian_smooth": Augmentation(1.0, "blur with a sigma of up to so many pixels", _gaussian_smooth),
}


def check_augmentations(task: Task) -> list[Diagnostic]:
    """Unknown names, amounts that mean nothing, quarter turns of a patch that is not square."""
    problems: list[Diagnostic] = [problem for part in task.parts for problem in check_augmentations(part)]
    for wanted in () if task.parts else task.augment:
        span = wanted.span or task.span("augment")
        at = None if span is None else Label(span)
        row = AUGMENTATIONS.get(wanted.name)
        if row is None:
            hint = did_you_mean(wanted.name, AUGMENTATIONS) or f"there are {', '.join(AUGMENTATIONS)}"
            problems.append(
                Diagnostic("unknown-augmentation", f"there is no augmentation `{wanted.name}`", at, hint=hint)
            )
            continue
        amount = row.amount if wanted.amount is None else wanted.amount
        if wanted.amount is not None and row.amount is None:
            message = f"`{wanted.name}` takes no amount"
            problems.append(Diagnostic("bad-augmentation", message, at, hint=f"write `{wanted.name}`"))
        elif amount is not None and (amount < 0 or (wanted.name in ("zoom", "intensity_scale") and amount >= 1)):
            message = f"`{wanted.name}` by {amount:g} makes no sense"
            problems.append(Diagnostic("bad-augmentation", message, at, hint=f"the amount: {row.meaning}"))
        if not 0 <= wanted.probability <= 1:
            message = f"the probability of `{wanted.name}` is {wanted.probability:g}"
            problems.append(Diagnostic("bad-augmentation", message, at, hint="write a number from 0 to 1"))
        if wanted.name == "rotate90" and task.patch[-1:] != task.patch[-2:-1]:
            message = f"quarter turns need a square patch, this one is {list(task.patch)}"
            problems.append(Diagnostic("bad-augmentation", message, at, hint="use `flip`, or a square patch"))
    return problems


def build(augment: tuple[Augment, ...], rank: int, *, label_map: bool) -> list[Any]:
    """MONAI dictionary transforms in the order of the text; `label_map` says that `label` moves with the image."""
    keys = ["image", "label"] if label_map else ["image"]
    modes = ["bilinear", "nearest"][: len(keys)]
    transforms: list[Any] = []
    for wanted in augment:
        row = AUGMENTATIONS[wanted.name]
        amount = row.amount if wanted.amount is None else wanted.amount
        transforms += row.build(amount or 0.0, wanted.probability, rank, keys, modes)
    return transforms
