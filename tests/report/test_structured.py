"""Diagnostics as JSON."""

from __future__ import annotations

import json

from nascompile.diagnostics import Diagnostic, Fix, Label
from nascompile.report.structured import to_json
from nascompile.source import Source, Span

SOURCE = Source("a.nas", "nas 1\nop f(c) = a\nop g(c) = b\n")


def test_every_part_is_there() -> None:
    at = Span(SOURCE, 16, 17)
    found = Diagnostic(
        "unknown-name",
        "no `a`",
        Label(at),
        (Label(Span(SOURCE, 6, 29), "in these"),),
        "write `b`",
        Fix(at, "b"),
        "warning",
    )
    place = {"file": "a.nas", "line": 2, "column": 11, "end_line": 2, "end_column": 12}
    assert to_json([found]) == [
        {
            "code": "unknown-name",
            "severity": "warning",
            "message": "no `a`",
            **place,
            "secondary": [
                {"file": "a.nas", "line": 2, "column": 1, "end_line": 3, "end_column": 12, "message": "in these"}
            ],
            "hint": "write `b`",
            "fix": {**place, "replacement": "b"},
        }
    ]


def test_a_diagnostic_about_no_text() -> None:
    (found,) = to_json([Diagnostic("no-file", "there is no `a.nas`", None)])
    assert found["file"] is None and found["line"] is None and found["secondary"] == [] and found["fix"] is None


def test_all_of_them_in_order_and_ready_for_json() -> None:
    found = [Diagnostic("x", str(at), Label(Span(SOURCE, at, at + 1))) for at in range(29)]
    rows = to_json(reversed(found))
    assert [row["message"] for row in rows] == [str(at) for at in range(29)]
    assert json.loads(json.dumps(rows)) == rows
