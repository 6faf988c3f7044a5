"""Several processes on one study: the trials of a single process, none lost, none done twice, whoever dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import optuna
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from sampling_process import COUNT, LADDER, prepare

from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.search.claims import Claims, Lost
from nascompile.search.strategy import Trial
from nascompile.search.study import Study, file_url

SCRIPT = Path(__file__).with_name("sampling_process.py")
GRACE = 4.0


def opened(folder: Path) -> Study:
    space = Compilation.from_text(LADDER).space()
    return Study.open(file_url(folder / "study.db"), "ladder", space, (-1, 1), ("a", "b"), {"seed": 0})


def claims(folder: Path, *, grace: float = 60.0, alone: bool = False, take_over: bool = False) -> Claims:
    study = opened(folder)
    return Claims(study.storage, study.key, alone=alone, take_over=take_over, grace=grace, beat=grace / 10)


def by_itself(folder: Path, strategy: str) -> list[Trial]:
    folder.mkdir()
    loop, evaluation = prepare(folder, strategy)
    return loop.run(evaluation, lambda number, ended: number >= COUNT, lambda trial: None)


@contextmanager
def started(folder: Path, strategy: str, sleep: float) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(SCRIPT), str(folder), strategy, str(sleep), str(GRACE)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_until(process: subprocess.Popen[str], count: int) -> list[str]:
    """What a process prints until it has evaluated `count` trials."""
    assert process.stdout is not None
    found: list[str] = []
    while sum(line.startswith("evaluated") for line in found) < count:
        line = process.stdout.readline()
        assert line, f"it ended early, after {found}"
        found.append(line)
    return found


def evaluated(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("evaluated")]


def rest(process: subprocess.Popen[str]) -> list[str]:
    lines = process.communicate(timeout=120)[0].splitlines()
    assert process.returncode == 0
    assert lines[-1] == "finished"
    return lines


@pytest.mark.parametrize("strategy", ["nsga2", "evolution"])
def test_two_processes_do_each_trial_once_and_find_what_one_finds(strategy: str, tmp_path: Path) -> None:
    whole = by_itself(tmp_path / "whole", strategy)
    folder = tmp_path / "shared"
    folder.mkdir()
    with started(folder, strategy, 0.1) as one, started(folder, strategy, 0.1) as other:
        first, second = rest(one), rest(other)
    assert opened(folder).trials() == whole
    done = Counter(evaluated(first) + evaluated(second))
    assert set(done.values()) == {1}
    assert set(done) == {t.number for t in whole if t.state != "rejected"}
    assert evaluated(first) and evaluated(second), "one process did everything"


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["nsga2", "random"])
def test_a_killed_process_leaves_its_trial_to_the_other(strategy: str, tmp_path: Path) -> None:
    whole = by_itself(tmp_path / "whole", strategy)
    folder = tmp_path / "shared"
    folder.mkdir()
    with started(folder, strategy, 0.3) as one, started(folder, strategy, 0.3) as other:
        lines_until(one, 2)
        one.kill()
        one.wait()
        rest(other)
    assert opened(folder).trials() == whole


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no SIGSTOP here")
def test_a_process_that_was_held_up_does_not_write_what_another_did(tmp_path: Path) -> None:
    whole = by_itself(tmp_path / "whole", "nsga2")
    folder = tmp_path / "shared"
    folder.mkdir()
    with started(folder, "nsga2", 0.3) as one, started(folder, "nsga2", 0.3) as other:
        lines_until(one, 2)
        one.send_signal(signal.SIGSTOP)
        before = rest(other)
        one.send_signal(signal.SIGCONT)
        after = rest(one)
    assert opened(folder).trials() == whole
    assert len(evaluated(before)) > COUNT / 2
    assert after[-1] == "finished"


def test_one_process_has_a_trial_and_gives_it_back(tmp_path: Path) -> None:
    with claims(tmp_path) as mine:
        assert mine.take(0)
        assert mine.take(0), "it is mine already"
        with claims(tmp_path) as theirs:
            assert not theirs.take(0)
            assert theirs.take(1)
            mine.drop(1)
            assert not mine.take(1), "only its process drops a trial"
        assert mine.take(1), "who ends gives all up"


def test_a_trial_without_a_sign_of_life_is_taken_over_and_its_process_notices(tmp_path: Path) -> None:
    study = opened(tmp_path)
    with ExitStack() as stack:
        study.claims = Claims(study.storage, study.key, alone=False, grace=60.0, beat=3600.0)
        stack.enter_context(study.claims)
        assert study.take(0)
        study.begin(0, study.space.unrank(3), 5)
        patient = stack.enter_context(claims(tmp_path, grace=60.0))
        hasty = stack.enter_context(claims(tmp_path, grace=0.5))
        assert not patient.take(0)
        assert not hasty.take(0), "the first look begins the count"
        time.sleep(0.6)
        assert not patient.take(0)
        assert hasty.take(0)
        with pytest.raises(Lost):
            study.finish(Trial(0, study.space.unrank(3), "complete", (1.0, 2.0), seed=5))
        assert opened(tmp_path).trials() == [None]


def test_a_sign_of_life_keeps_a_trial(tmp_path: Path) -> None:
    with claims(tmp_path, grace=1.0) as mine, claims(tmp_path, grace=1.0) as theirs:
        assert mine.take(0)
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            assert not theirs.take(0)
            time.sleep(0.1)


def test_taking_over_counts_who_was_there_as_gone(tmp_path: Path) -> None:
    with claims(tmp_path) as mine:
        assert mine.take(0)
        with claims(tmp_path, take_over=True) as theirs:
            assert theirs.take(0)
            assert mine.take(1)
            assert not theirs.take(1), "claims of today are respected"
        with pytest.raises(Lost):
            mine.fence(0)


def test_who_works_alone_is_not_joined_and_refuses_company(tmp_path: Path) -> None:
    with claims(tmp_path, alone=True), pytest.raises(NasError, match=r"(?s)study-in-use.*--join"):
        claims(tmp_path).__enter__()
    with claims(tmp_path) as mine:
        assert mine.take(0)
        with pytest.raises(NasError, match=r"(?s)study-in-use.*--join"):
            claims(tmp_path, alone=True).__enter__()


def test_a_second_process_alone_waits_for_a_sign_of_life(tmp_path: Path) -> None:
    with claims(tmp_path, alone=True), pytest.raises(NasError, match="study-in-use"):
        claims(tmp_path, alone=True).__enter__()
    gone = claims(tmp_path, alone=True)
    gone.beat = 3600.0
    gone.__enter__()
    gone._ended.set()  # as if it were killed: no sign of life, its row stays
    with claims(tmp_path, alone=True) as mine:
        mine.fence(0)
        mine.storage.scoped_session().rollback()
        with pytest.raises(NasError, match="study-in-use"):
            gone.fence(0)
    optuna.storages.RDBStorage(file_url(tmp_path / "study.db"))  # our table does not disturb Optuna
