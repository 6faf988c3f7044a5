"""Text to tokens and comments. Newlines that do not end a statement are dropped here."""

from __future__ import annotations

import re
from typing import NamedTuple

from nascompile.diagnostics import Diagnostic, Fix, Label, did_you_mean
from nascompile.source import Source, Span
from nascompile.syntax.mistakes import FOREIGN_WORDS
from nascompile.syntax.nodes import Comment
from nascompile.syntax.tables import LITERALS, PATTERNS


class Token(NamedTuple):
    """`kind` is the grammar's name of the terminal; a newline is `_NL`, the end of the text `$END`."""

    kind: str
    text: str
    start: int
    end: int


class Lexed(NamedTuple):
    """Tokens without blanks and comments; `$END` is the last. Brackets are balanced: missing ones are put in."""

    tokens: list[Token]
    comments: list[Comment]
    diagnostics: list[Diagnostic]


# Words that are never a name, not even where only a name can stand.
HARD_WORDS = frozenset(
    ("if", "else", "for", "in", "and", "or", "not", "pick", "via", "fresh", "true", "false", "absent")
)
# Words that can follow each other in a wrong text only: a declaration begins at the start of a line.
DECLARATION = re.compile(
    r"(layer|op|ops|cell|space|genotype|narrow|task|search)[ \t]+[a-zA-Z_]\w*[ \t]*[(=:{]|import[ \t]+[a-zA-Z_]",
    re.ASCII,
)

_SYMBOLS = sorted((text for text in LITERALS if not text[0].isalpha()), key=len, reverse=True)
_TOKEN = re.compile(
    "|".join(f"(?P<{name}>{pattern})" for name, pattern in PATTERNS)
    + r"|(?P<BLANK>[ \t]+)|(?P<SYMBOL>"
    + "|".join(re.escape(symbol) for symbol in _SYMBOLS)
    + ")",
    re.ASCII,
)
_UNIT = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
# Before a word that is called, indexed, assigned to or applied, the end of a line or a comma was forgotten.
_WORD_BEHIND = re.compile(r"[ \t]+([a-zA-Z_]\w+)\b(?![ \t]*(?:[=(\[.:]|->))", re.ASCII)
UNITS = (
    "k", "M", "G", "ms", "s", "minutes", "hours", "days", "months", "years", "epochs", "steps", "trials", "KiB", "MiB",
    "GiB",
)  # fmt: skip
_CLOSING = {"(": ")", "[": "]", "{": "}"}
# Characters that other programs put in place of ours.
_LOOKALIKES = {
    "\u00a0": " ",
    "\u2192": "->",
    "\u2013": "-",
    "\u2212": "-",
    "\u201c": '"',
    "\u201d": '"',
    "\u00d7": "*",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
}
# What the writer may have meant in other languages.
_FOREIGN = {
    "'": 'texts stand in double quotes: `"..."`',
    "!": "write `not`",
    "&": "write `and`",
    "\\": "a line goes on inside ( ) and [ ], and next to `->`",
    "@": "to apply an operator, write `x -> f`",
    "~": "write `not`",
}


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
            line_has_code = True
            if symbol in ")]}":
                _close(token, tokens, brackets, diagnostics, Span(source, position, end))
            else:
                tokens.append(token)
        elif kind == "COMMENT":
            comments.append(Comment(match.group().rstrip(), not line_has_code, span=Span(source, position, end)))
        else:
            tokens.append(Token(kind, match.group(), position, end))
            line_has_code = True
            if kind == "STRING":
                pass
            elif unit := _UNIT.match(text, end):
                diagnostics.append(_unknown_unit(source, match.group(), unit.group(), position, unit.end()))
                end = unit.end()
            elif kind != "QUANTITY" and (unit := _meant_as_unit(text, end, tokens[-2] if len(tokens) > 1 else None)):
                end = unit.end()
                diagnostics.append(_no_unit(Span(source, unit.start(1), end)))
        position = end
    if brackets:
        _close_all(tokens, brackets, diagnostics, Span(source, length, length), "the text ends here")
    tokens.append(Token("$END", "", length, length))
    return Lexed(tokens, comments, diagnostics)


def _newline(
    tokens: list[Token], brackets: list[Token], diagnostics: list[Diagnostic], source: Source, start: int, end: int
) -> None:
    declaration = DECLARATION.match(source.text, end)
    if declaration and brackets:
        here = Span(source, end, end + len(declaration.group().split()[0]))
        _close_all(tokens, brackets, diagnostics, here, "a new declaration begins here")
    if brackets and brackets[-1].text != "{":
        return
    if not tokens or tokens[-1].kind == "_NL":
        return
    if declaration or (tokens[-1].kind not in ("ARROW", "VBAR") and not _continues(source.text, end)):
        tokens.append(Token("_NL", "\n", start, end))


