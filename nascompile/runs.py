"""Run folders: what is in them, finding and listing them, and writing files that are whole or not there."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nascompile.diagnostics import did_you_mean, error
from nascompile.files import write_text

RECORD = "run.json"
"""What makes a folder a run: the command, the spec's digest and name, the step it has come to, its note."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder.

    `spec.nas` is the resolved text, `genotype.nas` what was found, `metrics.csv` and `timing.csv` its course,
    `curves.svg` and `cell_NAME.svg` its pictures, `*.safetensors` weights, `environment.json` versions, threads, seed
    and device, `results.json` evaluations, `note.txt` the user's words.
    """

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def path(self, name: str) -> Path:
        """A file of the run."""
        return self.folder / name

    def record(self) -> dict[str, Any]:
        """The contents of `run.json`; raises NasError (`unreadable-run`) if it is no JSON object."""
        return read_json(self.path(RECORD))

    def update(self, **changes: Any) -> None:
        """Change entries of `run.json`."""
        before = self.record() if self.path(RECORD).exists() else {}
        write_json(self.path(RECORD), {**before, **changes})

    def note(self) -> str:
        path = self.path("note.txt")
        return path.read_text(encoding="utf-8").strip() if path.exists() else ""


_BEGUN = frozenset({"note.txt", ".note.txt.tmp", f".{RECORD}.tmp"})
"""What a start that was killed before its `run.json` may have left: nothing that is worth keeping."""


def create(root: Path, name: str | None, *, note: str | None, record: Mapping[str, Any]) -> Run:
    """A new run folder under `root`, named `name` or after the time.

    Raises NasError: `bad-run-name`, and `run-exists` if there is a run of this name.
    """
    if name is not None and not _NAME.fullmatch(name):
        hint = "use letters, digits, `.`, `_` and `-`"
        raise error("bad-run-name", f"`{name}` cannot be the name of a folder", hint=hint)
    folder = root / (name or _free(root, time.strftime("%Y-%m-%d_%H-%M-%S")))
    if folder.exists() and any(path.name not in _BEGUN for path in folder.iterdir()):
        hint = f"`--resume` goes on with it; or give another `--name`, or remove `{folder}`"
        raise error("run-exists", f"there is a run `{folder.name}` in `{root}` already", hint=hint)
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder)
    if note:
        write_text(run.path("note.txt"), note + "\n")
    write_json(run.path(RECORD), {"created": time.time(), **record})
    return run


_STARTED = frozenset({RECORD, "environment.json", "note.txt"})
"""What a start writes beside texts."""


@contextlib.contextmanager
def withdrawn(run: Run, is_new: bool) -> Iterator[None]:
    """Around the work of a run: if it fails before it has anything to show, a new folder is removed again.

    So a mistake that is found late, in an image or a layer, does not occupy the name of the run. One that has a
    `study`, which may be elsewhere, stays.
    """
    try:
        yield
    except Exception:
        is_bare = all(path.name in _STARTED or path.suffix in (".nas", ".yaml") for path in run.folder.iterdir())
        if is_new and is_bare and "study" not in run.record():
            shutil.rmtree(run.folder, ignore_errors=True)
        raise


def as_name(text: str) -> str:
    """A text as the name of a run: what may not be in one becomes `-`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-") or "run"


def _free(root: Path, name: str) -> str:
    number, candidate = 1, name
    while (root / candidate).exists():
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def all_runs(root: Path) -> list[Run]:
    """The runs under `root`, the newest last; newest by the time that `run.json` records."""
    if not root.is_dir():
        return []
    found = [Run(folder) for folder in root.iterdir() if (folder / RECORD).is_file()]
    return sorted(found, key=lambda run: (_created(run), run.name))


def _created(run: Run) -> float:
    try:
        return float(json.loads(run.path(RECORD).read_text(encoding="utf-8")).get("created", 0))
    except (OSError, ValueError, TypeError, AttributeError):
        return 0.0


def find(root: Path, name: str | None = None, *, having: Sequence[str] = ()) -> Run:
    """The run `name`, or the newest one (`latest`) that has the files `having`.

    `name` may also be the path of a run's folder. Raises NasError: `unknown-run`, `no-runs`.
    """
    runs = all_runs(root)
    if name is not None and name != "latest":
        for run in runs:
            if run.name == name:
                return run
        if (Path(name) / RECORD).is_file():
            return Run(Path(name))
        hint = did_you_mean(name, (run.name for run in runs)) or "`nascompile runs` lists them"
        raise error("unknown-run", f"there is no run `{name}` in `{root}`", hint=hint)
    for run in reversed(runs):
        if all(run.path(file).exists() for file in having):
            return run
    what = f" with {', '.join(f'`{file}`' for file in having)}" if having and runs else ""
    hint = "start one: `nascompile search SPEC`, or name a SPEC and a `--genotype`"
    raise error("no-runs", f"there is no run{what} in `{root}`", hint=hint)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises NasError (`missing-file`, `unreadable-run`)."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error("missing-file", f"there is no file `{path}`") from None
    except (OSError, ValueError) as cause:
        raise error("unreadable-run", f"`{path}` cannot be read: {cause}") from cause
    if not isinstance(value, dict):
        raise error("unreadable-run", f"`{path}` holds no JSON object")
    return value


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV; the columns are those of all rows, in the order of their appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(map(_field, columns))]
    lines += [",".join(_field(row.get(name)) for name in columns) for row in rows]
    write_text(path, "\n".join(lines) + "\n")


def _field(value: Any) -> str:
    if value is None:
        return ""
    text = repr(value) if isinstance(value, float) else str(value)
    return '"{}"'.format(text.replace('"', '""')) if any(c in text for c in ',"\n') else text
