"""Diagnostics as plain data, for `--json`, editors and continuous integration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nascompile.diagnostics import Diagnostic
from nascompile.source import Span

Json = dict[str, Any]


def to_json(diagnostics: Iterable[Diagnostic]) -> list[Json]:
    """One dictionary for each diagnostic, sorted by place; all of them, unlike the terminal's.

    Keys: `code`, `severity`, `message`, `file`, `line`, `column`, `end_line`, `end_column`, `secondary` (a list of
    places with a `message`), `hint`, `fix` (a place with a `replacement`). Lines and columns count from 1, the end is
    exclusive, and what is not known is None.
    """
    return [_to_json(diagnostic) for diagnostic in sorted(dict.fromkeys(diagnostics), key=Diagnostic.sort_key)]


def _to_json(diagnostic: Diagnostic) -> Json:
    fix = diagnostic.fix
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_place(None if diagnostic.primary is None else diagnostic.primary.span),
        "secondary": [{**_place(label.span), "message": label.text} for label in diagnostic.secondary],
        "hint": diagnostic.hint,
        "fix": None if fix is None else {**_place(fix.span), "replacement": fix.replacement},
    }


def _place(span: Span | None) -> Json:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {"file": span.source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column}
