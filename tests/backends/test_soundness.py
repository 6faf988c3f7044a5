"""A few of the draws of `benchmarks/soundness.py`: what the text promises is what torch builds."""

from __future__ import annotations

import random
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nascompile.resources import resource

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import soundness
from soundness import SPACES, Space, open_space, verify


@pytest.mark.parametrize("space", SPACES, ids=lambda s: s.label)
def test_random_genotypes(space: Space) -> None:
    searched = open_space(space)
    for seed in range(2):
        assert verify(space, searched.sample(random.Random(seed)), is_real=False) is None
    assert verify(space, searched.sample(random.Random(2)), is_real=True) is None


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES, ids=lambda s: s.label)
def test_more_random_genotypes(space: Space) -> None:
    searched = open_space(space)
    for seed in range(10, 20):
        assert verify(space, searched.sample(random.Random(seed)), is_real=False) is None


def test_a_wrong_promise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    space = SPACES[0]
    genotype = open_space(space).sample(random.Random(0))
    honest = soundness.cost_of
    monkeypatch.setattr(soundness, "cost_of", lambda program: replace(honest(program), live=honest(program).live + 1))
    problem = verify(space, genotype, is_real=False)
    assert problem is not None
    assert "parameters" in problem


def test_results_go_on_where_they_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "SPACES", SPACES[4:5])
    path = tmp_path / "soundness.json"
    assert soundness.run_all(path, 2, 1, 60.0)["spaces"][SPACES[4].label] == {"meta": 2, "real": 1, "wrong": []}
    drawn: list[bool] = []
    monkeypatch.setattr(soundness, "verify", lambda space, genotype, is_real: drawn.append(is_real))
    assert soundness.run_all(path, 3, 1, 60.0)["spaces"][SPACES[4].label]["meta"] == 3
    assert drawn == [False]


def test_every_shipped_space_is_tested(covered: set[str]) -> None:
    declared = set()
    for path in resource("specs").glob("*.nas"):
        declared |= set(re.findall(r"^space (\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert declared == covered
