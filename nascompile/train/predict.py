"""From images to logits: whole, resized, or in sliding windows, as the task's sampling asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from monai.inferers.utils import sliding_window_inference

from nascompile.data.cases import Case
from nascompile.data.load import load_case
from nascompile.data.reader import Geometry
from nascompile.data.task import Task


def main_place(names: Sequence[str]) -> int:
    """Which of several outputs counts: `main` or `logits`; of `logits[0]`, `logits[1]` the first (an angular head's
    `|x| cos t`, which ranks classes; its second is for the loss); else the last (deep supervision)."""
    for wanted in ("main", "logits", "logits[0]"):
        if wanted in names:
            return list(names).index(wanted)
    return len(names) - 1


def main_output(outputs: Any, names: Sequence[str] = ()) -> torch.Tensor:
    """The logits that count: a tensor itself; of several, by their `names`, that of `main_place`; else the last one."""
    if isinstance(outputs, torch.Tensor):
        return outputs
    if isinstance(outputs, (list, tuple)):
        return main_output(outputs[main_place(names) if len(names) == len(outputs) else -1])
    raise TypeError(f"a network returned {type(outputs).__name__}, not tensors")


def _logits(module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What a module's main output says of images; a compiled network knows its outputs by name."""
    return main_output(module(images), getattr(module, "output_names", ()))


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """The module in evaluation mode without gradients, and as before afterwards."""
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(training)


def predict(module: torch.nn.Module, images: torch.Tensor, task: Task, *, overlap: float = 0.25) -> torch.Tensor:
    """Logits for whole images (n, channels, *space) on the module's device.

    Segmentation: (n, classes, *space). Images that differ from the patch go through overlapping windows of its size,
    weighted by a Gaussian, or are resized to it and back where the task's sampling is `resize`. Classification:
    (n, classes).
    """
    with evaluating(module):
        spatial = tuple(images.shape[2:])
        if task.kind == "classification":
            return _logits(module, _to_patch(images, task))
        if spatial == task.patch:
            return _logits(module, images)
        if task.sampling == "resize":
            return _resize(_logits(module, _resize(images, task.patch)), spatial)
        logits = sliding_window_inference(
            images,
            task.patch,
            sw_batch_size=4,
            predictor=lambda windows: _logits(module, windows),
            overlap=overlap,
            mode="gaussian",
        )
        return torch.as_tensor(logits)


def _resize(images: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    mode = "bilinear" if len(size) == 2 else "trilinear"
    return F.interpolate(images, size, mode=mode, align_corners=False)


def _to_patch(images: torch.Tensor, task: Task) -> torch.Tensor:
    """An image to classify, at the size of the patch: resized, or cropped and padded around its centre."""
    if tuple(images.shape[2:]) == task.patch:
        return images
    if task.sampling == "resize":
        return _resize(images, task.patch)
    for axis, wanted in enumerate(task.patch, start=2):
        spare = images.shape[axis] - wanted
        if spare > 0:
            images = images.narrow(axis, spare // 2, wanted)
    margins = []
    for axis in reversed(range(2, images.dim())):
        missing = task.patch[axis - 2] - images.shape[axis]
        margins += [missing // 2, missing - missing // 2]
    return F.pad(images, margins)


def class_scores(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities (n, classes, ...): a softmax, or for one channel of logits a sigmoid and its complement."""
    if logits.shape[1] == 1:
        positive = torch.sigmoid(logits)
        return torch.cat([1 - positive, positive], 1)
    return torch.softmax(logits, 1)


def predict_case(
    module: torch.nn.Module, task: Task, case: Case, device: torch.device
) -> tuple[torch.Tensor, Geometry]:
    """Probabilities of one case, labelled or not, with the grid they lie on.

    Segmentation: (classes, *space), for `data.writer.write_label_map` after an argmax. Classification: (classes,).
    Raises `NasError` as reading does.
    """
    loaded = load_case(task, replace(case, label=None))
    image = torch.from_numpy(loaded.image)[None].to(device)
    return class_scores(predict(module, image, task.sources[case.part]))[0].cpu(), loaded.geometry
