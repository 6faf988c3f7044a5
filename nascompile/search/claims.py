"""Who does which trial of a study that several processes work on, on one machine or on many.

One row a trial that somebody does, in a table of ours beside Optuna's: who, and a count that this process raises while
it lives. An INSERT of a row is the claim: the database lets one through. A count that stands still for `GRACE` seconds
of the *observer's* clock means that its process is gone, and the trial may be taken over; no clocks are compared.
Every write of a trial checks the claim in the same transaction (`fence`), so a process that was only held up notices
that its trial is another's now.
"""

from __future__ import annotations

import os
import platform
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import Column, Integer, MetaData, String, Table, delete, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from nascompile.diagnostics import error

GRACE = 120.0
"""Seconds without a sign of life after which a trial is taken over."""

BEAT = 10.0
"""Seconds between two signs of life."""

POLL = 0.5
"""Seconds between two looks at what the other processes did."""

WHOLE = -1
"""The number that stands for the whole study: of a process that works on it alone."""

_ALONE_BEAT, _ALONE_GRACE = 1.0, 5.0  # a start waits so long for a process that was killed

_TABLE = Table(
    "nascompile_claims",
    MetaData(),
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(255), nullable=False),
    Column("beat", Integer, nullable=False),
)


class Lost(Exception):
    """The trial is another process's now."""


