"""Processes that evaluate trials. One that crashes, or takes too long, costs its trial and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from nascompile.diagnostics import NasError
from nascompile.jobs.trials import Assignment, Bench, Recipe, Result

_STARTING = 600.0
"""Seconds that a process may take before its first trial: loading torch and reading the images."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    given: Assignment | None = None
    begun: float = 0.0
    is_ready: bool = False


class Workers:
    """`count` processes, started when they are needed; with 0 the trials run in this process.

    `limit` is the longest time of a trial in seconds; in this process it is not kept.
    """

    def __init__(self, recipe: Recipe, count: int, limit: float | None = None):
        self.capacity = max(count, 1)
        self._recipe = recipe
        self._limit = limit
        self._bench = Bench(recipe) if count == 0 else None
        self._local: list[Assignment] = []
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *reason: object) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(5)

    @property
    def running(self) -> int:
        """How many trials are being evaluated."""
        return len(self._local) + sum(w.given is not None for w in self._workers)

    def submit(self, given: Assignment) -> None:
        """Hand out a trial. Raises ValueError when all are busy."""
        if self.running >= self.capacity:
            raise ValueError("all workers are busy")
        if self._bench is not None:
            self._local.append(given)
            return
        worker = next((w for w in self._workers if w.given is None and w.process.is_alive()), None)
        if worker is None:
            self._workers = [w for w in self._workers if w.given is not None]
            worker = self._start()
        worker.given, worker.begun = given, time.monotonic()
        try:
            worker.pipe.send(given)
        except OSError:  # it died while idle: its end of the pipe tells `wait`
            return

    def wait(self, timeout: float | None = None) -> list[Result]:
        """The results of trials that have ended: at least one, or none after `timeout` seconds.

        Raises ValueError if none is running.
        """
        if not self.running:
            raise ValueError("nothing runs")
        if self._bench is not None:
            return [self._bench.evaluate(self._local.pop(0))]
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            busy = [w for w in self._workers if w.given is not None]
            found = connection.wait([w.pipe for w in busy], timeout=self._patience(busy, end))
            results = [r for w in busy if w.pipe in found and (r := self._received(w)) is not None]
            results += [r for w in busy if w.given is not None and (r := self._overdue(w)) is not None]
            if results or (end is not None and time.monotonic() >= end):
                return results

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(self._recipe, theirs), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _received(self, worker: _Worker) -> Result | None:
        given = worker.given
        if given is None:
            return None
        try:
            message: Any = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(5)
            worker.given = None
            words = f"crashed: its process ended with status {worker.process.exitcode}"
            return Result(given.number, "failed", given.measures, 0.0, time.monotonic() - worker.begun, words)
        if isinstance(message, tuple):  # diagnostics; an exception would not survive the pipe
            raise NasError(message)
        if message == "ready":
            worker.is_ready, worker.begun = True, time.monotonic()
            return None
        worker.given = None
        result: Result = message
        return result

    def _overdue(self, worker: _Worker) -> Result | None:
        given = worker.given
        limit = self._limit if worker.is_ready else _STARTING
        seconds = time.monotonic() - worker.begun
        if given is None or limit is None or seconds <= limit:
            return None
        worker.process.kill()
        worker.process.join(5)
        worker.given = None
        words = f"time-limit: it took longer than {limit:g} s"
        return Result(given.number, "failed", given.measures, 0.0, seconds, words)

    def _patience(self, busy: Sequence[_Worker], end: float | None) -> float | None:
        limits = [(self._limit if w.is_ready else _STARTING, w.begun) for w in busy]
        ends = [begun + limit for limit, begun in limits if limit is not None] + ([] if end is None else [end])
        return max(min(ends) - time.monotonic(), 0.0) + 0.05 if ends else None


def _serve(recipe: Recipe, pipe: Connection) -> None:
    """A worker's life: evaluates what comes, and ends with the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends us
    threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        bench = Bench(recipe)
    except NasError as failure:
        pipe.send(failure.diagnostics)
        return
    pipe.send("ready")
    while True:
        try:
            pipe.send(bench.evaluate(pipe.recv()))
        except (EOFError, OSError):
            return


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
