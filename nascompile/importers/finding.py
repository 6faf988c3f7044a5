"""Where the genotypes of a text are, what an importer says about one, and how it reports mistakes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Table
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nascompile.diagnostics import Diagnostic, Label
from nascompile.importers.literals import Document
from nascompile.importers.values import Mapping, Record, Scalar, Sequence, Value
from nascompile.source import Span

if TYPE_CHECKING:
    from nascompile.space.space import SearchSpace

Placed = dict[str, tuple[Any, Span]]
"""The values of a genotype by path, each with the place that it was read from."""

WRAPPERS = ("genotype", "genotypes", "config", "configs", "arch", "archs", "entries", "models")
"""Keys that say nothing about the genotype behind them."""


@dataclass(slots=True)
class Findings:
    """The mistakes found so far."""

    problems: list[Diagnostic] = field(default_factory=list)

    def add(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.problems.append(Diagnostic(code, message, Label(span), (), hint))


@dataclass(frozen=True, slots=True)
class Found:
    """A genotype of the text: its name there, or "" for none, and the names of the fields of the text's records."""

    name: str
    value: Value
    format: Format
    fields: Table[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write genotypes.

    `matches` looks at a value alone. `arguments` are those that the genotype implies, given the defaults of the space;
    names that the space does not have are left out later. `values` are those of the decisions of the opened space;
    mistakes go to the findings (`genotype-form`, `genotype-fit`, `unknown-cell`, `unknown-operator`).
    """

    name: str
    notation: str
    matches: Callable[[Value], bool]
    arguments: Callable[[Found, Table[str, Any]], dict[str, Any]]
    values: Callable[[Found, SearchSpace, Findings], Placed]


def find(document: Document, formats: Rows[Format]) -> list[Found]:
    """The outermost values of the text that a format recognises, in text order."""
    found: list[Found] = []
    for entry in document.entries:
        for name, value, format_ in _within(entry.value, entry.name or "", formats):
            found.append(Found(name, value, format_, document.fields))
    return found


def _within(value: Value, name: str, formats: Rows[Format]) -> Iterator[tuple[str, Value, Format]]:
    for format_ in formats:
        if format_.matches(value):
            yield name, value, format_
            return
    if isinstance(value, Sequence):
        for number, item in enumerate(value.items, 1):
            yield from _within(item, f"{name}_{number}" if len(value.items) > 1 else name, formats)
    elif isinstance(value, Mapping):
        title = value.items.get("name")
        own = str(title.value) if isinstance(title, Scalar) else name
        for key, item in value.items.items():
            yield from _within(item, own if key in WRAPPERS else key, formats)
    elif isinstance(value, Record):
        yield from _within(value.named, name, formats)


def identifier(name: str) -> str:
    """A name of our language that is as near to `name` as can be; `imported` for nothing."""
    from nascompile.syntax.lexer import HARD_WORDS

    made = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "imported"
    if made[0].isdigit():
        made = f"imported_{made}"
    return f"{made}_" if made in HARD_WORDS else made
