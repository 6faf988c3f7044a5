"""The best that a threshold can do: what every learned network has to beat.

An intensity threshold on the normalised image, chosen on the training cases; for three classes the outermost layers
of what lies above it are the last class (a boundary). Thresholds tried: Otsu's (1979, equation 18) on the pooled
training pixels, and percentiles; bright or dark objects, or the rarer side in each image; the level of all
images or Otsu's of each; 0 to 4 layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from nascompile.data.dataset import Item
from nascompile.data.load import load_case
from nascompile.data.splits import load_splits
from nascompile.data.task import SplitName, Task
from nascompile.train.evaluate import Evaluation, of_rows
from nascompile.train.metrics import Metric, metric, score_map

_PERCENTILES = (50, 60, 70, 75, 80, 85, 90, 95)
_LAYERS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Pixels above (or below) `at` are class 1, their `layers` outermost layers the last class.

    `at` None is Otsu's threshold of each image; `is_bright` None takes the side with fewer pixels in each image.
    """

    at: float | None
    is_bright: bool | None
    layers: int

    def __str__(self) -> str:
        sign = "on the smaller side of" if self.is_bright is None else ">" if self.is_bright else "<"
        level = "Otsu's threshold of the image" if self.at is None else f"{self.at:.3g}"
        rim = f", outer {self.layers} layers are the last class" if self.layers else ""
        return f"normalised value {sign} {level}{rim}"


def fit_threshold(task: Task) -> Threshold:
    """The threshold with the best metric on the training cases; no pixel of another split is looked at."""
    wanted = metric(task.metric, task.kind, task.span("metric"))
    items = _whole(task, "train")
    pooled = np.concatenate([np.asarray(item["image"])[0].ravel() for item in items])
    levels: list[float | None] = [None]
    levels += sorted({otsu(pooled), *(float(v) for v in np.percentile(pooled, _PERCENTILES))})
    layers = (0,) if len(task.classes) == 2 else _LAYERS
    best: tuple[float, Threshold] | None = None
    for at in levels:
        for is_bright in (True, False, None):
            for number in layers:
                rule = Threshold(at, is_bright, number)
                value = float(np.nanmean([_scores(rule, item, task, wanted) for item in items]))
                if wanted.better(value, None if best is None else best[0]):
                    best = (value, rule)
    return Threshold(otsu(pooled), True, layers[0]) if best is None else best[1]


def apply_threshold(rule: Threshold | None, task: Task, split: SplitName) -> Evaluation:
    """The metric of a threshold on the cases of a split; None stands for an empty label map."""
    wanted = metric(task.metric, task.kind, task.span("metric"))
    rows = {str(item["id"]): _scores(rule, item, task, wanted) for item in _whole(task, split)}
    return of_rows(task, rows, [wanted], split)


def otsu(values: np.ndarray, bins: int = 256) -> float:
    """The threshold of largest between-class variance."""
    counts, edges = np.histogram(values, bins)
    centres = (edges[1:] + edges[:-1]) / 2
    weight = counts.cumsum() / counts.sum()
    moment = (counts * centres).cumsum() / counts.sum()
    inner = (weight > 0) & (weight < 1)
    between = np.zeros(bins)
    between[inner] = (moment[-1] * weight[inner] - moment[inner]) ** 2 / (weight[inner] * (1 - weight[inner]))
    return float(edges[int(between.argmax()) + 1])


def _whole(task: Task, split: SplitName) -> list[Item]:
    found: list[Item] = []
    for case in load_splits(task).named(split):
        loaded = load_case(task, case)
        item: Item = {"image": loaded.image, "label": loaded.label, "id": case.id}
        found.append({**item, "spacing": loaded.geometry.spacing[::-1]})
    return found


def _scores(rule: Threshold | None, item: Item, task: Task, wanted: Metric) -> tuple[float, ...]:
    image = np.asarray(item["image"])[0]
    found = np.zeros(image.shape, np.int64) if rule is None else _label(rule, image, len(task.classes))
    truth = torch.as_tensor(np.asarray(item["label"]))[0]
    return score_map(wanted, torch.from_numpy(found), truth, len(task.classes), item["spacing"])


def _label(rule: Threshold, image: np.ndarray, classes: int) -> np.ndarray:
    at = otsu(image) if rule.at is None else rule.at
    mask = image > at
    is_bright = 2 * mask.sum() <= mask.size if rule.is_bright is None else rule.is_bright
    mask = mask if is_bright else image < at
    if not rule.layers:
        return mask.astype(np.int64)
    padded = np.pad(mask, 1, mode="edge")  # an object cut by the image's edge has no boundary there
    core = ndimage.binary_erosion(padded, iterations=rule.layers, border_value=1)[(slice(1, -1),) * mask.ndim]
    return np.where(core & mask, 1, np.where(mask, classes - 1, 0))
