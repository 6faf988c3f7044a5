"""Measuring one at a time, whoever dies."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path

from nascompile.jobs.turns import one_at_a_time

CODE = """
import sys, time
from pathlib import Path
from nascompile.jobs.turns import one_at_a_time
with one_at_a_time(Path(sys.argv[1])):
    print("in", time.time(), flush=True)
    time.sleep(float(sys.argv[2]))
    print("out", time.time(), flush=True)
"""


def started(path: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CODE, str(path), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def test_three_processes_take_turns(tmp_path: Path) -> None:
    ends = []
    for process in [started(tmp_path / "sub" / "lock", 0.3) for _ in range(3)]:
        entered, left = (float(line.split()[1]) for line in process.communicate(timeout=60)[0].splitlines())
        ends.append((entered, left))
    ends.sort()
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(ends))


def test_a_process_that_is_killed_leaves(tmp_path: Path) -> None:
    process = started(tmp_path / "lock", 600)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("in")
    process.kill()
    process.communicate()
    begun = time.monotonic()
    with one_at_a_time(tmp_path / "lock"):
        assert time.monotonic() - begun < 30
