"""Batches are functions of (seed, epoch, index), patches move with their labels, halves share nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.transforms.compose import Compose
from PIL import Image
from scipy import ndimage

from nascompile.data.augment import AUGMENTATIONS, build
from nascompile.data.dataset import FitPatch, batch_at, batch_count, batches, datasets, halves
from nascompile.data.task import Augment, Pairs, Task, union
from nascompile.diagnostics import NasError

EVERYTHING = tuple(Augment(name, probability=1.0) for name in AUGMENTATIONS)


def test_shapes_and_types(nuclei: Task, lidc: Task) -> None:
    batch = next(batches(datasets(nuclei, "train"), 3, 0, 0))
    assert batch.image.shape == (3, 1, 64, 64) and batch.label.shape == (3, 1, 64, 64)
    assert batch.image.dtype == torch.float32 and batch.label.dtype == torch.int64
    assert type(batch.image) is torch.Tensor
    batch = next(batches(datasets(replace(lidc, samples=1), "val"), 4, 0, 0))
    assert batch.image.shape == (4, 1, 32, 32, 32) and batch.label.shape == (4,)
    assert len(datasets(nuclei, "val")) == 4
    assert datasets(nuclei, "val")[0]["image"].shape == (1, 96, 128)


@pytest.mark.parametrize("how", [24, 64, 128, "zoom"])
def test_labels_stay_where_their_image_is(nuclei: Task, how: int | str) -> None:
    """The centre of an object of the label map is that of the same object in the image."""
    where = np.square(np.mgrid[:96, :96] - np.array([50.0, 40.0])[:, None, None]).sum(0) < 15**2
    item = {
        "image": torch.from_numpy(where[None].astype(np.float32)),
        "label": torch.from_numpy(where[None].astype(int)),
    }
    if isinstance(how, int):
        fit = FitPatch(replace(nuclei, sampling="resize", patch=(how, how)))
        found = [fit({**item, "part": 0})]
    else:
        zoom = Compose(build((Augment("zoom", 0.3, 1.0),), 2, label_map=True))
        found = [zoom.set_random_state(seed=seed)(dict(item)) for seed in range(20)]
    centres = [[ndimage.center_of_mass(np.asarray(each[key])[0]) for key in ("image", "label")] for each in found]
    of_image, of_label = np.mean(centres, 0)
    np.testing.assert_allclose(of_image, of_label, atol=0.2)


@pytest.mark.parametrize("sampling", ["crop", "balanced", "resize"])
def test_batches_depend_on_seed_epoch_and_index_only(nuclei: Task, sampling: str) -> None:
    task = replace(nuclei, augment=EVERYTHING, samples=2, sampling=sampling)
    first = list(batches(datasets(task, "train", seed=7), 5, 7, epoch=3))
    torch.manual_seed(99)
    np.random.seed(99)
    other = datasets(task, "train", seed=7, cache=False)
    other.sample(5, 1)
    assert [b.ids for b in batches(other, 5, 7, epoch=3)] == [b.ids for b in first]
    late = list(batches(other, 5, 7, epoch=3, start=2))
    assert len(first) == 4 and len(late) == 2
    for a, b in zip(first[2:], late, strict=True):
        assert torch.equal(a.image, b.image) and torch.equal(a.label, b.label)
    again = next(batches(other, 5, 7, epoch=4))
    assert again.ids != first[0].ids
    assert not torch.equal(again.image, first[0].image)
    assert not torch.equal(next(batches(datasets(task, "train", seed=8), 5, 7, epoch=3)).image, first[0].image)


def test_global_generators_are_left_alone(nuclei: Task) -> None:
    data = datasets(replace(nuclei, augment=EVERYTHING), "train")
    torch.manual_seed(1)
    np.random.seed(1)
    list(batches(data, 4, 0, 0))
    here = torch.rand(1), np.random.rand()
    torch.manual_seed(1)
    np.random.seed(1)
    assert (torch.rand(1), np.random.rand()) == here


def test_samples_give_several_patches_of_a_case(nuclei: Task) -> None:
    data = datasets(replace(nuclei, samples=3), "train")
    assert len(data) == 24
    assert data[0]["id"] == data[8]["id"] == data[16]["id"]
    assert not torch.equal(data[0]["image"], data[8]["image"])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_label_moves_with_the_image(nuclei: Task, name: str) -> None:
    """With the label map as the image too, both must come out alike, but for interpolation and intensity."""
    task = replace(
        nuclei, layout=replace(nuclei.layout, image="labels/*.png"), augment=(Augment(name, probability=1.0),)
    )
    task = replace(task, normalise="none", sampling="crop")
    data = datasets(task, "train")
    plain = datasets(replace(task, augment=()), "train")
    changed = 0
    for i in range(len(data)):
        item = data[i]
        assert set(item["label"].unique().tolist()) <= {0, 1, 2}
        image, label = item["image"].float(), item["label"].float()
        if name in ("flip", "rotate90"):
            assert torch.equal(image, label)
        elif name in ("rotate", "zoom", "elastic"):
            assert (image - label).abs().mean() < 0.2
        changed += not torch.equal(image, plain[i]["image"].float())
    assert changed >= 6


def test_volumes_are_augmented_too(lidc: Task) -> None:
    data = datasets(replace(lidc, augment=EVERYTHING, sampling="crop", patch=(24, 24, 24)), "val")
    assert data[0]["image"].shape == (1, 32, 32, 32)
    few = data.cases[:2]
    patches = datasets(replace(lidc, augment=EVERYTHING, sampling="crop", patch=(24, 24, 24)), few)
    assert patches[0]["image"].shape == (1, 24, 24, 24)
    assert torch.equal(patches[0]["image"], patches[0]["image"])


def test_balanced_patches_hold_more_foreground(shared: Path) -> None:
    task = Task(
        "p", shared / "nuclei_dsb2018", Pairs("images/*.png", "masks/*.png"), channels=3, patch=(32, 32), samples=4
    )
    shares = {}
    for sampling in ("crop", "balanced"):
        data = datasets(replace(task, sampling=sampling), "train")
        shares[sampling] = torch.stack([data[i]["label"].float().mean() for i in range(len(data))]).mean().item()
    assert shares["balanced"] > 1.3 * shares["crop"]


def test_small_images_are_padded_to_the_patch(nuclei: Task) -> None:
    data = datasets(replace(nuclei, patch=(160, 160), augment=()), "train")
    item = data[0]
    assert item["image"].shape == item["label"].shape == (1, 160, 160)
    assert (item["label"][0, :16] == 0).all() and (item["image"][0, :16] == 0).all()


def test_halves_share_the_cache_and_no_case(nuclei: Task) -> None:
    data = datasets(nuclei, "train", seed=2)
    weights, architecture = halves(data, 0, 0.5)
    assert len(weights) == len(architecture) == 4
    assert weights.items is architecture.items
    seen = [{i for b in batches(half, 2, 0, 0) for i in b.ids} for half in (weights, architecture)]
    assert not seen[0] & seen[1] and len(seen[0] | seen[1]) == 8
    item = architecture.sample(1, 5)
    whole = next(i for i, case in enumerate(data.cases) if case.id == item["id"])
    assert torch.equal(item["image"], data.sample(whole, 5)["image"])


def test_batch_of_a_step(nuclei: Task) -> None:
    data = datasets(nuclei, "train")
    laid = [b for epoch in range(3) for b in batches(data, 3, 5, epoch)]
    for step in (0, 2, 3, 7):
        batch = batch_at(data, 3, 5, step)
        assert batch.ids == laid[step].ids and torch.equal(batch.image, laid[step].image)


def test_patch_larger_than_a_resampled_image(nuclei: Task) -> None:
    with pytest.raises(NasError, match=r"patch-too-large.*\[64, 64\].*\[32, 32\]") as caught:
        datasets(replace(nuclei, spacing=(4.0, 4.0), pad=False), "train")
    assert len(caught.value.diagnostics) == 8


def test_images_without_labels_teach_nothing(nuclei: Task) -> None:
    task = replace(nuclei, layout=Pairs("images/*.png"))
    with pytest.raises(NasError, match=r"missing-label.*`train_r128_c000` has no label map"):
        datasets(task, "train")


def test_batch_count(nuclei: Task) -> None:
    data = datasets(nuclei, "train")
    for batch, drop in ((3, False), (3, True), (8, True), (20, True), (20, False)):
        assert batch_count(data, batch, drop_last=drop) == len(list(batches(data, batch, 0, 0, drop_last=drop)))
    assert batch_count(data, 3) == 3 and batch_count(data, 3, drop_last=True) == 2


def test_bad_cases_are_named_together(own: Path, nuclei: Task) -> None:
    task = replace(nuclei, root=own)
    for name in ("train_r128_c000", "train_r256_c128"):
        path = own / "labels" / f"{name}.png"
        Image.fromarray(np.full((128, 128), 7, np.uint8)).save(path)
    with pytest.raises(NasError) as caught:
        datasets(task, "train")
    assert [p.code for p in caught.value.diagnostics] == ["label-outside-classes"] * 2
    assert "`train_r128_c000`" in caught.value.diagnostics[0].message
    assert "`labels = map([0, 0], [255, 1])`" in (caught.value.diagnostics[0].hint or "")
    lazy = datasets(task, "train", cache=False)
    with pytest.raises(NasError, match="label-outside-classes"):
        list(batches(lazy, 4, 0, 0))


def test_union_mixes_grey_and_colour(nuclei: Task) -> None:
    both = union("both", (nuclei, replace(nuclei, name="colour", channels=3)))
    data = datasets(both, "train")
    assert len(data) == 16
    assert all(data[i]["image"].shape == (3, 64, 64) for i in range(16))
    ids = {i.split("/")[0] for b in batches(data, 8, 0, 0) for i in b.ids}
    assert ids == {"nuclei", "colour"}
