"""Text to tree. An LALR(1) machine over the tables of _nas1_tables.py that builds the nodes as it goes."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, NamedTuple

from nascompile.diagnostics import Diagnostic, Label, NasError, error
from nascompile.source import Source, Span
from nascompile.syntax import _nas1_tables as tables
from nascompile.syntax.builder import Builder
from nascompile.syntax.lexer import DECLARATION, HARD_WORDS, Lexed, Token, lex
from nascompile.syntax.nodes import Expr, Module
from nascompile.syntax.syntax_errors import unexpected

VERSION = 1

_FIRST_LINE = re.compile(r"\ufeff?(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*(?P<nas>nas\b)?[ \t]*(?P<number>\d+)?")
_RESERVED = {"import": "import_", "for": "for_"}


class _Entry(NamedTuple):
    value: Any
    start: int
    end: int


def parse(source: Source) -> Module:
    """The tree of a whole `.nas` text. Raises NasError with everything found wrong, in text order."""
    _check_version(source)
    lexed = lex(source)
    module, diagnostics = _run("module", source, lexed)
    diagnostics = _without_echoes(lexed.diagnostics, diagnostics)
    if diagnostics:
        raise NasError(sorted(diagnostics, key=Diagnostic.sort_key))
    assert isinstance(module, Module)
    return dataclasses.replace(module, comments=tuple(lexed.comments))


def parse_expression(source: Source) -> Expr:
    """The tree of one expression, without a first line `nas 1`. Raises NasError."""
    lexed = lex(source)
    expr, diagnostics = _run("expression", source, lexed)
    diagnostics = _without_echoes(lexed.diagnostics, diagnostics)
    if diagnostics:
        raise NasError(diagnostics)
    result: Expr = expr
    return result


def _check_version(source: Source) -> None:
    match = _FIRST_LINE.match(source.text)
    assert match is not None
    end = source.text.find("\n", match.start("nas") if match["nas"] else match.end())
    if match["nas"] is None or match["number"] is None:
        at = match.start("nas") if match["nas"] else match.end()
        line_end = len(source.text) if end < 0 else end
        raise error("missing-version", "the first line must say which version of the language the text is in",
                    Span(source, at, max(at, line_end)), hint=f"write `nas {VERSION}` as the first line")  # fmt: skip
    if int(match["number"]) != VERSION:
        number = int(match["number"])
        raise error("unsupported-version", f"this file needs nas {number}; nascompile reads {VERSION}",
                    Span(source, match.start("nas"), match.end("number")),
                    hint="install a newer nascompile" if number > VERSION else f"write `nas {VERSION}`")  # fmt: skip


def _run(start: str, source: Source, lexed: Lexed) -> tuple[Any, list[Diagnostic]]:
    """Runs the machine. After an error it goes on at the next declaration; the value is then None."""
    builder = Builder(source, lexed.comments)
    methods = [_method(builder, name) for _, _, name, _ in tables.RULES]
    state = tables.STARTS[start]
    accept = tables.ENDS[state]
    states: list[int] = [state]
    values: list[_Entry] = []
    diagnostics: list[Diagnostic] = []
    tokens = lexed.tokens
    position = 0
    while True:
        token = tokens[position]
        kind, text, token_start, token_end = token
        row = tables.ACTIONS[states[-1]]
        if kind not in ("NAME", "_NL") and _is_name(token, row, tokens, position):
            kind = "NAME"
        action = row.get(kind)
        if action is None:
            diagnostics.append(unexpected(source, tokens, position, set(row)))
            position = _recover(states, values, tokens, position, source)
            if position < 0:
                return None, diagnostics
            continue
        if action >= 0:
            states.append(action)
            values.append(_Entry(text, token_start, token_end))
            position += 1
            continue
        rule = ~action
        origin, size, name, kept = tables.RULES[rule]
        if name is not None:
            try:
                _reduce(values, size, kept, methods[rule], token_start)
            except NasError as found:
                diagnostics.extend(found.diagnostics)
                position = _recover(states, values, tokens, position, source)
                if position < 0:
                    return None, diagnostics
                continue
        if size:
            del states[-size:]
        states.append(tables.GOTOS[states[-1]][origin])
        if states[-1] == accept and kind == "$END":
            return values[-1].value, diagnostics


def _method(builder: Builder, name: str | None) -> Any:
    if name is None or name == "*":
        return None
    return getattr(builder, _RESERVED.get(name, name))


def _reduce(values: list[_Entry], size: int, kept: list[int | None], method: Any, at: int) -> None:
    children: list[Any] = []
    base = len(values) - size
    for index in kept:
        value = None if index is None else values[base + index].value
        if type(value) is list:
            children.extend(value)
        else:
            children.append(value)
    if size:
        start, end = values[base].start, values[-1].end
    else:
        start = end = values[-1].end if values else at
    value = children if method is None else method(children, start, end)
    del values[base:]
    values.append(_Entry(value, start, end))


def _is_name(token: Token, row: dict[str, int], tokens: list[Token], position: int) -> bool:
    """Whether a word of the language stands for a name: where only a name can stand, and before `=`."""
    if "NAME" not in row or not token.text[:1].isalpha() or token.text in HARD_WORDS:
        return False
    return token.kind not in row or tokens[position + 1].kind in ("EQUAL", "DOT", "ARROW")


def _recover(states: list[int], values: list[_Entry], tokens: list[Token], position: int, source: Source) -> int:
    """Goes back to before the broken declaration and forward to the next one; -1 if there is none."""
    while states and not _opens_declaration(states[-1]) and not _ends_declaration(states[-1]):
        states.pop()
        if values:
            values.pop()
    if not states:
        return -1
    after_newline = _opens_declaration(states[-1])
    for index in range(position, len(tokens) - 1):
        if tokens[index].kind == "_NL" and DECLARATION.match(source.text, tokens[index + 1].start):
            return index + 1 if after_newline else index
    return -1


def _opens_declaration(state: int) -> bool:
    return "define" in tables.GOTOS[state]


def _ends_declaration(state: int) -> bool:
    after = tables.ACTIONS[state].get("_NL", -1)
    return after >= 0 and _opens_declaration(after)


def _without_echoes(lexical: list[Diagnostic], syntactic: list[Diagnostic]) -> list[Diagnostic]:
    """All lexical diagnostics, and the syntactic ones that do not merely repeat one of them a little later."""
    kept = list(lexical)
    for diagnostic in syntactic:
        if not lexical:
            kept.append(diagnostic)
    return kept


__all__ = ["VERSION", "Label", "parse", "parse_expression"]
