"""A tiny search in a process of its own, to be killed: `python search_process.py FOLDER TEXT`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from nascompile.compilation import Compilation
from nascompile.data.dataset import halves
from nascompile.jobs.searching import prepare
from nascompile.jobs.training import Data
from nascompile.search.oneshot.bilevel import run_bilevel
from nascompile.space.decode import decode

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def main(folder: Path, name: str) -> None:
    torch.set_num_threads(1)
    text = Compilation.from_path(HERE / name, ROOT / "demo")
    data = Data.of(text.task("nuclei"), 0)
    prepared = prepare(text, None, data, 0)
    weights, architecture = halves(data.train, 0, prepared.config.split)
    outcome = run_bilevel(
        prepared.supernet, data.task, weights, architecture, None, replace(prepared.settings, save_seconds=0.0), folder,
        digest=text.digest_of(), device=torch.device("cpu"),
        decode=lambda relaxed: decode(prepared.space, relaxed).to_text("found", header=False),
        report=lambda done, numbers: print(numbers["step"], flush=True),
    )  # fmt: skip
    print("finished", outcome.finished, outcome.step, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
