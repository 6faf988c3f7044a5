"""How diagnostics look in a terminal."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from nascompile.diagnostics import Diagnostic, Label
from nascompile.report.terminal import MAX_SHOWN, render
from nascompile.source import Source, Span

SEARCH = Source("search.nas", "nas 1\nop f(c) {\n    sep_conv(32, 5, strides = 2)\n}\n")
OPS = Source("std/ops.nas", "nas 1\n\n\nop sep_conv(c, k, stride = 1) {\n")


def span(source: Source, text: str, occurrence: int = 0) -> Span:
    start = [match.start() for match in re.finditer(re.escape(text), source.text)][occurrence]
    return Span(source, start, start + len(text))


def diagnostic(source: Source, text: str, **more: object) -> Diagnostic:
    return Diagnostic("some-code", "a message", Label(span(source, text)), **more)  # type: ignore[arg-type]


def test_the_place_the_other_half_and_the_hint() -> None:
    found = Diagnostic(
        "unknown-argument",
        "`sep_conv` has no parameter `strides`",
        Label(span(SEARCH, "strides = 2")),
        (Label(span(OPS, "op sep_conv"), "declared here"),),
        "did you mean `stride`?",
    )
    assert render([found]) == (
        "error[unknown-argument]: `sep_conv` has no parameter `strides`\n"
        " --> search.nas:3:21\n"
        "  |\n"
        "3 |     sep_conv(32, 5, strides = 2)\n"
        "  |                     ^^^^^^^^^^^\n"
        " ::: std/ops.nas:4:1\n"
        "  |\n"
        "4 | op sep_conv(c, k, stride = 1) {\n"
        "  | ----------- declared here\n"
        "  = hint: did you mean `stride`?"
    )


def test_two_places_of_one_file_stand_in_one_quotation() -> None:
    text = Source("a.nas", "nas 1\na = 1\nb = 2\nc = 3\n" + "\n" * 6 + "a = 4\n")
    found = diagnostic(text, "a = 4", secondary=(Label(span(text, "a = 1"), "first here"),))
    assert render([found]) == (
        "error[some-code]: a message\n"
        "  --> a.nas:11:1\n"
        "   |\n"
        " 2 | a = 1\n"
        "   | ----- first here\n"
        "...\n"
        "11 | a = 4\n"
        "   | ^^^^^"
    )


def test_carets_stand_under_tabs_and_wide_characters() -> None:
    text = Source("a.nas", 'nas 1\n\ta\t= "日本" x\n')
    lines = render([diagnostic(text, "x")]).split("\n")
    assert lines[3] == '2 |     a   = "日本" x'
    # Each of the two ideographs is two columns wide.
    assert lines[4] == "  |" + " " * (len(" " + '    a   = "') + 4 + len('" ')) + "^"
    wide = render([diagnostic(text, "日本")]).split("\n")[4]
    assert wide.strip(" |") == "^^^^"
    assert render([diagnostic(text, "\t=")]).split("\n")[4].endswith("|      ^^^^")


def test_control_characters_are_not_sent_to_the_terminal() -> None:
    text = Source("a.nas", "nas 1\na = \x1b[31m\x00\n")
    shown = render([diagnostic(text, "a =")])
    assert "\x1b" not in shown and "\x00" not in shown and "a = \ufffd[31m\ufffd" in shown


def test_an_empty_span_is_one_caret_and_a_long_one_says_where_it_ends() -> None:
    text = Source("a.nas", "nas 1\nop f() {\n  a\n}\n")
    assert render([Diagnostic("x", "m", Label(Span(text, 7, 7)))]).endswith("2 | op f() {\n  |  ^")
    assert render([Diagnostic("x", "m", Label(Span(text, 6, 20)))]).endswith("  | ^^^^^^^^ (to line 4)")
    assert render([Diagnostic("x", "m", Label(Span(text, len(text.text), len(text.text))))]).endswith("5 |\n  | ^")


def test_a_diagnostic_about_no_text() -> None:
    assert render([Diagnostic("no-file", "there is no `a.nas`", None, hint="`ls`")]) == (
        "error[no-file]: there is no `a.nas`\n = hint: `ls`"
    )


def test_sorted_once_each_and_not_too_many() -> None:
    text = Source("a.nas", "nas 1\n" + "x\n" * 30)
    found = [Diagnostic("x", f"number {at}", Label(Span(text, 6 + 2 * at, 7 + 2 * at))) for at in range(25)]
    shown = render([*reversed(found), found[3]])
    numbers = [int(number) for number in re.findall(r"number (\d+)", shown)]
    assert numbers == list(range(MAX_SHOWN))
    assert shown.endswith("\n\nand 5 more")
    assert "more" not in render(found[:MAX_SHOWN])
    assert render([]) == ""


def test_colour_changes_nothing_but_the_colour() -> None:
    found = diagnostic(SEARCH, "strides = 2", hint="h", secondary=(Label(span(OPS, "op"), "here"),), severity="warning")
    coloured = render([found], color=True)
    assert "\033[1;33m" in coloured
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == render([found])
    assert "\033" not in render([found])


@pytest.mark.parametrize("start", [0, 3, 300, 700, 996])
@pytest.mark.parametrize("length", [1, 4, 500])
def test_of_a_long_line_only_what_is_around_the_mark_is_shown(start: int, length: int) -> None:
    text = "".join(chr(ord("a") + n % 26) for n in range(1000))
    end = min(start + length, 1000)
    rendered = render([Diagnostic("bad-value", "no", Label(Span(Source("long.nas", text), start, end)))])
    (shown,) = (line for line in rendered.splitlines() if line.startswith("1 |"))
    (carets,) = (line for line in rendered.splitlines() if "^" in line)
    assert len(shown) <= 4 + 160 and len(carets) <= 4 + 160
    first = carets.index("^")
    marked = shown[first : len(carets)]
    assert marked.removesuffix("...").startswith(text[start:end][: len(marked) - 3])
    assert len(marked) == end - start or shown.endswith("...")
    assert shown[4:7] == "..." or start < 200
    assert "long.nas:1:" + str(start + 1) in rendered


def test_two_marks_far_apart_in_a_long_line_have_each_their_own_part() -> None:
    source = Source("long.nas", "x" * 400 + "here" + "y" * 400 + "there" + "z" * 400)
    labels = [Label(Span(source, 400, 404), "one"), Label(Span(source, 804, 809), "other")]
    rendered = render([Diagnostic("bad-value", "no", labels[0], (labels[1],))]).splitlines()
    under = [(above, line) for above, line in pairwise(rendered) if "one" in line or "other" in line]
    for (above, line), word in zip(under, ("here", "there"), strict=True):
        mark = "^" if "^" in line else "-"
        assert above[line.index(mark, 4) : line.rindex(mark) + 1] == word


def test_one_mistake_of_a_hundred_images_is_not_told_a_hundred_times() -> None:
    source = Source("a.nas", "data = images\nrank = 3\n")
    many = [Diagnostic("rank-mismatch", f"image {n:03}", Label(span(source, "rank"))) for n in range(100)]
    shown = render([*many, diagnostic(source, "data")])
    assert [f"image {n:03}" in shown for n in range(5)] == [True, True, True, False, False]
    assert shown.endswith("\nand 97 more `rank-mismatch` here")
    assert "error[some-code]" in shown
    assert "more" not in render(many[:4])
    files = [Diagnostic("nan-in-image", f"image {n:03}", None) for n in range(10)]
    assert all(f"image {n:03}" in render(files) for n in range(10))  # each is a place of its own
