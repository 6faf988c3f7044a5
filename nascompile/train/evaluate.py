"""Evaluating a network on a split: a table of cases, and means with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from nascompile.data.dataset import Item, Patches, datasets
from nascompile.data.task import SplitName, Task
from nascompile.train.metrics import Metric, bootstrap, metric, score_map, score_set
from nascompile.train.predict import class_scores, predict


@dataclass(frozen=True, slots=True)
class Summary:
    """A metric over all cases: its mean (of the class means), a 95 % bootstrap interval over cases, and per class."""

    value: float
    low: float
    high: float
    per_class: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`rows[case][column]` with columns such as `dice interior`, and a summary a metric.

    In a classification the columns are the true class, then the probability of each class. `parts` has the summaries
    of each data set of a union alone, by its name; those of the whole weigh every case alike.
    """

    split: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    summaries: Mapping[str, Summary]
    parts: Mapping[str, Mapping[str, Summary]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain data for reports; NaN becomes None."""
        return {
            "split": self.split,
            "columns": list(self.columns),
            "rows": {case: [_plain(v) for v in row] for case, row in self.rows.items()},
            "summaries": _as_json(self.summaries),
            **({"parts": {name: _as_json(found) for name, found in self.parts.items()}} if self.parts else {}),
        }


def _as_json(summaries: Mapping[str, Summary]) -> dict[str, Any]:
    return {
        name: {
            "value": _plain(s.value),
            "low": _plain(s.low),
            "high": _plain(s.high),
            "per_class": {k: _plain(v) for k, v in s.per_class.items()},
        }
        for name, s in summaries.items()
    }


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else value


def evaluate(
    module: torch.nn.Module,
    task: Task,
    split: SplitName | Patches,
    device: torch.device,
    *,
    metrics: Sequence[str] = (),
    seed: int = 0,
    resamples: int = 2000,
    seen: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Run `module` (on `device`) over whole images of a split, or over a data set of them already loaded.

    `metrics` defaults to the task's own. `seen(done, total)` is called after each case. Raises `NasError` if the data
    cannot be read or a metric is unknown.
    """
    names = tuple(dict.fromkeys(metrics)) or (task.metric,)
    wanted = [metric(name, task.kind, task.span("metric")) for name in names]
    data = datasets(task, split) if isinstance(split, str) else split
    label = split if isinstance(split, str) else "given"
    run = _segmentation if task.kind == "segmentation" else _classification
    return run(module, task, data, device, wanted, label, seed, resamples, seen or (lambda done, total: None))


def _segmentation(
    module: torch.nn.Module,
    task: Task,
    data: Patches,
    device: torch.device,
    wanted: list[Metric],
    split: str,
    seed: int,
    resamples: int,
    seen: Callable[[int, int], None],
) -> Evaluation:
    rows: dict[str, tuple[float, ...]] = {}
    for i in range(len(data)):
        item = data[i]
        logits = predict(module, _image(item, device), task.sources[item["part"]])
        found = class_scores(logits).argmax(1)[0].cpu()
        truth = torch.as_tensor(item["label"])[0]
        spacing = item["spacing"]
        scores = (score_map(m, found, truth, len(task.classes), spacing) for m in wanted)
        rows[item["id"]] = tuple(v for values in scores for v in values)
        seen(i + 1, len(data))
    return of_rows(task, rows, wanted, split, seed, resamples)


def of_rows(
    task: Task,
    rows: Mapping[str, tuple[float, ...]],
    wanted: Sequence[Metric],
    split: str,
    seed: int = 0,
    resamples: int = 2000,
) -> Evaluation:
    """The evaluation of a segmentation from its cases' scores: for every metric those of all classes but the first.

    Of a union also for each of its data sets that has cases; their ids begin with its name.
    """
    names = task.classes[1:]

    def summaries(of: Sequence[tuple[float, ...]]) -> dict[str, Summary]:
        table = np.array(of, float).reshape(len(of), len(wanted), len(names))
        return {m.name: _summarise(table[:, k], names, seed, resamples) for k, m in enumerate(wanted)}

    own = {p.name: [row for case, row in rows.items() if case.startswith(f"{p.name}/")] for p in task.parts}
    columns = tuple(f"{m.name} {name}" for m in wanted for name in names)
    parts = {name: summaries(found) for name, found in own.items() if found}
    return Evaluation(split, columns, rows, summaries(list(rows.values())), parts)


def _summarise(values: np.ndarray, names: Sequence[str], seed: int, resamples: int) -> Summary:
    per_class = {name: _mean(values[:, k]) for k, name in enumerate(names)}
    held = values[~np.isnan(values).all(1)]  # a case without any class says nothing
    known = ~np.isnan(held)
    filled = np.where(known, held, 0.0)

    def statistic(chosen: np.ndarray) -> float:
        """The mean of the class means, as the value itself: classes may be absent from many cases."""
        counts = known[chosen].sum(0)
        sums = filled[chosen].sum(0)
        return float((sums[counts > 0] / counts[counts > 0]).mean())

    low, high = bootstrap(statistic, len(held), seed, resamples=resamples)
    return Summary(_mean(np.array(list(per_class.values()))), low, high, per_class)


def _mean(values: np.ndarray) -> float:
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if kept.size else float("nan")


def _classification(
    module: torch.nn.Module,
    task: Task,
    data: Patches,
    device: torch.device,
    wanted: list[Metric],
    split: str,
    seed: int,
    resamples: int,
    seen: Callable[[int, int], None],
) -> Evaluation:
    rows: dict[str, tuple[float, ...]] = {}
    for i in range(len(data)):
        item = data[i]
        scores = class_scores(predict(module, _image(item, device), task.sources[item["part"]]))[0].double().cpu()
        rows[item["id"]] = (float(item["label"]), *scores.tolist())
        seen(i + 1, len(data))
    table = torch.tensor(list(rows.values()), dtype=torch.float64)
    target, probability = table[:, 0].long(), table[:, 1:]
    summaries = {}
    for m in wanted:

        def statistic(chosen: np.ndarray, m: Metric = m) -> float:
            return score_set(m, probability[chosen], target[chosen])

        low, high = bootstrap(statistic, len(table), seed, resamples=resamples)
        summaries[m.name] = Summary(score_set(m, probability, target), low, high, {})
    return Evaluation(split, ("class", *(f"p {name}" for name in task.classes)), rows, summaries)


def _image(item: Item, device: torch.device) -> torch.Tensor:
    return torch.as_tensor(item["image"])[None].float().to(device)
