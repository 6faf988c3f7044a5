"""Cases as training patches and whole images, on MONAI's cache. What is drawn depends on (seed, epoch, index) only.

So a resumed run, or one with another number of cases already drawn, sees the very same batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.data.dataset import CacheDataset
from monai.data.dataset import Dataset as MonaiDataset
from monai.data.meta_obj import get_track_meta, set_track_meta
from monai.transforms.compose import Compose
from monai.transforms.croppad.dictionary import RandCropByPosNegLabeld, RandSpatialCropd, SpatialPadd
from monai.transforms.spatial.dictionary import Resized
from monai.transforms.transform import Transform
from torch.utils.data import Dataset

from nascompile.data.augment import build
from nascompile.data.cases import Case
from nascompile.data.load import fits_patch, label_problem, load_case, patch_problem
from nascompile.data.splits import empty_split, load_splits
from nascompile.data.splits import halves as case_halves
from nascompile.data.task import SplitName, Task
from nascompile.diagnostics import Diagnostic, NasError

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Images (n, channels, *patch) float32; labels (n, 1, *patch) int64, or (n,) int64 for classification; case ids."""

    image: torch.Tensor
    label: torch.Tensor
    ids: tuple[str, ...]

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return Batch(self.image.to(device), self.label.to(device), self.ids)


class LoadCase(Transform):
    """MONAI transform from `{"case": Case}` to tensors `image`, `label` and the `id`.

    Problems are collected in `problems` (so that one run names all the bad cases), and the case gives an empty item.
    """

    def __init__(self, task: Task, *, training: bool) -> None:
        self.task, self.training = task, training
        self.problems: list[tuple[str, Diagnostic]] = []

    def __call__(self, data: Item) -> Item:
        case: Case = data["case"]
        try:
            loaded = load_case(self.task, case)
        except NasError as bad:
            self.problems += [(case.id, d) for d in bad.diagnostics]
            return {}
        if loaded.label is None:
            self.problems.append((case.id, label_problem(self.task, case)))
            return {}
        source = self.task.sources[case.part]
        if self.training and not fits_patch(source, loaded.image.shape[1:]):
            self.problems.append((case.id, patch_problem(source, case, loaded.image.shape[1:])))
            return {}
        item: Item = {
            "image": torch.from_numpy(loaded.image),
            "id": loaded.id,
            "part": case.part,
            "spacing": loaded.geometry.spacing[::-1],
        }
        if isinstance(loaded.label, np.ndarray):
            item["label"] = torch.from_numpy(loaded.label)
        else:
            item["label"] = torch.tensor(loaded.label, dtype=torch.int64)
        return item

    def settle(self) -> None:
        """Raise what was collected, in the order of the cases."""
        if self.problems:
            problems, self.problems = sorted(self.problems, key=lambda p: p[0]), []
            raise NasError(d for _, d in problems)


class FitPatch(Transform):
    """MONAI transform that makes a training image at least as large as the patch, by the rules of its part."""

    def __init__(self, task: Task) -> None:
        self.steps = [Compose(_fit(part, part.kind == "segmentation")) for part in task.sources]

    def __call__(self, data: Item) -> Item:
        return data and dict(self.steps[data["part"]](data))


class Patches(Dataset[Item]):
    """Random patches of cases: `sample(index, epoch)` is a pure function of (seed, epoch, index).

    Has state for MONAI's sake: its transforms own random generators, reseeded before each sample. The first patches of
    all cases come first, then the second ones of those parts that take more. `draw` has a transform for each part;
    without it the items are whole images.
    """

    def __init__(
        self,
        items: Dataset[Item],
        cases: Sequence[Case],
        loader: LoadCase,
        draw: Sequence[Compose] | None,
        seed: int,
        indices: Sequence[int] | None = None,
    ):
        self.items, self.cases, self.loader, self.draw, self.seed = items, tuple(cases), loader, draw, seed
        self.indices = tuple(range(len(self.cases)) if indices is None else indices)
        samples = [part.samples if draw is not None else 1 for part in loader.task.sources]
        self.entries = tuple(
            (position, repeat)
            for repeat in range(max(samples))
            for position in self.indices
            if repeat < samples[self.cases[position].part]
        )

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Item:
        return self.sample(index, 0)

    def sample(self, index: int, epoch: int) -> Item:
        """The item at `index` as it looks in `epoch`; raises `NasError` if its case cannot be read."""
        position, repeat = self.entries[index]
        item = dict(self.items[position])
        self.loader.settle()
        if self.draw is None:
            return item
        draw = self.draw[self.cases[position].part]
        draw.set_random_state(seed=_seed(self.seed, epoch, position, repeat))
        tracking = get_track_meta()
        set_track_meta(False)  # affine bookkeeping costs more than the transforms of a small patch
        try:
            drawn = draw(item)
        finally:
            set_track_meta(tracking)
        result: Item = drawn[0] if isinstance(drawn, list) else drawn
        return result

    def subset(self, chosen: Sequence[Case]) -> Patches:
        """The same patches of some of the cases, sharing the cache; a case's patches stay what they were."""
        ids = {case.id for case in chosen}
        indices = [i for i in self.indices if self.cases[i].id in ids]
        return Patches(self.items, self.cases, self.loader, self.draw, self.seed, indices)

    def selected(self) -> tuple[Case, ...]:
        """The cases of this (sub)set."""
        return tuple(self.cases[i] for i in self.indices)


