"""Searches that try genotypes, from the command line, on real images: resumed, extended, failing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.jobs.trials import Assignment, Recipe, Result
from nascompile.jobs.workers import Workers
from nascompile.profile.cost import cost_of
from nascompile.runs import Run, read_json

TINY = """\
nas 1
import std.layers

ops choices(c) = conv: conv(c, 3) | wide: conv(c, 3, dilation = 2) | pool: max_pool(3, stride = 1, padding = 1)
space tiny(x: image = [1, 16, 16]; classes = 3) {
  c = pick one of [2, 4, 6, 8]
  s[0] = x -> conv(c, 3) -> relu
  s[1] = s[0] -> conv(c, 1)
  y = sum(pick 1 of [s[j] via choices(c) for j in 0 ..< 2])
  y -> conv(classes, 1)
}
genotype one : tiny {
  c = 8
  y = [s[0] via conv]
}
narrow slim : tiny { c in [2, 4] }

task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
}

search first : tiny on cells {
  strategy = evolution(population = 3, sample = 2, lag = 2)
  budget   = 5 trials
  batch    = 2
  enqueue  = [one]
  compare  = [background]
  maximize dice
  minimize params
  where params < 700
  stage trial { budget = 2 steps }
  stage train { budget = 2 steps }
}
"""

NAME = [sys.executable, "-m", "nascompile.cli.app"]


def nascompile(folder: Path, demo: Path, command: str, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "tiny.nas").write_text(TINY, encoding="utf-8")
    given = [*NAME, command, "tiny.nas", "--data", str(demo), "--device", "cpu", *more]
    return subprocess.run(given, cwd=folder, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A run of five trials in one worker."""
    folder = tmp_path_factory.mktemp("whole")
    done = nascompile(folder, demo, "search", "--name", "a")
    assert done.returncode == 0, done.stderr
    return folder / "runs" / "a"


def test_the_front_is_written_as_data_and_as_genotypes(whole: Path) -> None:
    found = read_json(whole / "front.json")
    assert [g["name"] for g in found["objectives"]] == ["dice", "params"]
    assert len(found["trace"]) == 5
    assert found["trace"] == sorted(found["trace"])
    text = Compilation.from_path(whole / "front.nas")
    assert set(text.library.genotypes) >= {member["name"] for member in found["front"]}
    for member in found["front"]:
        price = member["measures"]["params"]
        assert price < 700
        assert cost_of(text.network(text.genotype(member["name"]))).live == price
    knee = text.genotype(found["knee"])
    assert Compilation.from_path(whole / "genotype.nas").genotype("found") == knee
    rows = (whole / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1].startswith("0,complete,") or rows[1].startswith("0,rejected,")
    assert not (whole / "trials").exists()


