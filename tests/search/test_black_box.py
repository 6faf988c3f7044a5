"""The loop and its study: one seed gives the same trials with any number of workers and after any interruption."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import optuna
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from sampling_process import COUNT, LADDER, Pricing, prepare

from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.profile.pricing import Pricer
from nascompile.search.strategy import Trial
from nascompile.search.study import Study, file_url

STRATEGIES = ["random", "evolution", "nsga2"]
SCRIPT = Path(__file__).with_name("sampling_process.py")


@dataclass
class Shuffled(Pricing):
    """Ends the trials that run in a random order, like workers of different speed."""

    order: random.Random = field(default_factory=random.Random)

    def wait(self, timeout: float | None = None) -> Iterable[Trial]:
        self.order.shuffle(self.given)
        return Pricing.wait(self)


def pricer() -> Pricer:
    text = Compilation.from_text(LADDER)
    return Pricer(text.library, text.space())


def run(folder: Path, strategy: str, count: int = COUNT, evaluation: Pricing | None = None) -> list[Trial]:
    folder.mkdir(exist_ok=True)
    loop, evaluation = prepare(folder, strategy, evaluation)
    return loop.run(evaluation, lambda number, ended: number >= count, lambda trial: None)


@pytest.mark.parametrize("strategy", [*STRATEGIES, pytest.param("optuna nsga3", marks=pytest.mark.slow)])
def test_workers_change_nothing(strategy: str, tmp_path: Path) -> None:
    alone = run(tmp_path / "1", strategy)
    assert [t.number for t in alone] == list(range(COUNT))
    assert {t.state for t in alone} >= {"complete", "failed"} | ({"rejected"} if strategy == "random" else set())
    for workers in (2, 4):
        many = Shuffled(pricer(), 0.0, workers, order=random.Random(workers))
        assert run(tmp_path / str(workers), strategy, evaluation=many) == alone


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_extended_search_is_one_that_was_longer_from_the_start(strategy: str, tmp_path: Path) -> None:
    first = run(tmp_path / "a", strategy, 9)
    assert len(first) == 9
    extended = run(tmp_path / "a", strategy)
    assert extended[:9] == first
    assert extended == run(tmp_path / "b", strategy)


class Interrupted(Exception):
    """Stands for a kill at a chosen place."""


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("workers", [1, 3])
def test_interrupted_at_any_write_and_resumed(
    strategy: str, workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path / "whole", strategy)
    rng = random.Random(workers)
    folder = tmp_path / "parts"
    writes = ("create_new_trial", "set_trial_user_attr", "set_trial_state_values")
    for _ in range(8):
        left = rng.randrange(1, 30)
        with monkeypatch.context() as patch:
            for name in writes:
                original = getattr(optuna.storages.RDBStorage, name)

                def write(self: object, *given: object, original: object = original, **more: object) -> object:
                    nonlocal left
                    left -= 1
                    if left < 0:
                        raise Interrupted
                    return original(self, *given, **more)  # type: ignore[operator]

                patch.setattr(optuna.storages.RDBStorage, name, write)
            try:
                run(folder, strategy, evaluation=Shuffled(pricer(), 0.0, workers, order=random.Random(left)))
            except Interrupted:
                continue
    assert run(folder, strategy) == whole


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_killed_processes_leave_a_study_that_goes_on(strategy: str, tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", strategy)
    rng = random.Random(0)
    folder = tmp_path / "killed"
    folder.mkdir()
    for _ in range(3):
        after = rng.randrange(1, 7)
        command = [sys.executable, str(SCRIPT), str(folder), strategy, "0.02"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        assert process.stdout is not None
        for _line in zip(process.stdout, range(after), strict=False):
            pass
        process.kill()
        process.stdout.close()
        process.wait()
    assert run(folder, strategy) == whole


def test_a_study_is_one_that_optuna_reads(tmp_path: Path) -> None:
    trials = run(tmp_path, "random", 8)
    url = file_url(tmp_path / "study.db")
    study = optuna.load_study(study_name="ladder", storage=url)
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["a", "b"]
    for mine, theirs in zip(trials, study.trials, strict=True):
        assert theirs.params == dict(mine.genotype.values)
        assert theirs.user_attrs["genotype"].startswith("genotype trial : ladder {")
        if mine.state == "complete":
            assert theirs.values == [-mine.losses[0], mine.losses[1]]
        if mine.state == "failed":
            assert (theirs.state.name, theirs.user_attrs["error"]) == ("FAIL", "loss-is-nan")
    best = {t.number for t in study.best_trials}
    assert best <= {t.number for t in trials if t.state == "complete"}


def test_a_failure_half_written_by_a_kill_is_no_error_of_the_repeated_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = Compilation.from_text(LADDER).space()
    study = Study.open(file_url(tmp_path / "study.db"), "ladder", space, (1, 1), ("a", "b"), {})
    genotype = space.unrank(3)
    study.begin(0, genotype, 5)

    def kill(*given: object) -> None:
        raise Interrupted

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(optuna.storages.RDBStorage, "set_trial_state_values", kill)
        study.finish(Trial(0, genotype, "failed", error="out-of-memory"))
    repeated = Trial(0, genotype, "complete", (1.0, 2.0), seed=5)
    study.finish(repeated)
    assert study.trials() == [repeated]


def test_a_study_of_another_search_is_refused(tmp_path: Path) -> None:
    space = Compilation.from_text(LADDER).space()
    url = file_url(tmp_path / "study.db")
    Study.open(url, "ladder", space, (1,), ("a",), {"seed": 0, "threads": 1})
    with pytest.raises(NasError, match=r"another threads.*threads = 1"):
        Study.open(url, "ladder", space, (1,), ("a",), {"seed": 0, "threads": 2})
    with pytest.raises(NasError, match="another objectives"):
        Study.open(url, "ladder", space, (-1,), ("a",), {"seed": 0, "threads": 1})
    (tmp_path / "bad.db").write_text("no database", encoding="utf-8")
    with pytest.raises(NasError, match="unreadable-study"):
        Study.open(file_url(tmp_path / "bad.db"), "ladder", space, (1,), ("a",), {})


def test_latencies_of_two_machines_do_not_mix_unless_told(tmp_path: Path) -> None:
    space = Compilation.from_text(LADDER).space()
    given = (file_url(tmp_path / "study.db"), "ladder", space, (1,), ("a",))
    study = Study.open(*given, {"machine": "this one"})
    genotype = space.unrank(3)
    study.begin(0, genotype, 5)
    study.finish(
        Trial(0, genotype, "complete", (1.0,), measures={"latency(torch.cpu)": 1.0}, seed=5, machine="this one")
    )
    with pytest.raises(NasError, match=r"(?s)study-of-another-search.*another machine.*--any-machine"):
        Study.open(*given, {"machine": "that one"})
    other = Study.open(*given, {"machine": "that one"}, ("machine",))
    assert [t.machine for t in other.trials() if t is not None] == ["this one"]


def test_two_processes_do_not_share_a_study(tmp_path: Path) -> None:
    loop, evaluation = prepare(tmp_path, "random")
    run(tmp_path, "random", 3)
    with pytest.raises(NasError, match="study-in-use"):
        loop.run(evaluation, lambda number, ended: number >= 5, lambda trial: None)


def test_what_comes_first_is_tried_first(tmp_path: Path) -> None:
    loop, evaluation = prepare(tmp_path, "nsga2")
    wanted = [loop.problem.space.unrank(7), loop.problem.space.unrank(11)]
    trials = replace(loop, first=wanted).run(evaluation, lambda number, ended: number >= 5, lambda trial: None)
    assert [t.genotype for t in trials[:2]] == wanted
