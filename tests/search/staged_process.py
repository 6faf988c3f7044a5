"""A tiny search in two stages in a process of its own, to be killed: `python staged_process.py TEXT RUN`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from nascompile.compilation import Compilation
from nascompile.jobs.folder import record_of, write_spec
from nascompile.jobs.pipeline import search_step, start
from nascompile.runs import Run, create
from nascompile.train.progress import Report

ROOT = Path(__file__).parents[2]


@contextmanager
def announce(title: str) -> Iterator[Report]:
    yield lambda done, numbers: print(title, numbers["step"], flush=True)


def main(path: Path, folder: Path) -> None:
    torch.set_num_threads(1)
    text = Compilation.from_path(path, ROOT / "demo")
    run = Run(folder)
    if not folder.exists():
        run = create(folder.parent, folder.name, note=None, record=record_of(text, "search", None))
        write_spec(run, text, None)
    search_step(start(text, run, None, torch.device("cpu"), announce, print))
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
