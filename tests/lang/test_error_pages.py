"""The pages that `nascompile explain` shows: the first example fails with the page's code, the last is correct."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nascompile.resources import resource

sys.path.insert(0, str(Path(__file__).parent))
from literate import cases, diagnose, expected

# Pages about other things than texts (imported files, options) have no example in our language.
PAGES = [p for p in sorted(resource("specs/errors").glob("*.md")) if "```nas" in p.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=[p.stem for p in PAGES])
def test_the_example_fails_as_the_page_says_and_its_fix_does_not(page: Path) -> None:
    bad, good = cases(page)
    assert bad.title == page.stem
    assert {d.code for d in diagnose(bad.text, bad.checks)} == {page.stem}
    assert diagnose(good.text, good.checks) == []


def test_every_code_of_the_faults_has_a_page() -> None:
    codes = {e.code for path in Path(__file__).parent.glob("*.md") for case in cases(path) for e in expected(case.text)}
    assert codes - {p.stem for p in PAGES} == set()
