"""Folders that are written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nascompile.diagnostics import error


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `folder` when the block ends well, else is removed.

    Raises NasError (`cannot-write`).
    """
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        whole = temporary / "whole"
        whole.mkdir()
        yield whole
        before = temporary / "before"
        if folder.exists():
            folder.replace(before)
        try:
            whole.replace(folder)
        except OSError:
            if before.exists():
                before.replace(folder)
            raise
    except OSError as cause:
        hint = "name a folder that may be written"
        raise error("cannot-write", f"`{folder}` cannot be written: {cause.strerror or cause}", hint=hint) from cause
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
