"""Checkpoints: one safetensors file, tensors as tensors and all the rest as JSON in its header. No pickle.

A file is complete or it is not there: it is written under another name, flushed to the disk, then renamed.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from nascompile.diagnostics import NasError, error
from nascompile.files import written_whole

FORMAT = 1
_KEY = "nascompile"


def save_checkpoint(path: Path, state: Mapping[str, Any], digest: str) -> None:
    """Write `state` (nested dicts, lists, tuples, tensors, numbers, strings, None) to `path`, atomically.

    `digest` names the spec and genotype the state belongs to. Raises `NasError` (`disk-full`, `cannot-write`), and the
    file that was at `path` is then still there, whole. The same state gives the same bytes.
    """
    tensors: dict[str, torch.Tensor] = {}
    tree = _pack(state, "", tensors)
    header = json.dumps({"format": FORMAT, "digest": digest, "state": tree}, separators=(",", ":"))
    write_atomically(path, save(tensors, {_KEY: header}))


def load_checkpoint(path: Path, digest: str | None = None) -> dict[str, Any]:
    """The state in `path`, tensors on the CPU.

    Raises `NasError`: `missing-file`, `unreadable-checkpoint`, or `checkpoint-of-another-spec` if `digest` is given and
    differs from the one it was saved with.
    """
    if not path.is_file():
        raise error("missing-file", f"there is no checkpoint `{path}`")
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            if header.get("format") != FORMAT:
                hint = f"this version reads checkpoints of format {FORMAT}"
                raise error("unreadable-checkpoint", f"`{path}` is no checkpoint of nascompile", hint=hint)
            if digest is not None and header["digest"] != digest:
                message = f"`{path}` belongs to another spec or genotype ({header['digest'][:12]}, not {digest[:12]})"
                hint = "resume with the text it was started from, or start a new run"
                raise error("checkpoint-of-another-spec", message, hint=hint)
            return dict(_unpack(header["state"], file))
    except (SafetensorError, OSError, ValueError, KeyError) as cause:
        hint = "the file is damaged; resume from another one"
        raise error("unreadable-checkpoint", f"`{path}` cannot be read: {cause}", hint=hint) from cause


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` under a temporary name beside `path`, flush it to the disk, then rename it to `path`."""
    try:
        with written_whole(path) as temporary, temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as cause:
        raise _cannot_write(path, cause) from cause
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable, where folders can be opened (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _cannot_write(path: Path, cause: OSError) -> NasError:
    if cause.errno in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC):
        hint = "free some space and resume: the previous checkpoint is whole"
        return error("disk-full", f"the disk is full: `{path}` was not written", hint=hint)
    return error("cannot-write", f"`{path}` cannot be written: {cause.strerror or cause}")


def _pack(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """JSON for `value`; tensors go into `tensors` under their path and leave a reference behind."""
    match value:
        case torch.Tensor():
            tensors[name] = value.detach().to("cpu").contiguous().clone()  # clone: tied weights share memory
            return {"$tensor": name}
        case Mapping():
            if all(isinstance(key, str) and not key.startswith("$") for key in value):
                return {key: _pack(item, f"{name}/{key}", tensors) for key, item in value.items()}
            return {"$items": [[key, _pack(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
        case tuple():
            return {"$tuple": [_pack(item, f"{name}/{i}", tensors) for i, item in enumerate(value)]}
        case list():
            return [_pack(item, f"{name}/{i}", tensors) for i, item in enumerate(value)]
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__} (at {name or 'the root'})")


def _unpack(tree: Any, file: Any) -> Any:
    match tree:
        case {"$tensor": name}:
            return file.get_tensor(name)
        case {"$items": pairs}:
            return {key: _unpack(item, file) for key, item in pairs}
        case {"$tuple": items}:
            return tuple(_unpack(item, file) for item in items)
        case dict():
            return {key: _unpack(item, file) for key, item in tree.items()}
        case list():
            return [_unpack(item, file) for item in tree]
    return tree
