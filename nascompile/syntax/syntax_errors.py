"""Messages for texts that do not parse."""

from __future__ import annotations

from nascompile.diagnostics import Diagnostic, Label
from nascompile.source import Source, Span
from nascompile.syntax.lexer import Token


def unexpected(source: Source, tokens: list[Token], position: int, accepted: set[str]) -> Diagnostic:
    """The diagnostic for the token at `position`, where only `accepted` kinds could stand."""
    token = tokens[position]
    shown = {"$END": "the end of the text", "_NL": "the end of the line"}.get(token.kind, f"`{token.text}`")
    return Diagnostic("syntax-error", f"{shown} cannot stand here", Label(Span(source, token.start, token.end)))
