"""Diagnostics as data: what is wrong, where, and what to type next. Printing is in `report.terminal`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nascompile.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A span and, for secondary labels, a few words about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """A replacement that is certainly right; `nascompile fix` and editors may apply it."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fact. `code` is kebab-case words; `message` is lower case, names in backticks, no full stop.

    `primary` is None for facts about no text (a missing file given on the command line).
    """

    code: str
    message: str
    primary: Label | None
    secondary: tuple[Label, ...] = ()
    hint: str | None = None
    fix: Fix | None = None
    severity: Severity = "error"

    def sort_key(self) -> tuple[str, int, str]:
        if self.primary is None:
            return ("", 0, self.code)
        return (self.primary.span.source.name, self.primary.span.start, self.code)


class NasError(Exception):
    """One or more diagnostics. The only exception that a user's mistake raises."""

    def __init__(self, diagnostics: Iterable[Diagnostic]):
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("\n".join(_line(d) for d in self.diagnostics))


def error(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    hint: str | None = None,
    secondary: Iterable[Label] = (),
    fix: Fix | None = None,
) -> NasError:
    """A `NasError` of one diagnostic, to raise."""
    primary = None if span is None else Label(span)
    return NasError([Diagnostic(code, message, primary, tuple(secondary), hint, fix)])


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """The nearest candidate as a hint, if it is within a third of the name's length (at least 1 edit)."""
    best: tuple[int, str] | None = None
    for candidate in candidates:
        distance = _edit_distance(name, candidate)
        if distance <= max(1, max(len(name), len(candidate)) // 3) and (best is None or (distance, candidate) < best):
            best = (distance, candidate)
    return None if best is None else f"did you mean `{best[1]}`?"


def _edit_distance(a: str, b: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b` (restricted Damerau)."""
    if abs(len(a) - len(b)) > 8:
        return 99
    two_above, above, row = [0], [0], list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        two_above, above, row = above, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, two_above[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _line(d: Diagnostic) -> str:
    where = "" if d.primary is None else f"{d.primary.span}: "
    hint = "" if d.hint is None else f" ({d.hint})"
    return f"{where}{d.severity}[{d.code}]: {d.message}{hint}"
