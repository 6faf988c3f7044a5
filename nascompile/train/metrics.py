"""Metrics by name, on MONAI, with bootstrap intervals.

Segmentation metrics give one value per case and foreground class; classification metrics one value per set of cases.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from monai.metrics.confusion_matrix import compute_confusion_matrix_metric, get_confusion_matrix
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.meandice import compute_dice
from monai.metrics.meaniou import compute_iou
from monai.metrics.rocauc import compute_roc_auc
from monai.metrics.surface_distance import compute_average_surface_distance

from nascompile.diagnostics import did_you_mean, error
from nascompile.source import Span

MapScore = Callable[[torch.Tensor, torch.Tensor, Sequence[float]], torch.Tensor]
SetScore = Callable[[torch.Tensor, torch.Tensor], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A named metric. `maps` scores a label map (one-hot prediction and truth, spacing), `sets` many class scores."""

    name: str
    maximise: bool
    unit: str = ""
    maps: MapScore | None = None
    sets: SetScore | None = None

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` is strictly better than `than`; NaN never is, and anything beats None."""
        if np.isnan(value):
            return False
        return than is None or (value > than if self.maximise else value < than)


def metric(name: str, kind: str, span: Span | None = None) -> Metric:
    """The metric `name` for tasks of `kind` (`segmentation` or `classification`); raises `NasError`."""
    usable = {n: m for n, m in METRICS.items() if (m.maps if kind == "segmentation" else m.sets) is not None}
    if name not in usable:
        message = f"`{name}` does not measure a {kind}" if name in METRICS else f"there is no metric `{name}`"
        hint = did_you_mean(name, usable) or f"for a {kind} there are {', '.join(usable)}"
        raise error("unknown-metric", message, span, hint=hint)
    return usable[name]


def score_map(
    wanted: Metric, prediction: torch.Tensor, target: torch.Tensor, classes: int, spacing: Sequence[float]
) -> tuple[float, ...]:
    """Values for classes 1, 2, ... of one case, from class indices (*space) of prediction and target.

    NaN where the class is in neither; distances are NaN too where it is in one only (they are undefined).
    """
    if wanted.maps is None:
        raise ValueError(f"{wanted.name} scores no label map")
    found, truth = (_one_hot(labels, classes) for labels in (prediction, target))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI warns of absent classes, which are NaN below
        values = wanted.maps(found, truth, spacing).flatten().double()
    absent = ~(found[0, 1:].flatten(1).any(1) | truth[0, 1:].flatten(1).any(1))
    values[absent.to(values.device) | ~torch.isfinite(values)] = float("nan")
    return tuple(values.tolist())


def score_set(wanted: Metric, scores: torch.Tensor, target: torch.Tensor) -> float:
    """One value for class scores (n, classes) and class indices (n,)."""
    if wanted.sets is None:
        raise ValueError(f"{wanted.name} scores no classification")
    return wanted.sets(scores, target)


def _one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    return F.one_hot(labels.long(), classes).movedim(-1, 0)[None].float()


def _dice(found: torch.Tensor, truth: torch.Tensor, spacing: Sequence[float]) -> torch.Tensor:
    value: torch.Tensor = compute_dice(found, truth, include_background=False, ignore_empty=False)
    return value


def _jaccard(found: torch.Tensor, truth: torch.Tensor, spacing: Sequence[float]) -> torch.Tensor:
    value: torch.Tensor = compute_iou(found, truth, include_background=False, ignore_empty=False)
    return value


def _confusion(name: str) -> MapScore:
    def score(found: torch.Tensor, truth: torch.Tensor, spacing: Sequence[float]) -> torch.Tensor:
        return compute_confusion_matrix_metric(name, get_confusion_matrix(found, truth, include_background=False))

    return score


def _millimetres(spacing: Sequence[float]) -> list[float]:
    return [float(s) for s in spacing]  # MONAI refuses a mixture of int and float


def _hausdorff95(found: torch.Tensor, truth: torch.Tensor, spacing: Sequence[float]) -> torch.Tensor:
    value: torch.Tensor = compute_hausdorff_distance(found, truth, percentile=95, spacing=_millimetres(spacing))
    return value


def _surface(found: torch.Tensor, truth: torch.Tensor, spacing: Sequence[float]) -> torch.Tensor:
    value: torch.Tensor = compute_average_surface_distance(found, truth, symmetric=True, spacing=_millimetres(spacing))
    return value


def _set_accuracy(scores: torch.Tensor, target: torch.Tensor) -> float:
    return float((scores.argmax(1) == target).double().mean())


def _recalls(scores: torch.Tensor, target: torch.Tensor) -> list[float]:
    hits = scores.argmax(1) == target
    present = [k for k in range(scores.shape[1]) if bool((target == k).any())]
    return [float(hits[target == k].double().mean()) for k in present]


def _set_sensitivity(scores: torch.Tensor, target: torch.Tensor) -> float:
    """Recall of class 1 of two classes; the mean recall of the classes of more."""
    if scores.shape[1] == 2:
        positive = target == 1
        return float((scores.argmax(1)[positive] == 1).double().mean())
    return float(np.mean(_recalls(scores, target)))


def _set_specificity(scores: torch.Tensor, target: torch.Tensor) -> float:
    """Share of the cases without a class that are not given it: class 1 of two classes, else the mean over classes."""
    chosen = scores.argmax(1)
    classes = [1] if scores.shape[1] == 2 else list(range(scores.shape[1]))
    return float(np.mean([float((chosen[target != k] != k).double().mean()) for k in classes]))


def _set_auc(scores: torch.Tensor, target: torch.Tensor) -> float:
    """Area under the ROC curve: of class 1 of two, else the mean of class against rest. NaN if all are of one class."""
    if bool((target == target[0]).all()):
        return float("nan")
    if scores.shape[1] == 2:
        return _area(scores[:, 1], target)
    present = [k for k in range(scores.shape[1]) if 0 < int((target == k).sum()) < len(target)]
    return float(np.mean([_area(scores[:, k], (target == k).long()) for k in present]))


def _area(scores: torch.Tensor, positive: torch.Tensor) -> float:
    return float(np.asarray(compute_roc_auc(scores, positive)))


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("dice", True, maps=_dice),
        Metric("jaccard", True, maps=_jaccard),
        Metric("accuracy", True, maps=_confusion("accuracy"), sets=_set_accuracy),
        Metric("sensitivity", True, maps=_confusion("sensitivity"), sets=_set_sensitivity),
        Metric("specificity", True, maps=_confusion("specificity"), sets=_set_specificity),
        Metric("precision", True, maps=_confusion("precision")),
        Metric("hausdorff95", False, unit="mm", maps=_hausdorff95),
        Metric("surface_distance", False, unit="mm", maps=_surface),
        Metric("auc", True, sets=_set_auc),
    )
}


def interval(
    values: Sequence[float], seed: int, *, confidence: float = 0.95, resamples: int = 2000
) -> tuple[float, float]:
    """Percentile bootstrap interval (Efron, 1979) of the mean of `values`; NaN values are left out."""
    kept = np.asarray([v for v in values if not np.isnan(v)], float)
    return bootstrap(lambda chosen: float(kept[chosen].mean()), len(kept), seed, confidence, resamples)


def bootstrap(
    statistic: Callable[[np.ndarray], float], count: int, seed: int, confidence: float = 0.95, resamples: int = 2000
) -> tuple[float, float]:
    """Interval of a statistic of `count` cases, which is given the indices of the cases drawn (with replacement)."""
    if count < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = np.array([statistic(rng.integers(0, count, count)) for _ in range(resamples)])
    drawn = drawn[~np.isnan(drawn)]
    if not drawn.size:
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return float(low), float(high)
