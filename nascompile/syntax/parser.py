"""Text to tree: `parse` for files, `parse_expression` for one expression."""

from __future__ import annotations

import dataclasses
import re
from bisect import bisect_right

from nascompile.diagnostics import Diagnostic, Fix, NasError, error
from nascompile.source import Source, Span
from nascompile.syntax.lexer import DECLARATION, Lexed, lex
from nascompile.syntax.machine import run
from nascompile.syntax.nodes import Expr, Module
from nascompile.syntax.syntax_errors import unexpected

VERSION = 1
"""The version of the language that this nascompile reads: the number in the first line `nas 1`."""

_FIRST_LINE = re.compile(r"\ufeff?(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*(?P<nas>nas\b)?[ \t]*(?P<number>[0-9]+)?")


def parse(source: Source) -> Module:
    """The tree of a whole `.nas` text. Raises NasError with everything found wrong, in text order."""
    _check_version(source)
    lexed = lex(source)
    value, diagnostics = run("module", source, lexed, unexpected)
    _raise_if_any(source, lexed, diagnostics)
    module: Module = value
    return dataclasses.replace(module, comments=tuple(lexed.comments))


def parse_expression(source: Source) -> Expr:
    """The tree of one expression, without a first line `nas 1`. Raises NasError."""
    lexed = lex(source)
    expr, diagnostics = run("expression", source, lexed, unexpected)
    _raise_if_any(source, lexed, diagnostics)
    result: Expr = expr
    return result


def _check_version(source: Source) -> None:
    match = _FIRST_LINE.match(source.text)
    assert match is not None  # every part of the pattern may be empty
    nas, number = match["nas"], match["number"]
    if nas is None or number is None:
        start = match.end() if nas is None else match.start("nas")
        end = source.text.find("\n", start)
        at_top = 1 if source.text.startswith("\ufeff") else 0
        fix = Fix(Span(source, at_top, at_top), f"nas {VERSION}\n") if nas is None else None
        raise error(
            "missing-version",
            "the first line must say which version of the language the text is in",
            Span(source, start, len(source.text) if end < 0 else end),
            hint=f"write `nas {VERSION}` as the first line",
            fix=fix,
        )
    if number.lstrip("0") != str(VERSION):
        raise error(
            "unsupported-version",
            f"this file needs nas {number}; nascompile reads {VERSION}",
            Span(source, match.start("nas"), match.end("number")),
            hint=f"use a nascompile that reads nas {number}, or write the file for `nas {VERSION}`",
        )


def _raise_if_any(source: Source, lexed: Lexed, syntactic: list[Diagnostic]) -> None:
    """Raises what was found. An unreadable token breaks the grammar too: there only the first cause is worth saying."""
    if not lexed.diagnostics and not syntactic:
        return
    boundaries = [match.start() for match in re.finditer(rf"^(?={DECLARATION.pattern})", source.text, re.M | re.A)]

    def declaration(diagnostic: Diagnostic) -> int:
        assert diagnostic.primary is not None
        return bisect_right(boundaries, diagnostic.primary.span.start)

    broken = {declaration(diagnostic) for diagnostic in lexed.diagnostics}
    found = lexed.diagnostics + [diagnostic for diagnostic in syntactic if declaration(diagnostic) not in broken]
    raise NasError(sorted(found, key=Diagnostic.sort_key))
