"""Where a run was made: versions, device, threads, seed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from nascompile import __version__
from nascompile.train.device import describe

_PACKAGES = ("torch", "monai", "numpy", "simpleitk", "safetensors", "onnx", "onnxruntime")


def environment(device: torch.device, seed: int) -> dict[str, Any]:
    """Plain data for `environment.json`."""
    return {
        "nascompile": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "device": describe(device),
        "threads": torch.get_num_threads(),
        "seed": seed,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
