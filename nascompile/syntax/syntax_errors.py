"""Messages for texts that do not parse: a table of mistakes, and what could stand there where the table has no row.

A row gives a message, a hint and small wrong texts. The machine reads those texts once, when the first error is
reported; a text of the user that gets stuck in the same state at the same kind of token gets the same message (the
idea is Lark's `match_examples`).
"""

from __future__ import annotations

from functools import cache

from nascompile.diagnostics import Diagnostic, Label
from nascompile.source import Source, Span
from nascompile.syntax import tables
from nascompile.syntax.lexer import Token, lex
from nascompile.syntax.machine import accepts, run
from nascompile.syntax.mistakes import FOREIGN_WORDS, MISTAKES, Mistake

# An expression or a loop's range starts in states that go on to one of these.
_CONTEXTS = {"expr", "gen", "disj"}

_WORDS = {
    "NAME": "a name",
    "STRING": "a text",
    "_NL": "the end of the line",
    "$END": "the end of the text",
    "INT": "a number",
    "COMPARISON": "a comparison",
    "TIMES": "`/`",
}
_VALUE_STARTS = frozenset(
    "NAME INT NUMBER QUANTITY STRING TRUE FALSE LPAR LSQB ABSENT FRESH NOT MINUS PICK".split()  # noqa: SIM905
)
_OPERATORS = frozenset(
    "PLUS MINUS STAR TIMES POWER COMPARISON IN NOT AND OR DOTS DOTS_BELOW ARROW IF VIA QMARK DOT LPAR LSQB "  # noqa: SIM905
    "DECODE RELAX NEVER AS TIED".split()
)

# A description of where the machine is stuck: the kind of the token, and states.
_Place = tuple[str, tuple[int, ...]]


def unexpected(states: list[int], tokens: list[Token], position: int, source: Source) -> Diagnostic:
    """The diagnostic for the token at `position`, which none of the rules allows after `states`."""
    token = tokens[position]
    before = tokens[position - 1] if position else None
    foreign = next((word for word in (token, before) if word is not None and word.text in FOREIGN_WORDS), None)
    row = _row(states, token.kind)
    hint: str | None
    if foreign is not None:
        token = foreign
        message, hint = f"`{token.text}` is not a word of the language", FOREIGN_WORDS[token.text]
    elif row is not None:
        message, hint = row.message.format(found=token.text, before=before.text if before else ""), row.hint
    else:
        expected = _expected(states)
        message, hint = f"{_found(token)} cannot stand here", f"expected {expected}" if expected else None
    start, end = token.start, token.end
    if token.kind in ("_NL", "$END") and before is not None:
        # A line end is shown as the place just behind the last word of the line.
        start, end = before.end, before.end
    return Diagnostic("syntax-error", message, Label(Span(source, start, end)), (), hint)


def _found(token: Token) -> str:
    if token.kind in ("_NL", "$END"):
        return _WORDS[token.kind]
    return f"`{token.text}`"


def _expected(states: list[int]) -> str:
    """What could be read after `states`, in the language's own words, or "" if that would be a long list."""
    kinds = {kind for kind in tables.ACTIONS[states[-1]] if accepts(states, kind)}
    words = []
    if len(kinds & _VALUE_STARTS) > 6:
        kinds -= _VALUE_STARTS
        words.append("a value")
    elif len(kinds & _OPERATORS) > 6:
        kinds -= _OPERATORS
        words.append("an operator")
    symbols = {kind: text for text, kind in tables.LITERALS.items()}
    words += sorted({_WORDS.get(kind) or f"`{symbols.get(kind, kind)}`" for kind in kinds})
    if not words or len(words) > 6:
        return ""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _row(states: list[int], kind: str) -> Mistake | None:
    """The row of the table whose wrong text got stuck most like this."""
    rows = _mistakes()
    return next((row for place in _places(states, kind) if (row := rows.get(place)) is not None), None)


def _places(states: list[int], kind: str) -> list[_Place]:
    """Descriptions of where the machine is stuck, from the most to the least particular."""
    base = len(states) - 1
    while base > 0 and not tables.GOTOS[states[base]].keys() & _CONTEXTS:
        base -= 1
    path = tuple(states[base:])
    return [(kind, path), (kind, (path[0], path[-1])), (kind, path[-1:])]


@cache
def _mistakes() -> dict[_Place, Mistake | None]:
    """The rows by the places where their wrong texts get stuck; None for a place that rows disagree about."""
    found: dict[_Place, Mistake | None] = {}
    for row in MISTAKES:
        # A block may begin on the line of its `{` or on the next.
        for text in row.texts():
            for variant in (text, text.replace("{\n", "{ ")):
                for place in stuck_at(variant):
                    if found.setdefault(place, row) != row:
                        found[place] = None
    return found


def stuck_at(text: str) -> list[_Place]:
    """The place of a text's first error, as `_places` has it; `nas 1` is put before it. Empty if there is none."""
    source = Source("<sample>", text if text.startswith("nas ") else f"nas 1\n{text}")
    found: list[list[_Place]] = []

    def note(states: list[int], tokens: list[Token], position: int, source: Source) -> Diagnostic:
        found.append(_places(states, tokens[position].kind))
        return Diagnostic("syntax-error", "", None)

    # The brackets that a sample leaves open are of no interest: what it is stuck at comes before their end.
    run("module", source, lex(source), note)
    return found[0] if found else []
