"""Files as texts to import: text as it is; arrays and checkpoints as JSON, loaded without running what they hold."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nascompile.diagnostics import error
from nascompile.importers.literals import LONGEST_TEXT
from nascompile.source import Source

STANDARD_INPUT = "-"
CHECKPOINTS = (".pth", ".pt")
ARRAYS = (".npy",)
LARGEST_FILE = 64 * 2**20  # bytes; a checkpoint may hold more than the genotype


def read_source(path: str) -> Source:
    """The text of a file, or of the standard input for `-`, with line ends as ours.

    Checkpoints (`weights_only`) and NumPy files (no pickle) become JSON. Raises NasError: `missing-file`,
    `unreadable-text`, `literal-size`, `unsafe-file`.
    """
    if path == STANDARD_INPUT:
        text = sys.stdin.read(LONGEST_TEXT + 1)
        return _source("<stdin>", text)
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise error("literal-size", f"`{path}` has {size:,} bytes; {LARGEST_FILE:,} are read")
        if file.suffix in CHECKPOINTS:
            return _source(path, _as_json(_checkpoint(file)))
        if file.suffix in ARRAYS:
            return _source(path, _as_json(_array(file)))
        return _source(path, file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise error("missing-file", f"there is no file `{path}`") from None
    except UnicodeDecodeError:
        hint = "text, `.json`, `.npy`, `.pth` and `.pt` files are read"
        raise error("unreadable-text", f"`{path}` is not UTF-8 text", hint=hint) from None
    except OSError as cause:
        raise error("unreadable-text", f"`{path}` cannot be read: {cause.strerror or cause}") from None


def _source(name: str, text: str) -> Source:
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))


def _checkpoint(path: Path) -> Any:
    """The object of a torch file, read by torch's restricted unpickler, which is told of NumPy's arrays as well."""
    import torch

    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(list(_numpy_parts())):
            warnings.simplefilter("ignore")  # of old pickle protocols
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as cause:  # a damaged file makes the unpickler stumble in any way
        raise _unsafe(path, "holds more than tensors, arrays and plain values, or is damaged", cause) from None


def _array(path: Path) -> Any:
    import numpy

    try:
        return numpy.load(path, allow_pickle=False)
    except OSError:
        raise
    except Exception as cause:
        raise _unsafe(path, "holds Python objects, which would run code, or is damaged", cause) from None


def _unsafe(path: Path, what: str, cause: Exception) -> Exception:
    words = str(cause).strip().splitlines() or [type(cause).__name__]
    return error(
        "unsafe-file", f"`{path}` {what}: {words[0][:160]}",
        hint="load it where you trust it, and write its genotype as JSON",
    )  # fmt: skip


def _numpy_parts() -> Iterator[Any]:
    """What a pickled NumPy array of numbers is made of, under the names of NumPy 1 and 2. None of it runs code."""
    import numpy
    from numpy._core.multiarray import _reconstruct, scalar

    for module in ("numpy._core.multiarray", "numpy.core.multiarray"):
        yield (_reconstruct, f"{module}._reconstruct")
        yield (scalar, f"{module}.scalar")
    yield numpy.ndarray
    yield numpy.dtype
    yield from {type(numpy.dtype(kind)) for kind in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "bool")}


def _as_json(value: Any) -> str:
    """The dictionaries, lists and numbers of an object; what is neither becomes null."""
    return json.dumps(_plain(value), indent=1)


def _plain(value: Any, depth: int = 8) -> Any:
    if isinstance(value, dict) and depth:
        return {str(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_plain(item, depth - 1) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "tolist") and getattr(value, "size", None) is not None:
        count = value.numel() if hasattr(value, "numel") else value.size
        return _plain(value.tolist(), 8) if count <= 100_000 else None
    return None
