"""What the commands that compute have in common: checking first, a device, a run folder, progress bars."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from nascompile import runs
from nascompile.cli.guard import fail, warn
from nascompile.compilation import Compilation
from nascompile.diagnostics import error

if TYPE_CHECKING:
    import torch

    from nascompile.data.task import Task
    from nascompile.train.progress import Report


def seeded(set_: Sequence[str] | None, seed: int | None) -> list[str]:
    """`--set` with `--seed` as one of them."""
    return [*(set_ or ()), *([] if seed is None else [f"seed={seed}"])]


def checked(text: Compilation) -> Compilation:
    """The text, if it has no errors; else all of them are printed and the command ends."""
    found = text.check()
    if any(d.severity == "error" for d in found):
        fail(found)
    warn(found)
    return text


def checked_task(task: Task) -> Task:
    """The task, if its files, splits and image headers are in order."""
    from nascompile.data.checks import check_task

    found = check_task(task)
    if any(d.severity == "error" for d in found):
        fail(found)
    warn(found)
    return task


def device(name: str) -> torch.device:
    """The device, with torch set up to give the same bits again."""
    # Threads that wait sleep: on a machine whose cores are also used by others, spinning makes a step ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from nascompile.train.device import choose_device
    from nascompile.train.seed import set_deterministic

    set_deterministic()
    return choose_device(name)


def announce(title: str) -> AbstractContextManager[Report]:
    """A progress bar on the error stream."""
    from rich.console import Console

    from nascompile.train.progress import progress_bar

    if not sys.stderr.isatty():
        print(f"{title} ...", file=sys.stderr, flush=True)
    return progress_bar(title, Console(stderr=True))


def resumed(root: Path, name: str | None, digest: str, command: str) -> runs.Run:
    """The run to go on with: `name`, or the newest of this command and text.

    Raises NasError: `no-runs`, `unknown-run`, `run-of-another-spec`.
    """
    if name is None:
        for run in reversed(runs.all_runs(root)):
            record = run.record()
            if record.get("digest") == digest and record.get("command") == command:
                return run
        hint = "start it without `--resume`"
        raise error("no-runs", f"no run of this text to resume in `{root}`", hint=hint)
    run = runs.find(root, name)
    require_same(run, digest)
    return run


def require_same(run: runs.Run, digest: str) -> None:
    """Raise NasError (`run-of-another-spec`) unless the run was started from a text of this meaning."""
    if run.record().get("digest") != digest:
        message = f"the run `{run.name}` was started from another text or with other settings"
        hint = f"its own text is `{run.path('spec.nas')}`; or give another `--name`"
        raise error("run-of-another-spec", message, hint=hint)


def duration(seconds: float) -> str:
    """`1 h 02 min`, `3 min 20 s`, `12 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
