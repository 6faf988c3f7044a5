"""From raw label values to class indices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascompile.data.task import Natural, Task, Threshold, ValueMap
from nascompile.diagnostics import NasError


def apply_rule(task: Task, case: str, raw: NDArray[Any]) -> NDArray[np.int64]:
    """Class indices of a raw label map; raises `NasError` (`label-outside-classes`) that names case and value."""
    count = len(task.classes)
    match task.labels:
        case Threshold(at):
            return (raw > at).astype(np.int64)
        case ValueMap(pairs):
            table = dict(pairs)
            values, inverse = np.unique(raw, return_inverse=True)
            _reject(task, case, [v for v in values.tolist() if v not in table], f"it maps {sorted(table)}")
            mapped = np.array([table[v] for v in values.tolist()], np.int64)
            _reject(task, case, [v for v in mapped.tolist() if not 0 <= v < count], _classes(task))
            return mapped[inverse].reshape(raw.shape)
        case Natural():
            values = np.unique(raw)
            if count == 2 and values.size and set(values.tolist()) <= {0, 255}:
                return (raw > 0).astype(np.int64)
            wrong = [v for v in values.tolist() if v != int(v) or not 0 <= v < count]
            _reject(task, case, wrong, _hint(task, wrong))
            return raw.astype(np.int64)


def _reject(task: Task, case: str, wrong: list[Any], hint: str) -> None:
    if not wrong:
        return
    shown = ", ".join(f"{v:g}" for v in wrong[:4]) + (f" and {len(wrong) - 4} more" if len(wrong) > 4 else "")
    values = "the value" if len(wrong) == 1 else "the values"
    message = f"the label map of case `{case}` has {values} {shown}, outside the classes of `{task.name}`"
    raise NasError([task.problem("label-outside-classes", message, "labels", hint=hint)])


def _classes(task: Task) -> str:
    return "the classes are " + ", ".join(f"{i} `{name}`" for i, name in enumerate(task.classes))


def _hint(task: Task, wrong: list[Any]) -> str:
    if len(task.classes) == 2 and len(wrong) > 2:
        return "a mask with compression noise needs `labels = threshold(127)`"
    return _classes(task) + "; map other values with `labels = map([0, 0], [255, 1])`"
