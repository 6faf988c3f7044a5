"""How a task's images are read, augmented and predicted, as MONAI components in the form of a bundle's configs.

They compute what `data.load`, `data.augment` and `train.predict` compute; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import radians
from pathlib import PurePosixPath
from typing import Any

from nascompile.data.augment import AUGMENTATIONS
from nascompile.data.task import Augment, Pairs, Table, Task, Threshold, ValueMap, Window

Component = dict[str, Any]
"""A class by name and its arguments: `{"_target_": "LoadImaged", "keys": ["image"]}`."""

_FLAT = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def component(target: str, **arguments: Any) -> Component:
    """An instance of a class of MONAI (by its name alone) or of any other (dotted)."""
    return {"_target_": target, **arguments}


def image_patterns(task: Task) -> list[str]:
    """Globs of the task's images below the folder that holds them; one, or one a channel."""
    default = "*.png" if task.rank == 2 else "*.nii.gz"
    match task.layout:
        case Pairs(image):
            written = [image] if isinstance(image, str) else list(image)
        case Table(image):
            written = [image.replace("{id}", "*")]
        case _:
            return [default]
    return [_below_the_folder(pattern.rstrip("/")) for pattern in written]


def _below_the_folder(pattern: str) -> str:
    """A pattern without the folders that it names in full."""
    parts = PurePosixPath(pattern).parts
    first = next((i for i, part in enumerate(parts) if set(part) & set("*?")), len(parts) - 1)
    return "/".join(parts[first:])


def is_flat(task: Task) -> bool:
    """Whether the task's images are PNG and the like, which know no world."""
    return task.rank == 2 and image_patterns(task)[0].lower().endswith(_FLAT)


def reading(task: Task, *, with_map: bool = False) -> list[Component]:
    """From files to what the network gets: slices, rows, columns of volumes turned to LPS, normalised.

    With `with_map` the label map `label` comes along, as class indices.
    """
    keys = ["image", "label"] if with_map else ["image"]
    is_tiff = is_flat(task) and image_patterns(task)[0].lower().endswith((".tif", ".tiff"))
    reader = {"reader": "PILReader"} if is_tiff else {}  # MONAI leaves TIFF to a package that need not be there
    steps = [component("LoadImaged", keys=keys, image_only=True, **reader)]
    steps.append(component("EnsureChannelFirstd", keys=keys))
    if task.rank == 3:
        steps.append(component("Orientationd", keys=keys, axcodes="SPL", labels=None))
    if task.spacing is not None:
        # Planes are columns, rows until they are transposed.
        spacing = task.spacing if task.rank == 3 else task.spacing[::-1]
        modes = ["bilinear", "nearest"][: len(keys)]
        resample = "scripts.images.ToSpacingd"
        steps.append(component(resample, keys=keys, spacing=list(spacing), mode=modes))
    if task.rank == 2:
        steps.append(component("Transposed", keys=keys, indices=[0, 2, 1]))
    match_channels = "scripts.images.MatchChannelsd"
    steps.append(component(match_channels, keys=["image"], channels=task.channels, has_alpha=is_flat(task)))
    steps += normalising(task)
    if with_map:
        steps.append(component(match_channels, keys=["label"], channels=1, has_alpha=is_flat(task)))
        steps.append(label_rule(task))
    return steps


def normalising(task: Task) -> list[Component]:
    """`data.load.normalise`."""
    match task.normalise:
        case "zscore":
            return [component("NormalizeIntensityd", keys=["image"], channel_wise=True)]
        case "scale":
            return [component("ScaleIntensityd", keys=["image"], minv=0.0, maxv=1.0)]
        case Window(low, high):
            bounds = {"a_min": low, "a_max": high, "b_min": 0.0, "b_max": 1.0}
            return [component("ScaleIntensityRanged", keys=["image"], **bounds, clip=True)]
        case "none":
            return []


def label_rule(task: Task) -> Component:
    """`data.labels.apply_rule`."""
    rule: dict[str, Any] = {"rule": "natural"}
    match task.labels:
        case Threshold(at):
            rule = {"rule": "threshold", "at": at}
        case ValueMap(pairs):
            rule = {"rule": "map", "values": [list(pair) for pair in pairs]}
    return component("scripts.images.ToClassesd", keys=["label"], classes=len(task.classes), **rule)


def sampling(task: Task) -> list[Component]:
    """From an image that was read to a patch of it: `data.dataset`."""
    is_map = task.kind == "segmentation"
    keys = ["image", "label"] if is_map else ["image"]
    size = list(task.patch)
    if task.sampling == "resize":
        modes = ["bilinear" if task.rank == 2 else "trilinear", "nearest-exact"][: len(keys)]
        return [component("Resized", keys=keys, spatial_size=size, mode=modes, anti_aliasing=False)]
    padding = [component("SpatialPadd", keys=keys, spatial_size=size)] if task.pad else []
    if task.sampling == "balanced" and is_map:
        rule = {"label_key": "label", "spatial_size": size, "pos": 1, "neg": 1, "num_samples": 1}
        return [*padding, component("RandCropByPosNegLabeld", keys=keys, **rule)]
    return [*padding, component("RandSpatialCropd", keys=keys, roi_size=size, random_size=False)]


