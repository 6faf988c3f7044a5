"""Runs the texts in the Markdown files beside this one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from literate import Case, cases, compare, diagnose, expected

FOLDER = Path(__file__).parent
ALL = [(path, case) for path in sorted(FOLDER.glob("*.md")) for case in cases(path)]


@pytest.mark.parametrize(("path", "case"), ALL, ids=[f"{p.stem}: {c.title}" for p, c in ALL])
def test_the_text_gives_exactly_the_announced_errors(path: Path, case: Case) -> None:
    problems = compare(case.text, diagnose(case.text, case.checks))
    assert not problems, f"{path.name}:{case.line}\n" + "\n".join(problems)


def test_the_faults_are_many() -> None:
    """Guards the runner: a change of the comments' syntax must not turn the faults into texts without errors."""
    faults = [case for path, case in ALL if expected(case.text)]
    assert len(faults) >= 25
    assert len({e.code for case in faults for e in expected(case.text)}) >= 25


def test_a_missing_and_a_surplus_error_are_noticed() -> None:
    text = "nas 1\nimport std.layers\nop f(c) = conv(c, 3) -> rellu\n"
    (problem,) = compare(text, diagnose(text))
    assert "not announced" in problem
    wrong = text.replace("rellu", 'relu # error: [unknown-name] 25-29 "rellu"')
    (problem,) = compare(wrong, diagnose(wrong))
    assert "not found" in problem
