"""The LALR(1) machine: runs the tables over tokens and calls the Builder for each rule that it reduces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from nascompile.diagnostics import Diagnostic, NasError, error
from nascompile.source import Source, Span
from nascompile.syntax import tables
from nascompile.syntax.builder import Builder
from nascompile.syntax.lexer import DECLARATION, HARD_WORDS, Lexed, Token

# Deeper trees would exhaust Python's stack in whoever walks them.
MAX_DEPTH = 100

# What to say about the token at a position that none of the rules allows: (states, tokens, position, source).
Report = Callable[[list[int], list[Token], int, Source], Diagnostic]


class _Entry(NamedTuple):
    """A symbol that was read: its node (or token's text, or children), the text it covers, the height of its tree."""

    value: Any
    start: int
    end: int
    height: int


def run(start: str, source: Source, lexed: Lexed, report: Report) -> tuple[Any, list[Diagnostic]]:
    """The value of the rule `start` and what is wrong; after an error it goes on at the next declaration."""
    builder = Builder(source, lexed.comments)
    methods = [None if name in (None, "*") else getattr(builder, name) for _, _, name, _ in tables.RULES]
    actions, gotos, rules = tables.ACTIONS, tables.GOTOS, tables.RULES
    accept = tables.ENDS[tables.STARTS[start]]
    states: list[int] = [tables.STARTS[start]]
    values: list[_Entry] = []
    diagnostics: list[Diagnostic] = []
    tokens = lexed.tokens
    position = 0
    while True:
        kind, text, token_start, token_end = tokens[position]
        row = actions[states[-1]]
        if kind not in ("NAME", "_NL") and is_name(tokens, position, row):
            kind = "NAME"
        action = row.get(kind)
        if action is not None and action >= 0:
            states.append(action)
            values.append(_Entry(text, token_start, token_end, 0))
            position += 1
            continue
        if action is None:
            diagnostics.append(report(states, tokens, position, source))
        else:
            origin, size, name, kept = rules[~action]
            try:
                if name is not None:
                    values.append(_reduced(source, values, size, kept, methods[~action]))
                if size:
                    del states[-size:]
                states.append(gotos[states[-1]][origin])
                if states[-1] == accept and kind == "$END":
                    return values[-1].value, diagnostics
                continue
            except NasError as found:
                diagnostics.extend(found.diagnostics)
        position = _recover(states, values, tokens, position, source)
        if position < 0:
            return None, diagnostics


def is_name(tokens: list[Token], position: int, row: dict[str, int]) -> bool:
    """Whether a word of the language stands for a name: where only a name can stand, and before `=`, `.` and `->`."""
    token = tokens[position]
    if "NAME" not in row or not token.text[:1].isalpha() or token.text in HARD_WORDS:
        return False
    return token.kind not in row or tokens[position + 1].kind in ("EQUAL", "DOT", "ARROW")


def accepts(states: list[int], kind: str) -> bool:
    """Whether a token of this kind could be read next. A row alone promises too much: a reduction may lead nowhere."""
    states = list(states)
    while True:
        action = tables.ACTIONS[states[-1]].get(kind)
        if action is None or action >= 0:
            return action is not None
        origin, size, _, _ = tables.RULES[~action]
        if size:
            del states[-size:]
        states.append(tables.GOTOS[states[-1]][origin])


def _reduced(source: Source, values: list[_Entry], size: int, kept: list[int | None], method: Any) -> _Entry:
    """Takes a rule's `size` symbols off the stack and makes its value: a node, or the list of repeated children."""
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
        height = max(entry.height for entry in values[base:])
    else:
        start = end = values[-1].end
        height = 0
    if method is None:
        result = _Entry(children, start, end, height)
    else:
        result = _Entry(method(children, start, end), start, end, height + 1)
        if height >= MAX_DEPTH:
            raise error("too-deep", f"this is nested more than {MAX_DEPTH} deep", Span(source, start, end),
                        hint="give a part of it a name")  # fmt: skip
    del values[base:]
    return result


def _recover(states: list[int], values: list[_Entry], tokens: list[Token], position: int, source: Source) -> int:
    """Goes back to before the broken declaration and forward to the next one; -1 if there is none."""
    while states and not _opens_declaration(states[-1]) and not _ends_declaration(states[-1]):
        states.pop()
        if values:
            values.pop()
    if not states:
        return -1
    skipped = 1 if _opens_declaration(states[-1]) else 0
    for index in range(max(position - 1, 0), len(tokens) - 1):
        if tokens[index].kind == "_NL" and DECLARATION.match(source.text, tokens[index + 1].start):
            return index + skipped
    return -1


def _opens_declaration(state: int) -> bool:
    return "define" in tables.GOTOS[state]


def _ends_declaration(state: int) -> bool:
    after = tables.ACTIONS[state].get("_NL", -1)
    return after >= 0 and _opens_declaration(after)
