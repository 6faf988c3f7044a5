"""The probabilities that one network gives one scan: read as its task says, whole or plane by plane."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import torch

from nascompile.data.cases import Case
from nascompile.data.load import load_case
from nascompile.data.post import Cleaning
from nascompile.data.reader import Geometry, read_header
from nascompile.data.scans import Scan
from nascompile.data.task import PLANES, Pairs, Task
from nascompile.diagnostics import Diagnostic, NasError, did_you_mean, error
from nascompile.jobs.bundle_steps import image_patterns
from nascompile.train.ensemble import Fusion, over_flips
from nascompile.train.predict import class_scores, predict


@dataclass(frozen=True, slots=True)
class Settings:
    """How probabilities become results. `weights` are those of the models in a mean or vote; `part` is the data set of
    a union whose rules of reading count, by default the first that the image fits."""

    overlap: float = 0.25
    flips: bool = False
    fusion: Fusion = "mean"
    weights: tuple[float, ...] | None = None
    cleaning: Cleaning = field(default_factory=Cleaning)
    keep_scores: bool = False
    part: str | None = None


def part_of(task: Task, name: str | None) -> Task:
    """The task, or the part `name` of a union. Raises NasError (`unknown-task`)."""
    if name is None:
        return task
    parts = {part.name: part for part in task.sources}
    if name not in parts:
        hint = did_you_mean(name, parts) or f"its data sets are `{'`, `'.join(parts)}`"
        raise error("unknown-task", f"`{task.name}` has no data set `{name}`", hint=hint)
    return parts[name]


def patterns_of(task: Task) -> tuple[str, ...]:
    """Patterns, below a folder, of the files that are the channels of one image; none where an image is one file."""
    source = task.sources[0]
    several = isinstance(source.layout, Pairs) and not isinstance(source.layout.image, str)
    patterns = tuple(image_patterns(source)) if several else ()
    return patterns if len(patterns) > 1 else ()


def scores_of(
    network: torch.nn.Module, task: Task, scan: Scan, device: torch.device, settings: Settings
) -> tuple[torch.Tensor, Geometry]:
    """Probabilities of one scan by one network, on the grid that its task resamples to.

    Segmentation: (classes, *space); classification: (classes,). A network of planes goes through all planes of a
    volume. Raises NasError as reading does.
    """
    case = Case(scan.id, scan.images, None, scan.id, series=scan.series)
    try:
        source = _source(part_of(task, settings.part), scan)
        loaded = load_case(source.volume, case)
    except NasError as bad:
        raise NasError(_of_a_user(d, task) for d in bad.diagnostics) from bad
    is_map = task.kind == "segmentation"

    def scores(x: torch.Tensor) -> torch.Tensor:
        return class_scores(predict(network, x, source, overlap=settings.overlap))

    def of_image(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> torch.Tensor:
        image = torch.from_numpy(np.ascontiguousarray(array))[None].to(device)
        return (over_flips(scores, image, is_map=is_map) if settings.flips else scores(image))[0].cpu()

    if source.slices is None:
        return of_image(loaded.image), loaded.geometry
    axis = PLANES.index(source.slices.plane) + 1
    planes = [of_image(np.take(loaded.image, i, axis)) for i in range(loaded.image.shape[axis])]
    return torch.stack(planes, axis) if is_map else torch.stack(planes).mean(0), loaded.geometry


def _source(task: Task, scan: Scan) -> Task:
    """The data set of a union, or the task itself, as whose image the scan is read; without places in a text.

    The first whose rank is the image's. A plane for a network of planes is read as one.
    """
    size = read_header(scan.images[0], scan.series).size
    rank = 2 if len(size) == 2 or size[2:] == (1,) else 3
    source = next((s for s in task.sources if s.volume.rank == rank), task.sources[0])
    if source.slices is not None and rank == 2:
        source = replace(source, slices=None)
    return replace(source, spans=MappingProxyType({}))


def _of_a_user(problem: Diagnostic, task: Task) -> Diagnostic:
    """Advice for who predicts, who cannot change the text that the network was trained with."""
    if problem.code not in ("rank-mismatch", "channel-mismatch"):
        return problem
    source = task.sources[0]
    channels = f"{source.channels} channel{'s' if source.channels > 1 else ''}"
    return replace(problem, hint=f"the network was trained on {source.volume.rank}-D images with {channels}")
