"""The committed parse tables are those of the committed grammar, and parsing needs neither lark nor torch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nascompile.resources import resource
from nascompile.syntax.builder import Builder
from nascompile.syntax.generate import tables_text
from nascompile.syntax.tables import PATH, RULES


@pytest.fixture(scope="module")
def grammar() -> str:
    return resource("grammars/nas-1.lark").read_text("utf-8")


def test_the_committed_tables_are_freshly_generated(grammar: str) -> None:
    message = "run `python -m nascompile.syntax.generate` and commit what it writes"
    assert PATH.read_text("utf-8") == tables_text(grammar), message


def test_generating_does_not_depend_on_the_order_of_sets() -> None:
    program = (
        "from nascompile.syntax.generate import tables_text; from nascompile.resources import resource; import hashlib;"
        "text = tables_text(resource('grammars/nas-1.lark').read_text('utf-8'));"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    digests = set()
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        digests.add(run.stdout)
    assert len(digests) == 1


def test_a_grammar_with_a_conflict_is_refused(grammar: str) -> None:
    from lark.exceptions import GrammarError

    ambiguous = grammar.replace("?expr: cond\n", "?expr: cond | expr expr -> list\n")
    assert ambiguous != grammar
    with pytest.raises(GrammarError, match="conflict"):
        tables_text(ambiguous)


def test_every_rule_has_its_method() -> None:
    missing = {name for _, _, name, _ in RULES if name not in (None, "*") and not hasattr(Builder, name)}
    assert missing == set()


def test_parsing_imports_neither_lark_nor_torch() -> None:
    program = (
        "import sys; from nascompile.source import Source; from nascompile.syntax.parser import parse;"
        "from nascompile.syntax.formatter import format_module; from nascompile.report.terminal import render;"
        "s = Source('a', 'nas 1\\nop f(c) = relu -> conv(c, 3)\\n'); format_module(parse(s), s); render([]);"
        "print([name for name in ('lark', 'torch', 'rich', 'numpy') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, encoding="utf-8", check=True)
    assert run.stdout.strip() == "[]"
