"""Writing files whole or not at all: under a temporary name beside the file, then renamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nascompile.diagnostics import error


@contextmanager
def written_whole(path: Path, suffix: str = "") -> Iterator[Path]:
    """The temporary name to write to; it becomes `path` when the block ends, and is removed when the block fails.

    The name is always the same, so what a kill leaves behind is overwritten; it ends in `suffix`, for writers that go
    by the name. Folders above are made. Raises NasError (`cannot-write`) where `path` is there and is no regular file:
    a rename would put a file in the place of a device or a pipe. What the system refuses is an OSError of `path`.
    """
    if path.exists() and not path.is_file():
        what = "is a folder" if path.is_dir() else "is no regular file"
        raise error("cannot-write", f"`{path}` cannot be written: it {what}", hint="name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp{suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException as cause:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(cause, OSError) and cause.filename == str(temporary):
            raise OSError(cause.errno, cause.strerror, str(path)) from cause  # nobody knows the temporary name
        raise


class _Tried(Exception):
    """Ends a file that was begun only to see whether it can be."""


def require_writable(path: Path) -> None:
    """Raise now what `written_whole` would raise after a long computation; no file is left. Folders above are made."""
    with suppress(_Tried), written_whole(path) as temporary:
        temporary.touch()
        raise _Tried


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8 with the line ends that it has. Raises what `written_whole` raises."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes. Raises what `written_whole` raises."""
    with written_whole(path) as temporary:
        temporary.write_bytes(data)
