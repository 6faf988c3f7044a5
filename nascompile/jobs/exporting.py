"""Writing a network as ONNX, with what it is in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nascompile import __version__
from nascompile.backends.onnx import OnnxModel, export, session, write
from nascompile.data.dataset import Patches, datasets
from nascompile.data.task import Task, Window
from nascompile.jobs.folder import FOUND
from nascompile.profile.latency import Latency, session_latency
from nascompile.space.genotype import Genotype


@dataclass(frozen=True, slots=True)
class Exported:
    """A written file: how well it agrees with torch, and its latency in ONNX Runtime."""

    path: Path
    model: OnnxModel
    latency: Latency


def facts_of(task: Task | None) -> dict[str, str]:
    """What who runs the file needs to know of the images: classes, spacing, normalisation, and how an image that is not
    of the size of `patch` goes through. Nothing of any case."""
    if task is None:
        return {}
    normalise = task.normalise
    named = f"window({normalise.low:g}, {normalise.high:g})" if isinstance(normalise, Window) else normalise
    facts = {"classes": json.dumps(list(task.classes)), "kind": task.kind, "normalise": named}
    if task.spacing is not None:
        facts["spacing_mm"] = json.dumps(list(task.spacing))
    if task.slices is not None:
        facts["plane"] = task.slices.plane
    other = "windows" if task.kind == "segmentation" else "centre"
    return {**facts, "patch": json.dumps(list(task.patch)), "fit": "resize" if task.sampling == "resize" else other}


REAL_IMAGES = 3
"""So many cases are compared on."""


def real_images(task: Task | None) -> list[torch.Tensor]:
    """The first images of a task's validation cases, as a network gets them. Raises NasError as reading does."""
    if task is None:
        return []
    return first_images(datasets(task, "val"))


def first_images(data: Patches, count: int = REAL_IMAGES) -> list[torch.Tensor]:
    """The first images of a data set: (channels, *sizes) each."""
    return [torch.as_tensor(data[i]["image"]) for i in range(min(count, len(data)))]


def export_network(
    network: torch.nn.Module,
    input: tuple[int, ...],
    outputs: Sequence[str],
    path: Path,
    *,
    digest: str,
    genotype: Genotype | None,
    task: Task | None = None,
    images: Sequence[torch.Tensor] = (),
    unit: int = 1,
    opset: int | None = None,
    external: bool = False,
    seconds: float = 1.0,
) -> Exported:
    """Export, compare, then write. Raises NasError as `backends.onnx.export`; nothing is written then.

    `images` (channels, *sizes) are real ones to compare on, `unit` divides every legal size; with `external` the
    weights lie in a file of their own beside the model.
    """
    metadata = {
        "nascompile": __version__,
        "torch": torch.__version__,
        "spec": digest,
        "genotype": "" if genotype is None else genotype.to_text(FOUND, header=False),
        "genotype_digest": "" if genotype is None else genotype.digest(),
        **facts_of(task),
        "notice": "for research, not a medical device",
    }
    model = export(network, input, outputs, metadata, images=images, unit=unit, opset=opset)
    write(path, model, external=external)
    threads = torch.get_num_threads()
    return Exported(path, model, session_latency(session(model.data, threads), input, threads, seconds=seconds))