@pytest.mark.slow
def test_two_workers_and_an_extension_give_the_same_bytes(whole: Path, tmp_path: Path, demo: Path) -> None:
    first = nascompile(tmp_path, demo, "search", "--name", "a", "--set", "budget=3 trials", "--workers", "2")
    assert first.returncode == 0, first.stderr
    assert len(read_json(tmp_path / "runs" / "a" / "front.json")["trace"]) == 3
    second = nascompile(tmp_path, demo, "search", "--name", "a", "--resume", "--workers", "0")
    assert second.returncode == 0, second.stderr
    for name in ("front.json", "front.nas", "metrics.csv", "genotype.nas"):
        assert (tmp_path / "runs" / "a" / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_killed_and_resumed_gives_the_same_bytes(whole: Path, tmp_path: Path, demo: Path) -> None:
    (tmp_path / "tiny.nas").write_text(TINY, encoding="utf-8")
    given = [*NAME, "search", "tiny.nas", "--data", str(demo), "--device", "cpu", "--name", "a"]
    process = subprocess.Popen(given, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    study = tmp_path / "runs" / "a" / "study.db"
    while process.poll() is None and not (study.with_name("trials").exists() or study.with_name("front.json").exists()):
        pass
    process.kill()
    process.wait()
    done = nascompile(tmp_path, demo, "search", "--name", "a", "--resume")
    assert done.returncode == 0, done.stderr
    for name in ("front.json", "front.nas", "metrics.csv", "genotype.nas"):
        assert (tmp_path / "runs" / "a" / name).read_bytes() == (whole / name).read_bytes(), name


OUTCOME = ("front.json", "front.nas", "trials.json", "metrics.csv", "genotype.nas")


@pytest.mark.slow
def test_processes_that_share_a_study_give_the_same_bytes_also_when_one_is_killed(
    whole: Path, tmp_path: Path, demo: Path
) -> None:
    (tmp_path / "tiny.nas").write_text(TINY, encoding="utf-8")
    shared = ["--storage", "sqlite:///shared.db", "--join", "both"]
    given = [*NAME, "search", "tiny.nas", "--data", str(demo), "--device", "cpu", *shared]
    killed = subprocess.Popen([*given, "--name", "a"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while killed.poll() is None and not (tmp_path / "runs" / "a" / "trials").exists():
        pass
    killed.kill()
    killed.wait()
    second = subprocess.Popen([*given, "--take-over"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    third = nascompile(tmp_path, demo, "search", *shared, "--name", "c", "--workers", "2")
    assert third.returncode == 0, third.stderr
    assert second.wait(60) == 0
    (named,) = (path.name for path in (tmp_path / "runs").glob("both_*"))
    for run in (named, "c"):
        for name in OUTCOME:
            assert (tmp_path / "runs" / run / name).read_bytes() == (whole / name).read_bytes(), name


def test_sharing_needs_an_address(tmp_path: Path, demo: Path) -> None:
    done = nascompile(tmp_path, demo, "search", "--join", "both")
    assert done.returncode == 1
    assert "missing-storage" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("command", "setting", "code"),
    [
        ("search", "trial.inherit='nowhere'", "unknown-run"),
        ("run", "strategy=partial_order(cost=latency('no.yaml'))", "unknown-target"),
    ],
)
def test_what_a_search_needs_is_looked_at_before_there_is_a_run(
    command: str, setting: str, code: str, tmp_path: Path, demo: Path
) -> None:
    done = nascompile(tmp_path, demo, command, "--set", setting.replace("'", '"'))
    assert done.returncode == 1
    assert f"[{code}]" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_another_seed_is_another_search(whole: Path, demo: Path) -> None:
    done = nascompile(whole.parents[1], demo, "search", "--name", "a", "--resume", "--seed", "4")
    assert done.returncode == 1
    assert "run-of-another-spec" in done.stderr


def test_a_run_trains_the_knee_and_compares(tmp_path: Path, demo: Path) -> None:
    settings = ["--set", "budget=2 trials", "--set", "narrowing=slim", "--set", "strategy=random", "--workers", "0"]
    done = nascompile(tmp_path, demo, "run", "--name", "a", "--set", "enqueue=[]", *settings)
    assert done.returncode == 0, done.stderr
    run = Run(tmp_path / "runs" / "a")
    entries = read_json(run.path("results.json"))["entries"]
    assert [e["name"] for e in entries] == ["background", "searched"]
    assert run.path("model.onnx").exists()
    genotypes = json.loads(run.path("front.json").read_text(encoding="utf-8"))["front"]
    assert all("c = 2" in g["genotype"] or "c = 4" in g["genotype"] for g in genotypes)


@pytest.fixture
def recipe(tmp_path: Path, demo: Path) -> Recipe:
    path = tmp_path / "tiny.nas"
    path.write_text(TINY, encoding="utf-8")
    return Recipe.of(Compilation.from_path(path, demo), None, "cpu", tmp_path / "scratch")


GIVEN = Assignment(0, {"c": 2, "y": ("s[0]",), "y.s[0]": "conv"}, 1, {"params": 90.0})


def evaluated(recipe: Recipe, given: Assignment, limit: float | None = None) -> Result:
    with Workers(recipe, 1, limit) as workers:
        workers.submit(given)
        (result,) = workers.wait()
        again = Assignment(1, GIVEN.values, 1, {"params": 90.0})
        workers.submit(again)
        (next_,) = workers.wait()
        assert limit is not None or next_.state == "complete", "the search did not go on"
    return result


@pytest.mark.slow
def test_a_process_that_crashes_costs_its_trial(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash:
        """Ends the process that unpickles it, as a segmentation fault would."""

        def __reduce__(self) -> object:
            return (__import__("os")._exit, (3,))

    result = evaluated(recipe, Assignment(0, {"c": Crash()}, 1, {}))
    assert (result.state, result.error) == ("failed", "crashed: its process ended with status 3")


@pytest.mark.slow
def test_a_trial_that_takes_too_long_is_given_up(recipe: Recipe) -> None:
    result = evaluated(recipe, GIVEN, 1e-3)
    assert (result.state, result.error) == ("failed", "time-limit: it took longer than 0.001 s")


def test_a_genotype_that_cannot_be_built_is_a_failed_trial(recipe: Recipe) -> None:
    with Workers(recipe, 0) as workers:
        workers.submit(Assignment(0, {**GIVEN.values, "c": 10**9}, 1, {}))
        (result,) = workers.wait()
    assert result.state == "failed"
    assert result.error
