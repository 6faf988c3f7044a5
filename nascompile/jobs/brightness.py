"""The best that one number of an image can do in a classification of two classes: its mean before normalisation.

For shapes drawn as grey values that is their size. What a network adds, it has to add to this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from nascompile.data.load import load_case
from nascompile.data.splits import load_splits
from nascompile.data.task import SplitName, Task
from nascompile.diagnostics import error
from nascompile.train.evaluate import Evaluation, Summary
from nascompile.train.metrics import bootstrap, metric, score_set


@dataclass(frozen=True, slots=True)
class Cut:
    """Images whose mean is above `at` (or below it) are class 1; `scale` is the spread of the training means."""

    at: float
    is_bright: bool
    scale: float

    def __str__(self) -> str:
        return f"mean of the image {'>' if self.is_bright else '<'} {self.at:.4g}"


def fit_cut(task: Task) -> Cut:
    """The cut with the best accuracy on the training cases.

    Raises NasError (`bad-baseline`) for a segmentation, and for other than two classes.
    """
    if len(task.classes) != 2 or task.kind != "classification":
        message = "`brightness` is a baseline of classifications in two classes"
        raise error("bad-baseline", message, task.span("classes"))
    means, labels = _means(task, "train")
    ordered = np.unique(means)
    levels = (ordered[1:] + ordered[:-1]) / 2 if len(ordered) > 1 else ordered
    scale = float(means.std()) or 1.0
    cuts = [Cut(float(at), is_bright, scale) for at in levels for is_bright in (True, False)]
    return max(cuts, key=lambda cut: float(((_scores(cut, means)[:, 1] > 0.5) == (labels == 1)).mean()))


def apply_cut(cut: Cut, task: Task, split: SplitName) -> Evaluation:
    """The task's metric of a cut on the cases of a split."""
    wanted = metric(task.metric, task.kind, task.span("metric"))
    cases = load_splits(task).named(split)
    means, labels = _means(task, split)
    scores, target = torch.from_numpy(_scores(cut, means)), torch.from_numpy(labels)
    low, high = bootstrap(lambda chosen: score_set(wanted, scores[chosen], target[chosen]), len(cases), 0)
    rows = {c.id: (float(label), *map(float, row)) for c, label, row in zip(cases, labels, scores, strict=True)}
    summary = Summary(score_set(wanted, scores, target), low, high, {})
    return Evaluation(split, ("class", *(f"p {name}" for name in task.classes)), rows, {wanted.name: summary})


def _means(task: Task, split: SplitName) -> tuple[np.ndarray, np.ndarray]:
    raw = replace(task, normalise="none")
    loaded = [load_case(raw, case) for case in load_splits(task).named(split)]
    return np.array([float(c.image.mean()) for c in loaded]), np.array([c.label for c in loaded], np.int64)


def _scores(cut: Cut, means: np.ndarray) -> np.ndarray:
    distance = (means - cut.at) / cut.scale * (1 if cut.is_bright else -1)
    positive = 1 / (1 + np.exp(-distance))
    return np.stack([1 - positive, positive], 1)
