"""A run that is killed, twice, and resumed equals the run that was left alone: weights, optimiser, history, best."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from nascompile.train.checkpoint import load_checkpoint
from nascompile.train.loop import BEST, LAST


def start(demo: Path, folder: Path, pause: float) -> subprocess.Popen[bytes]:
    program = Path(__file__).with_name("train_nuclei.py")
    command = [sys.executable, str(program), str(demo / "nuclei"), str(folder), str(pause)]
    return subprocess.Popen(command, cwd=demo.parent, env=None)


def kill_at(demo: Path, folder: Path, step: int) -> int:
    """Start or resume the run, kill it once its checkpoint has reached `step`; the step it was killed at."""
    process = start(demo, folder, 0.02)
    deadline = time.monotonic() + 90
    try:
        while time.monotonic() < deadline and process.poll() is None:
            if (folder / LAST).exists() and load_checkpoint(folder / LAST)["step"] >= step:
                break
            time.sleep(0.01)
    finally:
        process.kill()  # SIGKILL: nothing is tidied up
        process.wait()
    return int(load_checkpoint(folder / LAST)["step"])


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a if k != "seconds")
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@pytest.mark.slow
def test_killed_twice_and_resumed_equals_uninterrupted(demo: Path, tmp_path: Path) -> None:
    assert start(demo, tmp_path / "whole", 0).wait(120) == 0
    first = kill_at(demo, tmp_path / "torn", 4)
    second = kill_at(demo, tmp_path / "torn", first + 7)
    assert 4 <= first < second < 30
    assert start(demo, tmp_path / "torn", 0).wait(120) == 0
    for name in (LAST, BEST):
        torn, whole = (load_checkpoint(tmp_path / run / name, "nuclei") for run in ("torn", "whole"))
        assert same(torn, whole)
    assert load_checkpoint(tmp_path / "torn" / LAST)["step"] == 30
