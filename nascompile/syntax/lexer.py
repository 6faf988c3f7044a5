"""Text to tokens and comments. Newlines that do not end a statement are dropped here."""

from __future__ import annotations

import re
from typing import NamedTuple

from nascompile.diagnostics import Diagnostic, Fix, Label
from nascompile.source import Source, Span
from nascompile.syntax._nas1_tables import LITERALS, PATTERNS
from nascompile.syntax.nodes import Comment


class Token(NamedTuple):
    """`kind` is the grammar's name of the terminal; a newline is `_NL`, the end of the text `$END`."""

    kind: str
    text: str
    start: int
    end: int


class Lexed(NamedTuple):
    """`brackets` counts the brackets that a diagnostic is already about."""

    tokens: list[Token]
    comments: list[Comment]
    diagnostics: list[Diagnostic]


# Words that are never a name, not even where only a name can stand.
HARD_WORDS = frozenset("if else for in and or not pick via fresh true false absent".split())
# Words that can follow each other in a wrong text only: a declaration begins at the start of a line.
DECLARATION = re.compile(
    r"(layer|op|ops|cell|space|genotype|narrow|task|search)[ \t]+[a-zA-Z_]\w*[ \t]*[(=:{]|import[ \t]+[a-zA-Z_]"
)

_SYMBOLS = sorted((text for text in LITERALS if not text[0].isalpha()), key=len, reverse=True)
_TOKEN = re.compile(
    "|".join(f"(?P<{name}>{pattern})" for name, pattern in PATTERNS)
    + r"|(?P<BLANK>[ \t]+)|(?P<SYMBOL>"
    + "|".join(re.escape(symbol) for symbol in _SYMBOLS)
    + ")"
)
_UNIT = re.compile(r"[a-zA-Z_]\w*")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_LOOKALIKES = {"\u00a0": " ", "\u2192": "->", "\u2013": "-", "\u2212": "-", "\u201c": '"', "\u201d": '"', "\u00d7": "*",
               "\u2264": "<=", "\u2265": ">=", "\u2260": "=="}  # fmt: skip


def lex(source: Source) -> Lexed:
    """All tokens of a text, `$END` last. Never raises: what is wrong becomes diagnostics, and lexing goes on."""
    text = source.text
    tokens: list[Token] = []
    comments: list[Comment] = []
    diagnostics: list[Diagnostic] = []
    brackets: list[Token] = []
    position, length = (1 if text.startswith("\ufeff") else 0), len(text)
    line_has_code = False
    while position < length:
        match = _TOKEN.match(text, position)
        if match is None:
            diagnostic, end = _unreadable(source, position)
            diagnostics.append(diagnostic)
            # A string is still a value; any other character is passed over.
            if text[position] == '"':
                tokens.append(Token("STRING", text[position:end] + '"', position, end))
            position = end
            continue
        kind, end = match.lastgroup, match.end()
        assert kind is not None
        if kind == "BLANK":
            pass
        elif kind == "NAME":
            word = match.group()
            tokens.append(Token(LITERALS.get(word, "NAME"), word, position, end))
            line_has_code = True
        elif kind == "_NL":
            _newline(tokens, brackets, diagnostics, source, position, end)
            line_has_code = False
        elif kind == "SYMBOL":
            symbol = match.group()
            token = Token(LITERALS[symbol], symbol, position, end)
            if symbol in "([{":
                brackets.append(token)
            elif symbol in ")]}":
                _close(token, brackets, diagnostics, source)
            tokens.append(token)
            line_has_code = True
        elif kind == "COMMENT":
            comments.append(Comment(match.group().rstrip(), not line_has_code, span=Span(source, position, end)))
        else:
            tokens.append(Token(kind, match.group(), position, end))
            line_has_code = True
            if kind != "STRING" and (unit := _UNIT.match(text, end)):
                diagnostics.append(_unknown_unit(source, match.group(), unit.group(), position, unit.end()))
                end = unit.end()
        position = end
    for bracket in brackets:
        diagnostics.append(_unclosed(source, bracket, Span(source, length, length), "the text ends here"))
    tokens.append(Token("$END", "", length, length))
    return Lexed(tokens, comments, diagnostics)