def _continues(text: str, position: int) -> bool:
    """Whether the next line with code starts with `->` or `|`."""
    while (match := _TOKEN.match(text, position)) and match.lastgroup in ("BLANK", "COMMENT", "_NL"):
        position = match.end()
    return match is not None and match.group() in ("->", "|")


def _close(token: Token, tokens: list[Token], brackets: list[Token], diagnostics: list[Diagnostic], here: Span) -> None:
    """Reads a closing bracket. Forgotten ones before it are put in, so that the parser need not stumble over them."""
    forgotten: list[Token] = []
    while brackets:
        opened = brackets.pop()
        if _CLOSING[opened.text] == token.text:
            for bracket in forgotten:
                diagnostics.append(_unclosed(here.source, bracket, here, f"closed by `{token.text}` here"))
                tokens.append(_closing(bracket, token.start))
            tokens.append(token)
            return
        forgotten.append(opened)
    brackets.extend(reversed(forgotten))
    message = f"`{token.text}` closes nothing"
    if not brackets:
        diagnostics.append(Diagnostic("unclosed-bracket", message, Label(here), (), "remove it"))
        return
    opened = brackets[-1]
    label = Label(Span(here.source, opened.start, opened.end), "opened here")
    hint = f"`{opened.text}` is closed with `{_CLOSING[opened.text]}`"
    diagnostics.append(Diagnostic("unclosed-bracket", message, Label(here), (label,), hint))


def _close_all(
    tokens: list[Token], brackets: list[Token], diagnostics: list[Diagnostic], here: Span, reason: str
) -> None:
    at = tokens[-1].end
    for bracket in reversed(brackets):
        diagnostics.append(_unclosed(here.source, bracket, here, reason))
        tokens.append(_closing(bracket, at))
    brackets.clear()


def _closing(opened: Token, at: int) -> Token:
    symbol = _CLOSING[opened.text]
    return Token(LITERALS[symbol], symbol, at, at)


def _unclosed(source: Source, opened: Token, noticed: Span, reason: str) -> Diagnostic:
    span = Span(source, opened.start, opened.end)
    message, hint = f"`{opened.text}` is never closed", f"add `{_CLOSING[opened.text]}`"
    return Diagnostic("unclosed-bracket", message, Label(span), (Label(noticed, reason),), hint)


def _unreadable(source: Source, start: int) -> tuple[Diagnostic, int]:
    """What is wrong at a place where no token begins, and where reading goes on."""
    text, char = source.text, source.text[start]
    if char == '"':
        line_end = text.find("\n", start)
        end = start + len(text[start : len(text) if line_end < 0 else line_end].rstrip())
        hint = 'close it with `"` on the same line'
        return Diagnostic(
            "unclosed-string", "this text is never closed", Label(Span(source, start, end)), (), hint
        ), end
    end = start + 1
    while end < len(text) and text[end] == char:
        end += 1
    span = Span(source, start, end)
    meant = _LOOKALIKES.get(char)
    shown = f"`{char}`" if char.isprintable() and meant != " " else f"U+{ord(char):04X}"
    if meant is not None:
        found: str | None = "type a plain blank" if meant == " " else f"type `{meant}`"
    elif char.isalnum():
        found = "names are made of the letters a to z and A to Z, digits and `_`"
    else:
        found = _FOREIGN.get(char)
    fix = None if meant is None else Fix(span, meant * (end - start))
    message = f"the character {shown} has no meaning here"
    return Diagnostic("unknown-character", message, Label(span), (), found, fix), end


def _unknown_unit(source: Source, number: str, unit: str, start: int, end: int) -> Diagnostic:
    message = f"`{number}{unit}` is neither a number nor a name"
    return Diagnostic(
        "syntax-error", message, Label(Span(source, start, end)), (), f"{_known()}; names start with letters"
    )


def _meant_as_unit(text: str, position: int, before: Token | None) -> re.Match[str] | None:
    """The word behind a number that ends at `position`, if it was meant as its unit: it is nearly one, or the number is
    a whole value by the token `before` it."""
    found = _WORD_BEHIND.match(text, position)
    if found is None or found[1] in LITERALS or found[1] in FOREIGN_WORDS:
        return None
    is_value = before is None or before.kind in ("EQUAL", "COMPARISON")
    is_near = len(found[1]) > 2 and did_you_mean(found[1], UNITS) is not None
    return found if is_value or is_near else None


def _no_unit(span: Span) -> Diagnostic:
    near = did_you_mean(span.text, UNITS) if len(span.text) > 2 else None
    return Diagnostic("syntax-error", f"`{span.text}` is no unit", Label(span), (), near or _known())


def _known() -> str:
    return f"units are {', '.join(UNITS)}"
