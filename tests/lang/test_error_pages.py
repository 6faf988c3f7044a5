"""The pages that `nascompile explain` shows: the first example fails with the page's code, the last is correct."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from nascompile.resources import resource

sys.path.insert(0, str(Path(__file__).parent))
from literate import cases, diagnose, expected

# Pages about other things than texts (imported files, options) have no example in our language.
PAGES = sorted(resource("specs/errors").glob("*.md"))
WITH_EXAMPLES = [page for page in PAGES if "```nas" in page.read_text(encoding="utf-8")]
# `Diagnostic("code", ...)`, `error("code", ...)`, `ctx.fail(...)` and the like, which take the code first or second.
RAISERS = {"Diagnostic", "ShapeError", "_at", "_diagnostic", "add", "error", "fail", "report", "unknown"}
CODE = re.compile(r"[a-z]+(-[a-z]+)+")
# Codes of one word are told from other strings by this list.
SHORT = {"assignment", "misplaced", "parameter", "recursion", "requirement", "system", "unit"}
NOUNS = {"genotype", "search", "space", "task"}


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=[p.stem for p in WITH_EXAMPLES])
def test_the_example_fails_as_the_page_says_and_its_fix_does_not(page: Path) -> None:
    bad, good = cases(page)
    assert bad.title == page.stem
    assert {d.code for d in diagnose(bad.text, bad.checks)} == {page.stem}
    assert diagnose(good.text, good.checks) == []


@pytest.mark.parametrize("page", PAGES, ids=[p.stem for p in PAGES])
def test_a_page_says_what_is_wrong_and_what_to_do(page: Path) -> None:
    title, *paragraphs = page.read_text(encoding="utf-8").strip().split("\n\n")
    assert title == f"# {page.stem}"
    assert len([p for p in paragraphs if not p.startswith("```")]) >= 1


def codes_of(text: str) -> set[str]:
    """The codes of diagnostics in Python source: those written out, and `unknown-{noun}` for the nouns that are."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [a.value for a in node.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if name in RAISERS:
            found |= {w for w in words if CODE.fullmatch(w) or w in SHORT}
        elif name in ("choose", "choice_of") and words:
            found.add(f"unknown-{words[0]}")
        elif name == "_one" and words and words[0] in NOUNS:
            found |= {f"{word}-{words[0]}" for word in ("missing", "unknown", "which")}
    return found


def test_every_code_has_a_page(root: Path) -> None:
    used: dict[str, str] = {}
    for path in sorted((root / "nascompile").rglob("*.py")):
        for code in codes_of(path.read_text(encoding="utf-8")):
            used.setdefault(code, path.relative_to(root).as_posix())
    pages = {page.stem for page in PAGES}
    assert len(used) > 200
    assert {code: where for code, where in used.items() if code not in pages} == {}


def test_codes_are_found() -> None:
    text = """raise error("a-b", "words", span)
env.ctx.fail("c-d", "words", span)
self.add("requirement", "words", span)
_at(expr, "e-f", "words", "hint")
choose("loss", table, name)
_one("task", table, name, own)
Diagnostic("words", "and words", None)
other("g-h")
"""
    expected = {"a-b", "c-d", "requirement", "e-f", "unknown-loss", "missing-task", "unknown-task", "which-task"}
    assert codes_of(text) == expected


def test_every_code_of_the_faults_has_a_page() -> None:
    codes = {e.code for path in Path(__file__).parent.glob("*.md") for case in cases(path) for e in expected(case.text)}
    assert codes - {p.stem for p in PAGES} == set()
