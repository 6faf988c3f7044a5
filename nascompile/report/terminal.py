"""Diagnostics as text for people: the message, the lines it is about, carets under the place, what to type next."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from nascompile.diagnostics import Diagnostic, Label
from nascompile.source import Source

MAX_SHOWN = 20
MAX_ALIKE = 3
_TAB = 4
_LONGEST = 160
"""Characters of a line that are shown at most."""

_CUT = "..."
_BEFORE = 20  # of what stands before a mark that fills the whole part
_COLORS = {
    "error": "\033[1;31m",
    "warning": "\033[1;33m",
    "where": "\033[1;34m",
    "bold": "\033[1m",
    "hint": "\033[1;36m",
}
_RESET = "\033[0m"


class _Mark(NamedTuple):
    label: Label
    is_primary: bool


def render(diagnostics: Iterable[Diagnostic], color: bool = False) -> str:
    """All diagnostics sorted by place, without repetitions, at most 20 of them; "" for none. Ends without a newline.

    Of many with one code at one place, such as one for each of a hundred images, three are shown.
    """
    ordered = sorted(dict.fromkeys(diagnostics), key=Diagnostic.sort_key)
    alike = Counter(map(_place_of, ordered))
    blocks: list[str] = []
    left, seen = 0, Counter[object]()
    for diagnostic in ordered:
        place = _place_of(diagnostic)
        seen[place] += 1
        is_folded = alike[place] > MAX_ALIKE + 1 and diagnostic.primary is not None
        if is_folded and seen[place] > MAX_ALIKE:
            continue
        if len(blocks) >= MAX_SHOWN:
            left += 1
            continue
        blocks.append(_render_one(diagnostic, color))
        if is_folded and seen[place] == MAX_ALIKE:
            blocks[-1] += f"\nand {alike[place] - MAX_ALIKE} more `{diagnostic.code}` here"
    if left:
        blocks.append(f"and {left} more")
    return "\n\n".join(blocks)


def _place_of(diagnostic: Diagnostic) -> object:
    span = None if diagnostic.primary is None else diagnostic.primary.span
    return diagnostic.code, None if span is None else (span.source.name, span.start, span.end)


def _render_one(diagnostic: Diagnostic, color: bool) -> str:
    severity = _paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity, color)
    lines = [severity + _paint(f": {diagnostic.message}", "bold", color)]
    groups = _groups(diagnostic)
    width = max((len(str(_last_line(mark))) for _, marks in groups for mark in marks), default=0)
    pad = " " * width
    for number, (source, marks) in enumerate(groups):
        arrow = "-->" if number == 0 else ":::"
        line, column = source.position(marks[0].label.span.start)
        lines.append(f"{pad}{_paint(arrow, 'where', color)} {source.name}:{line}:{column}")
        # A blank gutter line sets the first quotation off; those that follow have their own header.
        lines.append(_gutter("", width, color))
        lines.extend(_quote(source, marks, width, diagnostic.severity, color))
    if diagnostic.hint is not None:
        lines.append(f"{pad} {_paint('=', 'where', color)} {_paint('hint', 'hint', color)}: {diagnostic.hint}")
    return "\n".join(lines)


def _groups(diagnostic: Diagnostic) -> list[tuple[Source, list[_Mark]]]:
    """The labels by file, the primary label's file first, each file's primary label first."""
    groups: list[tuple[Source, list[_Mark]]] = []
    marks = [] if diagnostic.primary is None else [_Mark(diagnostic.primary, True)]
    for mark in marks + [_Mark(label, False) for label in diagnostic.secondary]:
        source = mark.label.span.source
        for known, members in groups:
            if known is source or (known.name == source.name and known.text == source.text):
                members.append(mark)
                break
        else:
            groups.append((source, [mark]))
    return groups


def _quote(source: Source, marks: list[_Mark], width: int, severity: str, color: bool) -> list[str]:
    """The marked lines of one file in order, each mark underlined; `...` where lines between them are left out."""
    by_line: dict[int, list[_Mark]] = {}
    for mark in sorted(marks, key=lambda mark: (mark.label.span.start, not mark.is_primary)):
        by_line.setdefault(mark.label.span.line, []).append(mark)
    lines = []
    previous = None
    for number, members in by_line.items():
        if previous is not None and number > previous + 1:
            lines.append(_paint("...", "where", color))
        previous = number
        text = source.lines[number - 1]
        shown = None
        for mark in members:
            # Of a long line only what is around the mark is shown; marks that lie far apart have each their own part.
            part = _part(text, *_place(mark, text))
            if part != shown:
                lines.append(_gutter(str(number), width, color, _expanded(part.text)))
                shown = part
            lines.append(_gutter("", width, color, _underline(source, mark, text, part, severity, color)))
    return lines


class _Part(NamedTuple):
    """What is shown of a line: the text with the marks of what was cut off, and how far it is moved to the left."""

    text: str
    shift: int


def _part(text: str, first: int, last: int) -> _Part:
    """The line, or of one that is too long `_LONGEST` characters in which `first` is, and `last` if both fit."""
    if len(text) <= _LONGEST:
        return _Part(text, 0)
    room = _LONGEST - 2 * len(_CUT)
    start = max(0, min(first - max((room - (last - first)) // 2, _BEFORE), len(text) - room))
    end = min(len(text), start + room)
    lead = _CUT if start else ""
    return _Part(f"{lead}{text[start:end]}{_CUT if end < len(text) else ''}", start - len(lead))


def _place(mark: _Mark, text: str) -> tuple[int, int]:
    span = mark.label.span
    first = min(span.column - 1, len(text))
    return first, min(first + max(span.end - span.start, 0), len(text))


def _underline(source: Source, mark: _Mark, line: str, part: _Part, severity: str, color: bool) -> str:
    span, number = mark.label.span, mark.label.span.line
    text = part.text
    first, last = (min(place - part.shift, len(text)) for place in _place(mark, line))
    end_line = source.position(span.end)[0]
    blanks = len(_expanded(text[:first]))
    columns = _columns(text[:last]) - _columns(text[:first])
    marker = ("^" if mark.is_primary else "-") * max(columns, 1)
    note = mark.label.text
    if end_line > number and span.end > span.start + (_place(mark, line)[1] - _place(mark, line)[0]) + 1:
        note = f"{note} (to line {end_line})".lstrip()
    style = severity if mark.is_primary else "where"
    # Wide characters take two columns: the blanks before the carets are counted in columns, not characters.
    lead = " " * max(_columns(text[:first]), blanks)
    return lead + _paint(f"{marker} {note}".rstrip(), style, color)


def _last_line(mark: _Mark) -> int:
    return mark.label.span.line


def _expanded(text: str) -> str:
    """The text with tabs as blanks and control characters made visible, so that columns can be counted."""
    parts = []
    column = 0
    for char in text:
        piece = " " * (_TAB - column % _TAB) if char == "\t" else char if char.isprintable() else "\ufffd"
        parts.append(piece)
        column += _width(piece)
    return "".join(parts)


def _columns(text: str) -> int:
    return _width(_expanded(text))


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _gutter(number: str, width: int, color: bool, text: str = "") -> str:
    bar = _paint(f"{number:>{width}} |", "where", color)
    return f"{bar} {text}" if text else bar


def _paint(text: str, style: str, color: bool) -> str:
    return f"{_COLORS[style]}{text}{_RESET}" if color else text
