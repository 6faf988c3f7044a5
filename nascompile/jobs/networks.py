"""Torch networks of programs, and the passing on of weights between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from nascompile.backends.inherit import Inherited, inherit
from nascompile.backends.pytorch import Network, build
from nascompile.diagnostics import error
from nascompile.ir.program import Program
from nascompile.train.checkpoint import write_atomically

# One entry: safetensors writes several in an order that changes from run to run.
_KEY = "nascompile"


def make(program: Program, seed: int) -> Network:
    """The torch network of a program, with weights from `seed`."""
    return build(program, seed)


def save_weights(path: Path, weights: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Write weights as safetensors, atomically; the same weights give the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    write_atomically(path, save(tensors, {_KEY: json.dumps(dict(metadata), sort_keys=True)}))


def load_weights(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Weights and metadata of a safetensors file, also those inside of a training checkpoint.

    Raises NasError (`missing-file`, `unreadable-weights`); nothing in the file is executed.
    """
    if not path.is_file():
        raise error("missing-file", f"there is no weights file `{path}`")
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            metadata = json.loads((file.metadata() or {}).get(_KEY, "{}"))
    except (SafetensorError, OSError, ValueError) as cause:
        hint = "only safetensors files are read"
        raise error("unreadable-weights", f"`{path}` cannot be read: {cause}", hint=hint) from cause
    inside = "/weights/"
    if any(name.startswith(inside) for name in tensors):
        tensors = {name.removeprefix(inside): t for name, t in tensors.items() if name.startswith(inside)}
    return tensors, metadata


__all__ = ["Inherited", "inherit", "load_weights", "make", "save_weights"]