def augmenting(task: Task) -> list[Component]:
    """The task's random transforms, in the order of the text."""
    keys = ["image", "label"] if task.kind == "segmentation" else ["image"]
    modes = ["bilinear", "nearest"][: len(keys)]
    steps: list[Component] = []
    for wanted in task.augment:
        steps += _AUGMENTING[wanted.name](_amount(wanted), wanted.probability, task.rank, keys, modes)
    return steps


def _amount(wanted: Augment) -> float:
    return (AUGMENTATIONS[wanted.name].amount if wanted.amount is None else wanted.amount) or 0.0


_Row = Callable[[float, float, int, list[str], list[str]], list[Component]]


def _flip(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Component]:
    return [component("RandFlipd", keys=keys, prob=p, spatial_axis=axis) for axis in range(rank)]


def _rotate90(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Component]:
    return [component("RandRotate90d", keys=keys, prob=p, max_k=3, spatial_axes=[rank - 2, rank - 1])]


def _rotate(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Component]:
    angle = radians(amount)
    return [component("RandRotated", keys=keys, range_x=angle, prob=p, mode=modes, padding_mode="reflection")]


def _zoom(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Component]:
    smooth = ["bilinear" if rank == 2 else "trilinear", "nearest-exact"][: len(keys)]
    limits = {"min_zoom": 1 - amount, "max_zoom": 1 + amount}
    return [component("RandZoomd", keys=keys, prob=p, **limits, mode=smooth, padding_mode="reflect")]


def _elastic(amount: float, p: float, rank: int, keys: list[str], modes: list[str]) -> list[Component]:
    common: dict[str, Any] = {"prob": p, "mode": modes, "padding_mode": "reflection"}
    if rank == 2:
        size = [0.0, amount]
        return [component("Rand2DElasticd", keys=keys, spacing=[16, 16], magnitude_range=size, **common)]
    size = [0.0, 30 * amount]
    return [component("Rand3DElasticd", keys=keys, sigma_range=[5.0, 5.0], magnitude_range=size, **common)]


def _of_intensity(target: str, arguments: Callable[[float], dict[str, Any]]) -> _Row:
    return lambda amount, p, rank, keys, modes: [component(target, keys=["image"], prob=p, **arguments(amount))]


def _blur(amount: float) -> dict[str, Any]:
    return {f"sigma_{axis}": [0.25, max(amount, 0.25)] for axis in "xyz"}


_AUGMENTING: dict[str, _Row] = {
    "flip": _flip,
    "rotate90": _rotate90,
    "rotate": _rotate,
    "zoom": _zoom,
    "elastic": _elastic,
    "intensity_shift": _of_intensity("RandShiftIntensityd", lambda a: {"offsets": a}),
    "intensity_scale": _of_intensity("RandScaleIntensityd", lambda a: {"factors": a}),
    "contrast": _of_intensity("RandAdjustContrastd", lambda a: {"gamma": [1 / (1 + a), 1 + a]}),
    "gaussian_noise": _of_intensity("RandGaussianNoised", lambda a: {"std": a}),
    "gaussian_smooth": _of_intensity("RandGaussianSmoothd", _blur),
}
"""By the names of `data.augment.AUGMENTATIONS`, each as built there."""


def inferer(task: Task) -> Component:
    """`train.predict.predict`: sliding windows, or what the task's sampling says."""
    size = list(task.patch)
    if task.sampling == "resize":
        return component("scripts.inferers.ResizeInferer", size=size)
    if task.kind == "classification":
        return component("scripts.inferers.CentreInferer", size=size)
    return component("SlidingWindowInferer", roi_size=size, sw_batch_size=4, overlap=0.25, mode="gaussian")


def saving(task: Task, channels: int, keys: Sequence[str] = ("pred",)) -> list[Component]:
    """From logits of `channels` channels to a mask on the grid of its image: classes meet where equally likely."""
    key = list(keys)
    single = channels == 1
    back = {"transform": "@preprocessing", "orig_keys": "image", "nearest_interp": False, "to_tensor": True}
    decide = {"threshold": 0.5} if single else {"argmax": True}
    file = {
        "output_dir": "@output_dir", "output_postfix": "seg", "output_ext": ".png" if is_flat(task) else ".nii.gz",
        "output_dtype": "$numpy.uint8", "data_root_dir": "@dataset_dir", "separate_folder": False, "resample": False,
    }  # fmt: skip
    return [
        component("Activationsd", keys=key, sigmoid=single, softmax=not single),
        component("Invertd", keys=key, **back),
        component("AsDiscreted", keys=key, **decide),
        component("SaveImaged", keys=key, **file),
    ]
