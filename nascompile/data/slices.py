"""Planes of volumes as cases of their own: a two-dimensional task on NIfTI, MetaImage or DICOM volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nascompile.data.cases import Case
from nascompile.data.load import load_volume
from nascompile.data.task import PLANES, Task
from nascompile.diagnostics import Diagnostic, NasError


def planes_of(task: Task, cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, those of tasks with `slices` as one case a plane; the planes of a volume stay in its group.

    Every `every`-th plane counts, from the first; with `foreground` only those with an object in the label map, so
    label maps are read. Raises one NasError with the problems of every volume that cannot be read.
    """
    found: list[Case] = []
    problems: list[Diagnostic] = []
    for case in cases:
        rule = task.sources[case.part].slices
        if rule is None:
            found.append(case)
            continue
        try:
            volume = load_volume(task, case)
        except NasError as bad:
            problems += bad.diagnostics
            continue
        axis = PLANES.index(rule.plane)
        label = volume.label if rule.foreground and isinstance(volume.label, np.ndarray) else None
        for number in range(0, volume.image.shape[axis + 1], rule.every):
            if label is None or np.take(label, number, axis + 1).any():
                found.append(replace(case, id=f"{case.id}_{rule.plane[0]}{number:03d}", plane=number))
    if problems:
        raise NasError(problems)
    return tuple(found)