def datasets(task: Task, split: SplitName | Sequence[Case], seed: int = 0, *, cache: bool = True) -> Patches:
    """The cases of a split: augmented patches for `train`, whole images for `val` and `test`.

    A sequence of cases counts as training. With `cache` all cases are read now, once; raises one `NasError` that names
    every case that cannot be read. Without it a bad case is an error when its turn comes.
    """
    cases = load_splits(task).named(split) if isinstance(split, str) else tuple(split)
    if not cases:
        raise NasError([empty_split(task, split if isinstance(split, str) else "train")])
    training = not isinstance(split, str) or split == "train"
    loader = LoadCase(task, training=training)
    segmentation = task.kind == "segmentation"
    steps: list[Any] = [loader, *([FitPatch(task)] if training else [])]
    data = [{"case": case} for case in cases]
    tracking = get_track_meta()
    set_track_meta(False)
    try:
        items = CacheDataset(data, Compose(steps), progress=False) if cache else MonaiDataset(data, Compose(steps))
    except RuntimeError:
        loader.settle()
        raise
    finally:
        set_track_meta(tracking)
    loader.settle()
    draw = [
        Compose([*_crop(part, segmentation), *build(part.augment, part.rank, label_map=segmentation)])
        for part in task.sources
    ]
    return Patches(items, cases, loader, draw if training else None, seed)


def _keys(segmentation: bool) -> tuple[list[str], list[str]]:
    return (["image", "label"], ["bilinear", "nearest"]) if segmentation else (["image"], ["bilinear"])


def _fit(task: Task, segmentation: bool) -> list[Any]:
    """Deterministic steps that make every training image at least as large as the patch."""
    keys, _ = _keys(segmentation)
    if task.sampling == "resize":
        smooth = "bilinear" if task.rank == 2 else "trilinear"
        modes = [smooth, "nearest-exact"][: len(keys)]  # "nearest" would shift labels by up to half a pixel
        return [Resized(keys, spatial_size=task.patch, mode=modes, anti_aliasing=False, allow_missing_keys=True)]
    return [SpatialPadd(keys, spatial_size=task.patch, allow_missing_keys=True)] if task.pad else []


def _crop(task: Task, segmentation: bool) -> list[Any]:
    keys, _ = _keys(segmentation)
    if task.sampling == "resize":
        return []
    if task.sampling == "balanced" and segmentation:
        return [RandCropByPosNegLabeld(keys, label_key="label", spatial_size=task.patch, pos=1, neg=1, num_samples=1)]
    return [RandSpatialCropd(keys, roi_size=task.patch, random_size=False)]


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def halves(dataset: Patches, seed: int, portion: float = 0.5) -> tuple[Patches, Patches]:
    """The patches for the weights and those for the architecture, sharing one cache; see `splits.halves`.

    Raises NasError (`empty-split`) for a single case, or a single group of cases.
    """
    weights, architecture = case_halves(dataset.selected(), seed, portion)
    if not (weights and architecture):
        task = dataset.loader.task
        count = len(dataset.selected())
        what = "a single case" if count == 1 else f"a single group of {count} cases"
        message = f"`{task.name}` has {what} to train on; a relaxed search needs others for the architecture"
        hint = "put a second one into the split `train`; planes of a volume are one group"
        raise NasError([task.problem("empty-split", message, "split", hint=hint)])
    return dataset.subset(weights), dataset.subset(architecture)


def batches(
    dataset: Patches,
    batch: int,
    seed: int,
    epoch: int,
    *,
    start: int = 0,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Iterator[Batch]:
    """The batches of one epoch, in an order that (seed, epoch) alone decides, from batch number `start` on.

    The last batch may be smaller unless `drop_last`; a set smaller than one batch always gives one batch.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(dataset)) if shuffle else np.arange(len(dataset))
    for number in range(start, batch_count(dataset, batch, drop_last=drop_last)):
        chosen = order[number * batch : (number + 1) * batch]
        yield collate([dataset.sample(int(i), epoch) for i in chosen])


def batch_at(dataset: Patches, batch: int, seed: int, step: int, *, drop_last: bool = False) -> Batch:
    """The batch of a training step: number `step` of the epochs laid end to end. Nothing to keep between steps."""
    epoch, number = divmod(step, batch_count(dataset, batch, drop_last=drop_last))
    return next(batches(dataset, batch, seed, epoch, start=number, drop_last=drop_last))


def batch_count(dataset: Patches, batch: int, *, drop_last: bool = False) -> int:
    """How many batches an epoch has."""
    whole, rest = divmod(len(dataset), batch)
    return max(1, whole) if drop_last or not rest else whole + 1


def collate(items: Sequence[Item]) -> Batch:
    """Stack items into a batch."""
    images = torch.stack([torch.as_tensor(item["image"]) for item in items]).float()
    labels = torch.stack([torch.as_tensor(item["label"]) for item in items]).long()
    return Batch(images, labels, tuple(item["id"] for item in items))
