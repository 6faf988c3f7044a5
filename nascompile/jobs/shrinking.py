"""Exported models in fewer bits, with what that costs: bytes, milliseconds and the metric on real cases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from nascompile.backends.onnx import OnnxModel, session, write
from nascompile.backends.onnx_module import OnnxNetwork
from nascompile.backends.parity import fitted
from nascompile.backends.smaller import Bits, half, quantised
from nascompile.data.dataset import datasets
from nascompile.data.task import Task
from nascompile.jobs.exporting import first_images
from nascompile.profile.latency import session_latency
from nascompile.train.evaluate import evaluate

CALIBRATION = 16
"""So many training images set the ranges of int8 activations."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A model file: its bytes, milliseconds for one image, and the metric on validation cases (None without data)."""

    path: Path
    bytes: int
    ms: float
    metric: float | None


def shrink(path: Path, model: OnnxModel, bits: Bits, input: tuple[int, ...], task: Task | None) -> Shrunk:
    """Write `NAME.int8.onnx` or `NAME.fp16.onnx` beside a written model and measure it.

    Raises NasError: `cannot-quantise`, and what reading the task's cases gives.
    """
    data = half(model.data) if bits == "fp16" else quantised(model.data, calibration_images(task, model, input))
    smaller = OnnxModel(data, model.dynamic, (), model.unit, model.opset)
    out = path.with_name(f"{path.stem}.{bits}.onnx")
    write(out, smaller)
    return measured(out, input, task)


def calibration_images(task: Task | None, model: OnnxModel, input: tuple[int, ...]) -> list[torch.Tensor]:
    """Training images at legal sizes; without a task there are none."""
    if task is None:
        return []
    images = first_images(datasets(task, "train"), CALIBRATION)
    return fitted(images, input, model.dynamic, model.unit)


def measured(path: Path, input: tuple[int, ...], task: Task | None) -> Shrunk:
    """What a model file costs and gives."""
    threads = torch.get_num_threads()
    latency = session_latency(session(str(path), threads), input, threads, seconds=1.0)
    value = None
    if task is not None:
        found = evaluate(OnnxNetwork(path, threads).eval(), task, "val", torch.device("cpu"), resamples=1)
        value = found.summaries[task.metric].value
    return Shrunk(path, path.stat().st_size, latency.median, value)
