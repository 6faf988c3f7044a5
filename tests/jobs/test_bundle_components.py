"""What a bundle's configs build computes what nascompile computes, on the shipped images."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.bundle import ConfigParser
from monai.data.meta_obj import set_track_meta
from monai.transforms.compose import Compose

from nascompile.config.constants import Choice
from nascompile.config.loss import LossTerm
from nascompile.config.search import Optimiser
from nascompile.data.augment import AUGMENTATIONS, build
from nascompile.data.cases import Case
from nascompile.data.load import load_case
from nascompile.data.task import Augment, Pairs, Table, Task, Threshold, ValueMap, Window
from nascompile.jobs.bundle_losses import loss_of, optimiser_of, schedule_of
from nascompile.jobs.bundle_steps import augmenting, image_patterns, inferer, reading, saving
from nascompile.train.losses import LOSSES, make_loss
from nascompile.train.optimisers import SCHEDULES, make_optimiser, make_schedule
from nascompile.train.predict import predict


@pytest.fixture(autouse=True)
def scripts(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The bundle's `scripts` package is importable, as in a bundle's folder."""
    monkeypatch.syspath_prepend(str(root / "templates" / "bundle"))
    yield
    for name in [n for n in sys.modules if n == "scripts" or n.startswith("scripts.")]:
        del sys.modules[name]


def parsed(config: Any) -> Any:
    parser = ConfigParser({"imports": ["$import torch", "$import numpy"], "found": config})
    parser.parse()
    return parser.get_parsed_content("found")


def compose(steps: list[dict[str, Any]]) -> Compose:
    return parsed({"_target_": "Compose", "transforms": steps})


def planes(**changes: Any) -> Task:
    return replace(Task("t", Path(), Pairs("images/*.png", "labels/*.png")), **changes)


def volumes(**changes: Any) -> Task:
    made = Task("t", Path(), Pairs("*.nii.gz"), rank=3, patch=(16, 16, 16))
    return replace(made, **changes)


@pytest.fixture
def plane(demo: Path) -> Path:
    return sorted((demo / "nuclei" / "images").glob("*.png"))[0]


@pytest.fixture
def volume(demo: Path) -> Path:
    return sorted((demo / "lidc" / "volumes").glob("*.nii.gz"))[3]


@pytest.fixture
def turned(volume: Path, tmp_path: Path) -> Path:
    """A real volume whose axes are stored in another order and direction, with unequal voxels."""
    image = sitk.DICOMOrient(sitk.ReadImage(str(volume)), "PIR")[2:, :-3, :]
    image.SetSpacing((0.75, 1.0, 2.5))
    sitk.WriteImage(image, str(tmp_path / "turned.nii.gz"))
    return tmp_path / "turned.nii.gz"


NORMALISE = ["zscore", "scale", "none", Window(20.0, 180.0)]


def same_reading(task: Task, path: Path) -> None:
    ours = load_case(task, Case("x", (path,), None, "x")).image
    theirs = compose(reading(task))({"image": str(path)})["image"].numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 2e-6 * max(1.0, np.abs(ours).max())
    assert theirs.dtype == np.float32


@pytest.mark.parametrize("normalise", NORMALISE, ids=str)
def test_planes_are_read_alike(plane: Path, normalise: Any) -> None:
    same_reading(planes(normalise=normalise), plane)
    same_reading(planes(normalise=normalise, channels=3), plane)
    same_reading(planes(normalise=normalise, spacing=(1.3, 0.7)), plane)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 1)])
def test_tiff_is_read_alike(plane: Path, tmp_path: Path, mode: str, channels: int) -> None:
    from PIL import Image

    with Image.open(plane) as image:
        image.convert(mode).save(tmp_path / "image.tif", dpi=(300, 300))
    layout = Pairs("images/*.tif", "labels/*.png")
    same_reading(planes(layout=layout, channels=channels, spacing=(1.5, 2.0)), tmp_path / "image.tif")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_colours_and_alpha_are_read_alike(plane: Path, tmp_path: Path, mode: str, channels: int) -> None:
    from PIL import Image

    with Image.open(plane) as image:
        image.convert(mode).save(tmp_path / "image.png")
    same_reading(planes(channels=channels), tmp_path / "image.png")


