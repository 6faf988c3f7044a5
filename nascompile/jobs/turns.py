"""Processes that do something one after the other, such as measuring times."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

PATIENCE = 600.0
"""Seconds after which a process does not wait any longer."""


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Of all processes with the same `path`, a file that is made, one is within at a time.

    The lock is that of an SQLite file: it works on every system, and who dies loses it. After ten minutes of waiting a
    process goes on without it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        with suppress(sqlite3.OperationalError):
            connection.execute("BEGIN EXCLUSIVE")
        yield
