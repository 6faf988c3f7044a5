"""The examples of docs/language.md are correct, and its list of codes is complete."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from nascompile.resources import resource

sys.path.insert(0, str(Path(__file__).parent))
from literate import Case, cases, compare, diagnose

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "language.md"
EXAMPLES = list(cases(PAGE))
RAISED = re.compile(
    r'(?:\bfail|\berror|found\.add|self\.add|\.unknown|ShapeError|Diagnostic)\(\s*"([a-z]+(?:-[a-z]+)*)"'
)


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line {e.line}" for e in EXAMPLES])
def test_an_example_of_the_page_is_correct(example: Case) -> None:
    assert not compare(example.text, diagnose(example.text, example.checks))


def test_the_list_of_codes_is_complete() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", text[text.index("## Error codes") :]))
    raised = {
        code
        for path in (ROOT / "nascompile" / "semantics").glob("*.py")
        for code in RAISED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(raised) > 50
    assert raised - listed == set()
    assert {word for word in listed if "-" in word} <= {p.stem for p in resource("specs/errors").glob("*.md")}