@pytest.mark.parametrize("normalise", NORMALISE, ids=str)
@pytest.mark.parametrize("spacing", [None, (2.0, 0.9, 1.3)])
def test_volumes_are_read_alike(volume: Path, turned: Path, normalise: Any, spacing: Any) -> None:
    for path in (volume, turned):
        same_reading(volumes(normalise=normalise, spacing=spacing), path)


@pytest.mark.parametrize(
    ("rule", "classes"),
    [(Threshold(0.5), 2), (ValueMap(((0, 0), (1, 2), (2, 1))), 3), (ValueMap(((0, 0), (1, 1), (2, 1))), 2), (None, 3)],
    ids=str,
)
def test_label_maps_are_read_alike(demo: Path, plane: Path, rule: Any, classes: int) -> None:
    task = planes(classes=tuple(map(str, range(classes))), **({} if rule is None else {"labels": rule}))
    label = demo / "nuclei" / "labels" / plane.name
    ours = load_case(task, Case("x", (plane,), label, "x")).label
    theirs = compose(reading(task, with_map=True))({"image": str(plane), "label": str(label)})["label"].numpy()
    assert np.array_equal(ours, theirs)


def test_labels_outside_of_the_classes_are_refused(demo: Path, plane: Path) -> None:
    label = demo / "nuclei" / "labels" / plane.name
    with pytest.raises(RuntimeError, match="applying transform") as caught:
        compose(reading(planes(), with_map=True))({"image": str(plane), "label": str(label)})
    assert "outside of the 2 classes" in str(caught.value.__cause__)


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("rank", [2, 3])
def test_augmentations_do_alike(plane: Path, volume: Path, name: str, rank: int) -> None:
    task = planes() if rank == 2 else volumes()
    task = replace(task, augment=(Augment(name, probability=0.9),))
    found = load_case(task, Case("x", (plane if rank == 2 else volume,), None, "x")).image[..., :32, :32]
    image = torch.from_numpy(np.ascontiguousarray(found))
    set_track_meta(False)
    try:
        results = []
        for steps in (build(task.augment, rank, label_map=True), compose(augmenting(task)).transforms):
            chain = Compose(steps).set_random_state(seed=5)
            results.append(chain({"image": image.clone(), "label": (image > 0).float()}))
    finally:
        set_track_meta(True)
    for key in ("image", "label"):
        assert torch.equal(torch.as_tensor(results[0][key]), torch.as_tensor(results[1][key]))
    assert not torch.equal(torch.as_tensor(results[0]["image"]), image)


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in LOSSES),
    ("ce", {"weight": (0.2, 1.0, 3.0), "label_smoothing": 0.1}),
    ("ce", {"ignore_index": 0}),
    ("bce", {"positive_weight": 3.0}),
    ("dice", {"squared": True, "smooth": 1.0, "batch": True}),
    ("dice", {"background": True, "weight": (1.0, 2.0, 4.0)}),
    ("dice", {"sigmoid": True}),
    ("dice_ce", {"weight": (1.0, 2.0, 4.0), "dice_weight": 0.5, "ce_weight": 2.0}),
    ("dice_focal", {"gamma": 1.0, "background": False, "focal_weight": 3.0}),
    ("dice_bce", {"bce_weight": 0.25, "dice_weight": 0.75}),
    ("focal", {"background": False}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_losses_are_equal(demo: Path, name: str, options: dict[str, Any], channels: int) -> None:
    path = sorted((demo / "nuclei" / "labels").glob("*.png"))[0]
    target = torch.from_numpy(sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.int64))[None, None]
    target = target if channels == 3 else (target > 0).long()
    logits = torch.randn((1, channels, *target.shape[2:]), generator=torch.Generator().manual_seed(1))
    term = LossTerm(0.7, None, Choice(name, options))
    made = parsed(loss_of([term], "logits", channels))
    expected = 0.7 * make_loss(name, options)(logits, target)
    assert torch.allclose(made(logits, target.float()), expected, rtol=1e-5)


