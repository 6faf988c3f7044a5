"""Values of an imported text, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

from nascompile.source import Span


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, string, boolean or None."""

    value: int | float | str | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple, range or array."""

    items: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    """A dictionary with strings as keys. Of a key that is written twice the last value counts, as in Python."""

    items: dict[str, Value]
    keys: dict[str, Span]
    span: Span


@dataclass(frozen=True, slots=True)
class Record:
    """`NAME(positional, key=value)`."""

    name: str
    positional: tuple[Value, ...]
    named: Mapping
    span: Span


Value = Scalar | Sequence | Mapping | Record


def numbers(value: Value | None) -> list[int] | None:
    """The whole numbers of a sequence, `1.0` and booleans included; None if it has anything else, or is none."""
    if not isinstance(value, Sequence):
        return None
    found = [whole(item) for item in value.items]
    return None if None in found else [n for n in found if n is not None]


def whole(value: Value | None) -> int | None:
    """A whole number: `3`, `3.0`, `True`; None for anything else."""
    if not isinstance(value, Scalar) or not isinstance(value.value, int | float):
        return None
    number = value.value
    return int(number) if isinstance(number, int) or number.is_integer() else None


def head(value: Value) -> Span:
    """Where a value begins: the name of a record, the bracket of a list; what is said of all of it points there."""
    span = value.span
    width = len(value.name) if isinstance(value, Record) else 1
    return span if isinstance(value, Scalar) else Span(span.source, span.start, min(span.start + width, span.end))
