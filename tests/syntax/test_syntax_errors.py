"""What is said about texts that do not parse, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nascompile.diagnostics import Diagnostic, NasError
from nascompile.report.terminal import render
from nascompile.resources import resource
from nascompile.source import Source
from nascompile.syntax.lexer import HARD_WORDS
from nascompile.syntax.mistakes import FOREIGN_WORDS, MISTAKES, Mistake
from nascompile.syntax.parser import parse, parse_expression
from nascompile.syntax.tables import LITERALS

SHIPPED = sorted(resource("specs").rglob("*.nas"))


def diagnostics(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(NasError) as caught:
        parse(Source("bad.nas", text))
    return caught.value.diagnostics


def the_only(text: str) -> tuple[str, str, str, str | None]:
    """(code, message, the text it points to, hint) of the one diagnostic of a wrong text."""
    (found,) = diagnostics(text)
    assert found.primary is not None
    return found.code, found.message, found.primary.span.text, found.hint


@pytest.mark.parametrize(
    ("row", "sample"), [(row, sample) for row in MISTAKES for sample in row.texts()], ids=lambda value: repr(value)[:60]
)
def test_each_sample_gets_the_message_of_its_row(row: Mistake, sample: str) -> None:
    found = diagnostics(sample if sample.startswith("nas ") else f"nas 1\n{sample}")
    syntactic = [each for each in found if each.code == "syntax-error"]
    if not syntactic:
        # A bracket that the sample leaves open, or that closes nothing, is said instead.
        assert {each.code for each in found} == {"unclosed-bracket"}
        return
    assert syntactic[0].hint == row.hint
    assert "{" not in syntactic[0].message.replace("{ ... }", "")


@pytest.mark.parametrize("word", FOREIGN_WORDS)
def test_words_of_other_languages(word: str) -> None:
    code, message, at, hint = the_only(f"nas 1\nop f(c) {{\n  {word} x\n}}\n")
    assert (code, at, hint) == ("syntax-error", word, FOREIGN_WORDS[word])
    assert message == f"`{word}` is not a word of the language"


@pytest.mark.parametrize(
    "text", ["", "\n\n", "op f(c) = relu\n", "# only\n", "nas\n", "nas one\n", "# x\n\nop f(c) = relu\n"]
)
def test_a_missing_version(text: str) -> None:
    code, _, _, hint = the_only(text)
    assert (code, hint) == ("missing-version", "write `nas 1` as the first line")


def test_a_missing_version_can_be_put_in() -> None:
    text = "# about\nop f(c) = relu\n"
    (found,) = diagnostics(text)
    assert found.fix is not None
    at = found.fix.span
    mended = text[: at.start] + found.fix.replacement + text[at.end :]
    assert parse(Source("mended.nas", mended)).declarations


@pytest.mark.parametrize("number", ["2", "0", "17", "9" * 5000])
def test_another_version(number: str) -> None:
    code, message, at, _ = the_only(f"# a comment\nnas {number}\nwhatever ] (\n")
    assert (code, message, at) == (
        "unsupported-version",
        f"this file needs nas {number}; nascompile reads 1",
        f"nas {number}",
    )


def test_an_unclosed_bracket_points_to_the_opening_one() -> None:
    (found,) = diagnostics("nas 1\nop f(c) = conv(c, [3\nop g(c) = relu\n")[:1]
    assert (found.code, found.message, found.hint) == ("unclosed-bracket", "`(` is never closed", "add `)`")
    assert found.primary is not None and str(found.primary.span) == "bad.nas:2:15"
    (label,) = found.secondary
    assert (str(label.span), label.span.text, label.text) == ("bad.nas:3:1", "op", "a new declaration begins here")


def test_an_unclosed_brace_is_found_at_the_next_declaration() -> None:
    (found,) = diagnostics("nas 1\nop f(c) {\n  relu\nop g(c) = relu\n")
    assert (found.code, found.message) == ("unclosed-bracket", "`{` is never closed")


def test_a_bracket_that_is_open_at_the_end() -> None:
    (found,) = diagnostics("nas 1\nop f(c) {\n  relu\n")
    assert found.secondary[0].text == "the text ends here"


def test_a_bracket_closed_by_another_kind() -> None:
    (found,) = diagnostics("nas 1\nop f(c) {\n  f([c)\n}\n")
    assert (found.message, found.secondary[0].text) == ("`[` is never closed", "closed by `)` here")


def test_a_bracket_that_closes_nothing() -> None:
    assert the_only("nas 1\nop f(c) = relu)\n") == ("unclosed-bracket", "`)` closes nothing", ")", "remove it")


def test_an_unclosed_text() -> None:
    code, _, at, hint = the_only('nas 1\nop f(c) {\n  require c > 0 else "no\n  c\n}\n')
    assert (code, at, hint) == ("unclosed-string", '"no', 'close it with `"` on the same line')


@pytest.mark.parametrize(
    ("char", "hint", "replacement"),
    [
        ("→", "type `->`", "->"),
        ("\u00a0", "type a plain blank", " "),
        ("“", 'type `"`', '"'),
        ("≤", "type `<=`", "<="),
        ("é", "names are made of the letters a to z and A to Z, digits and `_`", None),
        ("$", None, None),
        ("&&", "write `and`", None),
        ("!", "write `not`", None),
        ("\x00", None, None),
        ("'", 'texts stand in double quotes: `"..."`', None),
    ],
)
def test_an_unknown_character(char: str, hint: str | None, replacement: str | None) -> None:
    (found,) = diagnostics(f"nas 1\nop f(c) = a {char} b\n")
    assert (found.code, found.hint) == ("unknown-character", hint)
    assert found.primary is not None and found.primary.span.text == char
    assert (None if found.fix is None else found.fix.replacement) == replacement


@pytest.mark.parametrize(("text", "at"), [("3x", "3x"), ("4 * 2kB", "2kB"), ("1.5epoch_", "1.5epoch_")])
def test_a_number_with_an_unknown_unit(text: str, at: str) -> None:
    code, message, found, _ = the_only(f"nas 1\na = {text}\n")
    assert (code, message, found) == ("syntax-error", f"`{at}` is neither a number nor a name", at)


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "9" * 400 + "M"])
def test_a_number_that_is_too_large(number: str) -> None:
    assert the_only(f"nas 1\na = {number}\n")[:3] == ("syntax-error", "this number is too large", number)


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("f(3) = 1", "a parameter must be a name", "3"),
        ("[a] = 1", "only a name or a function `f(a, b)` can be defined here", "[a]"),
        ("op f() {\n  a + b = 1\n}", "the left of `=` must be a name, `name[index]` or a function `f(a)`", "a + b"),
        ("cell f = g", "cell `f` must be set to a call of another cell", "g"),
        ("op f() = pick one of a decode top decode all", "`decode` is given twice", "decode all"),
        ("layer f(c) { macs c }", "layer `f` has no `shape` line", "layer f(c) { macs c }"),
        ("layer f(x; c) { shape [c] -> [c] }", "a layer has no parameters before `;`", "x"),
    ],
)
def test_what_the_grammar_allows_and_the_language_does_not(text: str, message: str, at: str) -> None:
    assert the_only(f"nas 1\n{text}\n")[:3] == ("syntax-error", message, at)


def test_an_error_in_each_declaration_is_found() -> None:
    found = diagnostics(
        "nas 1\nop f(c) = a b\nop g(c) = conv(c\nop ok(c) = relu\ntask t {\n  a = \n}\n"
        "space s(x: image) {\n  y = 3q\n  x → y\n}\nsearch q : s {\n}\n"
    )
    assert [(each.code, each.primary.span.line) for each in found if each.primary is not None] == [
        ("syntax-error", 2),
        ("unclosed-bracket", 3),
        ("syntax-error", 6),
        ("syntax-error", 9),
        ("unknown-character", 10),
        ("syntax-error", 12),
    ]


@pytest.mark.parametrize(
    "unfinished", ["op f(c) =", "op f(c) = relu ->", "op f(c)", "ops f(c) = a |", "op f(c) {", "op f(c) = g("]
)
def test_a_declaration_that_just_stops_does_not_hide_the_next(unfinished: str) -> None:
    found = diagnostics(f"nas 1\n{unfinished}\nop g(c) = a b\n")
    assert [each.primary.span.line for each in found if each.primary is not None] == [2, 3]


def test_a_missing_value_is_shown_behind_the_last_word_of_the_line() -> None:
    (found,) = diagnostics("nas 1\ntask t {\n  a =   # soon\n}\n")
    assert found.primary is not None and str(found.primary.span) == "bad.nas:3:6"
    assert (found.message, found.primary.span.text) == ("a value is missing", "")


def test_what_is_expected_is_said_in_the_words_of_the_language() -> None:
    _, message, _, _ = the_only("nas 1\nsearch s : f on t = 3\n")
    assert message == "a search names its space and its task"
    (found,) = diagnostics("nas 1\nlayer f(c) extern 3 { shape [c] -> [c] }\n")
    assert (found.message, found.hint) == ("`3` cannot stand here", "expected a text")


OTHERS = ["x", "c", "12", "0.5", "4M", "20 ms", '"text"', "\n", "# comment\n", " ", '"', "é", "\t"]
WORDS = [*sorted(set(LITERALS) | HARD_WORDS), *OTHERS]


def says_something(text: str) -> None:
    """Parses, or raises diagnostics that can be printed and that point into the text."""
    for read in (parse, parse_expression):
        try:
            read(Source("fuzz.nas", text))
        except NasError as caught:
            assert caught.diagnostics
            for each in caught.diagnostics:
                assert each.primary is not None
                assert 0 <= each.primary.span.start <= each.primary.span.end <= len(text)
                assert each.message and each.code
            assert render(caught.diagnostics, color=True)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    says_something("nas 1\n" + " ".join(words))


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    says_something(text)
    says_something("nas 1\n" + text)


@settings(max_examples=100, deadline=None)
@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    says_something("nas 1\n" + data.decode("utf-8", "replace"))
    says_something("nas 1\n" + data.decode("latin-1"))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SHIPPED), st.data())
def test_any_damage_to_a_shipped_spec_is_refused_with_words(path: Path, data: st.DataObject) -> None:
    text = path.read_text("utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    says_something(text[:start] + data.draw(st.sampled_from(["", *WORDS])) + text[end:])


def test_a_misspelt_unit_is_named() -> None:
    """`2 epohs`: the hint is the unit, not a list of operators."""
    with pytest.raises(NasError) as caught:
        parse(Source("t.nas", "nas 1\ntask t { patch = 2 epohs }\n"))
    found = caught.value.diagnostics[0]
    assert found.message == "`epohs` is no unit" and found.hint == "did you mean `epochs`?"
    assert found.primary is not None and found.primary.span.text == "epohs"


def test_every_unit_that_is_none_is_named() -> None:
    lines = "budget = 3 trails\n batch = 2 bananas\n where macs < 2 MB\n limit = 3MB\n stage train { budget = 1 stops }"
    with pytest.raises(NasError) as caught:
        parse(Source("t.nas", f"nas 1\nsearch f : a on b {{\n {lines}\n}}\n"))
    found = caught.value.diagnostics
    assert [each.primary.span.text for each in found if each.primary] == ["trails", "bananas", "MB", "3MB", "stops"]
    hints = [each.hint or "" for each in found]
    assert ["did you mean" if "mean" in hint else hint.count("KiB") for hint in hints] == [
        "did you mean", 1, 1, 1, "did you mean",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line", ["budget = 3 batch = 2", "cost = 3 conv(4)", "a = [3 x, 2 y]", "budget = 3 epochs most"]
)
def test_a_word_behind_a_number_is_no_unit_where_something_else_was_forgotten(line: str) -> None:
    with pytest.raises(NasError) as caught:
        parse(Source("t.nas", f"nas 1\ntask t {{ {line} }}\n"))
    assert "unit" not in caught.value.diagnostics[0].message