def test_losses_of_classifications_are_equal() -> None:
    logits, target = torch.tensor([[1.0, -0.5], [0.2, 0.1]]), torch.tensor([1, 0])
    made = parsed(loss_of([LossTerm(1.0, None, Choice("ce"))], "logits", 2))
    assert torch.allclose(made(logits, target), make_loss("ce")(logits, target))


def test_terms_of_other_outputs_are_left_out() -> None:
    terms = [LossTerm(1.0, "out[0]", Choice("ce")), LossTerm(0.5, "out[1]", Choice("dice"))]
    found = loss_of(terms, "out[1]", 3)
    assert found is not None
    assert (len(found["losses"]), found["weights"]) == (1, [0.5])
    assert loss_of(terms[:1], "out[1]", 3) is None


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax"])
def test_optimisers_are_equal(name: str) -> None:
    parser = ConfigParser({"network_def": {"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 1}})
    parser["optimizer"] = optimiser_of(Optimiser(name, {"lr": 0.03}))
    theirs = parser.get_parsed_content("optimizer")
    ours = make_optimiser(name, [torch.nn.Parameter(torch.zeros(1))], {"lr": 0.03})
    assert type(theirs) is type(ours)
    assert of_values(theirs) == of_values(ours)


def of_values(optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Its options but those of speed, which give the same numbers computed in another way."""
    options = optimiser.defaults.items()
    return {k: list(v) if isinstance(v, tuple) else v for k, v in options if k not in ("foreach", "fused")}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_equal(name: str) -> None:
    from scripts.training import SCHEDULES as THEIRS  # type: ignore[import-not-found]

    options = schedule_of(Optimiser("sgd", {}, Choice(name)))
    assert options.pop("name") == name
    for progress in (0.0, 0.1, 0.49, 0.5, 0.8, 1.0):
        assert THEIRS[name](progress, 0.1, **options) == pytest.approx(make_schedule(name)(progress, 0.1))


@pytest.mark.parametrize(
    "task",
    [
        planes(patch=(32, 48)),
        planes(patch=(32, 48), sampling="resize"),
        planes(patch=(32, 49), kind="classification"),
        planes(patch=(200, 31), kind="classification"),
        planes(patch=(32, 48), kind="classification", sampling="resize"),
    ],
    ids=lambda t: f"{t.kind} {t.sampling} {t.patch[0]}",
)
def test_whole_images_are_predicted_alike(plane: Path, task: Task) -> None:
    layers: list[torch.nn.Module] = [torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.Tanh()]
    if task.kind == "classification":
        layers += [torch.nn.Flatten(), torch.nn.Linear(2 * task.patch[0] * task.patch[1], 2)]
    torch.manual_seed(0)
    network = torch.nn.Sequential(*layers)
    image = torch.from_numpy(load_case(task, Case("x", (plane,), None, "x")).image)[None]
    with torch.no_grad():
        theirs = parsed(inferer(task))(image, network)
    assert torch.allclose(predict(network, image, task), torch.as_tensor(theirs), atol=1e-6)


def test_patterns_lose_the_folders_that_they_name() -> None:
    def patterns(layout: Any, rank: int = 2) -> list[str]:
        return image_patterns(replace(planes(), layout=layout, rank=rank))

    assert patterns(Pairs("a/b/*.nrrd")) == ["*.nrrd"]
    assert patterns(Pairs("a/*/t1.mha")) == ["*/t1.mha"]
    assert patterns(Pairs(("t1/*.nii", "t2/*.nii"))) == ["*.nii", "*.nii"]
    assert patterns(Table("x/{id}.png")) == ["*.png"]
    assert patterns(None, 3) == ["*.nii.gz"]


def test_masks_of_one_channel_are_thresholded() -> None:
    steps = {step["_target_"]: step for step in saving(planes(), 1)}
    assert steps["Activationsd"]["sigmoid"]
    assert steps["AsDiscreted"]["threshold"] == 0.5