@dataclass(slots=True)
class Claims:
    """The claims of this process on trials of one study. Use it as a context: leaving it gives up all of them.

    `alone`: the process does all trials and refuses others (`study-in-use`); else it shares them. With `take_over`,
    whatever claims were there when it came count as those of a process that is gone.
    """

    storage: RDBStorage
    study: int
    alone: bool = True
    take_over: bool = False
    grace: float = GRACE
    beat: float = BEAT
    owner: str = field(default_factory=lambda: _this_process())
    _seen: dict[int, tuple[str, int, float]] = field(default_factory=dict)
    _gone: set[tuple[int, str]] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)
    _pulse: threading.Thread | None = None

    def __enter__(self) -> Claims:
        """Raises NasError (`study-in-use`): somebody works on the study alone, or this one wants to and is not."""
        _create_table(self.storage)
        others = self._rows()
        if self.take_over:
            self._gone = {(number, owner) for number, owner, _ in others}
        elif self.alone:
            self._require_nobody()
        elif any(number == WHOLE for number, _, _ in others):
            raise _in_use(others[0][1], "start that one with `--join`, too; if it is gone, add `--take-over`")
        if self.alone:
            try:
                with self.storage.engine.begin() as connection:
                    connection.execute(delete(_TABLE).where(_TABLE.c.study_id == self.study))
                    self._insert(connection, WHOLE)
            except IntegrityError:
                raise _in_use("another process", "it came a moment earlier") from None
        elif self._gone:
            self._delete_whole()
        self._pulse = threading.Thread(target=self._live, daemon=True)
        self._pulse.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._ended.set()
        if self._pulse is not None:
            self._pulse.join(30)
        try:
            with self.storage.engine.begin() as connection:
                connection.execute(delete(_TABLE).where(*self._mine()))
        except SQLAlchemyError:  # a database that cannot be reached; the rows grow old
            return

    def take(self, number: int) -> bool:
        """Whether this process may do a trial; if another one has it and lives, or nobody knows yet, False.

        Raises NasError (`study-in-use`) when a process that works alone has come.
        """
        if self.alone:
            return True
        try:
            with self.storage.engine.begin() as connection:
                if connection.execute(select(_TABLE.c.owner).where(*self._at(WHOLE))).first() is not None:
                    raise _in_use("another process", "it took the study over to work alone")
                self._insert(connection, number)
            return True
        except IntegrityError:
            return self._take_from_another(number)

    def drop(self, number: int) -> None:
        """Give a trial up, or nothing if another process has it."""
        if not self.alone:
            with self.storage.engine.begin() as connection:
                connection.execute(delete(_TABLE).where(*self._at(number), _TABLE.c.owner == self.owner))

    def fence(self, number: int) -> None:
        """Make the next write of this thread through Optuna's storage one that counts only while the claim is held.

        The claim's row is changed in the session that the write then commits, so nobody takes it between the two.
        Raises Lost, and NasError (`study-in-use`) if the whole study was lost.
        """
        session = self.storage.scoped_session()
        whole = select(_TABLE.c.owner).where(*self._at(WHOLE), _TABLE.c.owner != self.owner)
        row = self._at(WHOLE if self.alone else number)
        changed: Any = session.execute(
            update(_TABLE).where(*row, _TABLE.c.owner == self.owner, ~whole.alias("alone").select().exists())
            .values(beat=_TABLE.c.beat + 1)
        )  # fmt: skip
        if changed.rowcount == 1:
            return
        session.rollback()
        session.close()
        if self.alone:
            raise _in_use("another process", "it took the study over; what was done until then is in the study")
        raise Lost

    def _take_from_another(self, number: int) -> bool:
        with self.storage.engine.begin() as connection:
            found = connection.execute(select(_TABLE.c.owner, _TABLE.c.beat).where(*self._at(number))).first()
            if found is None:  # given up just now
                return False
            owner, beat = found
            if owner == self.owner:
                return True
            now = time.monotonic()
            before = self._seen.get(number)
            if before is None or before[:2] != (owner, beat):
                before = self._seen[number] = (owner, beat, now)
            if (number, owner) not in self._gone and now - before[2] < self.grace:
                return False
            changed = connection.execute(
                update(_TABLE).where(*self._at(number), _TABLE.c.owner == owner, _TABLE.c.beat == beat)
                .values(owner=self.owner, beat=0)
            )  # fmt: skip
            return changed.rowcount == 1

    def _require_nobody(self) -> None:
        """Wait until a process that works alone must have shown that it lives. Raises NasError (`study-in-use`)."""
        before = self._rows()
        shared = [owner for number, owner, _ in before if number != WHOLE]
        if shared:
            raise _in_use(shared[0], "work with it: `--join`; if it is gone, add `--take-over`")
        end = time.monotonic() + _ALONE_GRACE
        while before and time.monotonic() < end:
            time.sleep(0.2)
            now = self._rows()
            if now and now != before:
                raise _in_use(now[0][1], "give another `--name`, or wait for it to end")
            before = now

    def _live(self) -> None:
        while not self._ended.wait(min(_ALONE_BEAT, self.beat) if self.alone else self.beat):
            try:
                with self.storage.engine.begin() as connection:
                    connection.execute(update(_TABLE).where(*self._mine()).values(beat=_TABLE.c.beat + 1))
            except SQLAlchemyError:  # the fence tells whether it was too long
                continue

    def _rows(self) -> list[tuple[int, str, int]]:
        with self.storage.engine.connect() as connection:
            chosen = select(_TABLE.c.number, _TABLE.c.owner, _TABLE.c.beat).where(_TABLE.c.study_id == self.study)
            return [(number, owner, beat) for number, owner, beat in connection.execute(chosen)]

    def _insert(self, connection: Connection, number: int) -> None:
        connection.execute(insert(_TABLE).values(study_id=self.study, number=number, owner=self.owner, beat=0))

    def _delete_whole(self) -> None:
        owners = [owner for number, owner in self._gone if number == WHOLE]
        with self.storage.engine.begin() as connection:
            connection.execute(delete(_TABLE).where(*self._at(WHOLE), _TABLE.c.owner.in_(owners)))

    def _at(self, number: int) -> tuple[Any, ...]:
        return _TABLE.c.study_id == self.study, _TABLE.c.number == number

    def _mine(self) -> tuple[Any, ...]:
        return _TABLE.c.study_id == self.study, _TABLE.c.owner == self.owner


def _create_table(storage: RDBStorage) -> None:
    for attempt in range(5):
        try:
            _TABLE.create(storage.engine, checkfirst=True)
            return
        except SQLAlchemyError:  # another process made it between the check and the creation
            if attempt == 4:
                raise
            time.sleep(0.1)


def _this_process() -> str:
    return f"{platform.node()[:200]}, process {os.getpid()} ({secrets.token_hex(4)})"


def _in_use(who: str, hint: str) -> Exception:
    return error("study-in-use", f"another process works on this study: {who}", hint=hint)