def _newline(
    tokens: list[Token], brackets: list[Token], diagnostics: list[Diagnostic], source: Source, start: int, end: int
) -> None:
    if brackets and (match := DECLARATION.match(source.text, end)):
        for bracket in brackets:
            span = Span(source, match.start(), match.end(1) if match.end(1) > 0 else match.start() + 6)
            diagnostics.append(_unclosed(source, bracket, span, "a new declaration begins here"))
        brackets.clear()
    elif brackets and brackets[-1].text != "{":
        return
    if tokens and tokens[-1].kind != "_NL" and tokens[-1].kind not in ("ARROW", "VBAR"):
        if _continues(source.text, end):
            return
        tokens.append(Token("_NL", "\n", start, end))


def _continues(text: str, position: int) -> bool:
    """Whether the next line with code starts with `->` or `|`."""
    while (match := _TOKEN.match(text, position)) and match.lastgroup in ("BLANK", "COMMENT", "_NL"):
        position = match.end()
    return match is not None and match.group() in ("->", "|")


def _close(token: Token, brackets: list[Token], diagnostics: list[Diagnostic], source: Source) -> None:
    here = Span(source, token.start, token.end)
    while brackets:
        opened = brackets.pop()
        if _CLOSING[opened.text] == token.text:
            return
        if not any(_CLOSING[bracket.text] == token.text for bracket in brackets):
            brackets.append(opened)
            break
        diagnostics.append(_unclosed(source, opened, here, "closed here by another bracket"))
    message = f"`{token.text}` closes nothing"
    hint = f"`{brackets[-1].text}` is open: close it with `{_CLOSING[brackets[-1].text]}`" if brackets else None
    secondary = (Label(Span(source, brackets[-1].start, brackets[-1].end), "opened here"),) if brackets else ()
    diagnostics.append(Diagnostic("unclosed-bracket", message, Label(here), secondary, hint or "remove it"))


def _unclosed(source: Source, opened: Token, noticed: Span, where: str) -> Diagnostic:
    span = Span(source, opened.start, opened.end)
    return Diagnostic(
        "unclosed-bracket",
        f"`{opened.text}` is never closed",
        Label(span),
        (Label(noticed, where),),
        f"add `{_CLOSING[opened.text]}`",
    )


def _unreadable(source: Source, position: int) -> tuple[Diagnostic, int]:
    text, char = source.text, source.text[position]
    if char == '"':
        line_end = text.find("\n", position)
        end = len(text) if line_end < 0 else line_end
        end = position + len(text[position:end].rstrip())
        span = Span(source, position, end)
        hint = 'close it with `"` on the same line'
        return Diagnostic("unclosed-string", "this text is never closed", Label(span), (), hint), end
    end = position + 1
    while end < len(text) and text[end] == char:
        end += 1
    span = Span(source, position, end)
    shown = char if char.isprintable() else f"U+{ord(char):04X}"
    meant = _LOOKALIKES.get(char)
    if char == "'":
        hint: str | None = 'texts stand in double quotes: `"..."`'
    elif char == "=":
        hint = None
    elif meant is not None:
        hint = "type a plain blank" if meant == " " else f"type `{meant}`"
    elif char == "\t":
        hint = "type blanks"
    elif char.isalpha():
        hint = "names are made of the letters a to z, A to Z, digits and `_`"
    else:
        hint = None
    fix = Fix(span, meant * (end - position)) if meant is not None and char != "\u2260" else None
    return Diagnostic("unknown-character", f"the character `{shown}` has no meaning here", Label(span), (), hint, fix), end


def _unknown_unit(source: Source, number: str, unit: str, start: int, end: int) -> Diagnostic:
    hint = "units are k M G, ms s minutes hours days, KiB MiB GiB, epochs steps months; a name cannot start with a digit"
    return Diagnostic(
        "syntax-error", f"`{number}{unit}` is neither a number nor a name", Label(Span(source, start, end)), (), hint
    )
