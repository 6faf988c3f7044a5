"""Readers of single field values, each checking its type and its unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nascompile.config.constants import Choice, choice, constant, option
from nascompile.config.fields import Reader
from nascompile.config.ranges import RANGES
from nascompile.config.tables import OTHER_WORDS
from nascompile.diagnostics import did_you_mean, error
from nascompile.semantics.modules import Library
from nascompile.syntax import nodes as ast
from nascompile.train.budget import Budget

_SECONDS = {"s": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_COUNTS = {"epoch": "epochs", "step": "steps"}


def integer(low: int = 0) -> Reader:
    """A whole number of at least `low`."""

    def read(expr: ast.Expr, library: Library) -> int:
        value = constant(expr, library)
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise error("bad-value", f"`{_text(expr)}` is no whole number of at least {low}", expr.span)
        return value

    return read


def real(low: float, high: float) -> Reader:
    """A number from `low` to `high`."""

    def read(expr: ast.Expr, library: Library) -> float:
        value = constant(expr, library)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise error("bad-value", f"`{_text(expr)}` is no number from {low:g} to {high:g}", expr.span)
        return float(value)

    return read


def boolean(expr: ast.Expr, library: Library) -> bool:
    """`true` or `false`."""
    value = constant(expr, library)
    if not isinstance(value, bool):
        raise error("bad-value", f"`{_text(expr)}` is neither `true` nor `false`", expr.span)
    return value


def string(expr: ast.Expr, library: Library) -> str:
    """A text in quotes."""
    if not isinstance(expr, ast.String):
        raise error("bad-value", f"`{_text(expr)}` is no text", expr.span, hint=_quoted(expr))
    return expr.value


def word(*words: str) -> Reader:
    """One of `words`; any name or text if none are given."""

    def read(expr: ast.Expr, library: Library) -> str:
        value = expr.id if isinstance(expr, ast.Name) else expr.value if isinstance(expr, ast.String) else None
        if value is None:
            raise error("bad-value", f"`{_text(expr)}` is no word", expr.span, hint=_quoted(expr))
        if words and value not in words:
            hint = did_you_mean(value, words) or f"there are {', '.join(words)}"
            raise error("unknown-word", f"`{value}` is not known here", expr.span, hint=hint)
        return value

    return read


def is_negative(expr: ast.Expr) -> bool:
    """Whether this is a quantity with a minus: `-1 s`."""
    return isinstance(expr, ast.Unary) and expr.op == "-" and isinstance(expr.operand, ast.Quantity)


def _quoted(expr: ast.Expr) -> str:
    """How to write what was meant as a text. On a command line a shell takes away the outer quotes."""
    source = expr.span.source
    if source.name != "--set":
        return 'write it in quotes: `"..."`'
    name = source.text.partition("=")[0].strip()
    return f"write it in quotes, and those in others: `--set '{name}=\"{_text(expr)}\"'`"


def integers(expr: ast.Expr, library: Library) -> tuple[int, ...]:
    """A list of positive whole numbers: `[96, 96]`."""
    return tuple(int(v) for v in _numbers(expr, library, whole=True))


def reals(expr: ast.Expr, library: Library) -> tuple[float, ...]:
    """A list of positive numbers: `[1.5, 0.7, 0.7]`."""
    return tuple(float(v) for v in _numbers(expr, library, whole=False))


def _numbers(expr: ast.Expr, library: Library, *, whole: bool) -> tuple[Any, ...]:
    value = constant(expr, library)
    kinds = int if whole else int | float
    if not isinstance(value, tuple) or not value or any(
        isinstance(v, bool) or not isinstance(v, kinds) or v <= 0 for v in value
    ):  # fmt: skip
        what = "whole numbers above 0" if whole else "numbers above 0"
        raise error("bad-value", f"`{_text(expr)}` is no list of {what}", expr.span, hint="write `[96, 96]`")
    return value


def words(expr: ast.Expr, library: Library) -> tuple[str, ...]:
    """A list of words or texts: `[background, "cell wall"]`."""
    if not isinstance(expr, ast.List):
        raise error("bad-value", f"`{_text(expr)}` is no list", expr.span, hint="write `[first, second]`")
    return tuple(word()(item, library) for item in expr.items)


def budget(expr: ast.Expr, library: Library) -> Budget:
    """`20 epochs`, `2000 steps`, `10 minutes`."""
    hint = "write `20 epochs`, `2000 steps` or `10 minutes`"
    if is_negative(expr):
        raise error("bad-value", f"`{_text(expr)}` is no budget: it is positive", expr.span, hint=hint)
    if not isinstance(expr, ast.Quantity):
        raise error("missing-unit", f"`{_text(expr)}` has no unit", expr.span, hint=hint)
    if expr.value <= 0:
        raise error("bad-value", f"`{_text(expr)}` is no time", expr.span, hint=hint)
    if expr.unit == "epoch":
        return Budget(float(expr.value), "epochs")
    if expr.unit == "step":
        return Budget(float(expr.value), "steps")
    if expr.unit in _SECONDS:
        return Budget(expr.value * _SECONDS[expr.unit], "seconds")
    raise error("wrong-unit", f"`{_text(expr)}` is no budget", expr.span, hint=hint)


def duration(expr: ast.Expr, library: Library) -> ast.Quantity:
    """A quantity in epochs or steps, as written."""
    if not isinstance(expr, ast.Quantity) or expr.unit not in _COUNTS:
        raise error(
            "wrong-unit", f"`{_text(expr)}` is no number of epochs or steps", expr.span, hint="write `3 epochs`"
        )
    return expr


def listed(item: Callable[[ast.Expr, Library], Any]) -> Reader:
    """A list, each item read by `item`; one item may stand without brackets."""

    def read(expr: ast.Expr, library: Library) -> tuple[Any, ...]:
        items = expr.items if isinstance(expr, ast.List) else (expr,)
        return tuple(item(each, library) for each in items)

    return read


def expression(expr: ast.Expr, library: Library) -> ast.Expr:
    """The expression itself; who uses it evaluates it."""
    return expr


def choice_of(noun: str, table: dict[str, dict[str, Any]]) -> Reader:
    """A `Choice` among the names of `table`, each with its options and their defaults.

    Raises NasError: `unknown-NOUN`, `unknown-option`, `bad-option`, `too-many-arguments`.
    """

    def read(expr: ast.Expr, library: Library) -> Choice:
        found = choice(expr, library)
        check_choice(found, expr, noun, table)
        return found

    return read


def check_choice(found: Choice, expr: ast.Expr, noun: str, table: dict[str, dict[str, Any]]) -> None:
    """See `choice_of`. The span of an option is that of its argument."""
    callee = expr.callee if isinstance(expr, ast.Call) else expr
    if found.name not in table:
        hint = did_you_mean(found.name, table) or f"there are {', '.join(table)}"
        raise error(f"unknown-{noun}", f"there is no {noun} `{found.name}`", callee.span, hint=hint)
    known = table[found.name]
    spans = {a.name: a.span for a in expr.arguments} if isinstance(expr, ast.Call) else {}
    written = {a.name: _text(a.value) for a in expr.arguments} if isinstance(expr, ast.Call) else {}
    if found.positional:
        hint = f"its options have names: {', '.join(known)}" if known else f"write `{found.name}`"
        raise error(
            "too-many-arguments", f"the {noun} `{found.name}` takes no argument without a name", expr.span, hint=hint
        )
    for name, value in found.options.items():
        if name not in known:
            meant = did_you_mean(OTHER_WORDS.get(name, name), known)
            hint = meant or (f"it takes {', '.join(known)}" if known else "it takes no options")
            raise error("unknown-option", f"the {noun} `{found.name}` has no option `{name}`", spans[name], hint=hint)
        if not _fits(value, known[name]):
            default = known[name]
            shown = str(default).lower() if isinstance(default, bool) else getattr(default, "name", default)
            message = f"`{name}` of the {noun} `{found.name}` cannot be `{written[name]}`"
            raise error("bad-option", message, spans[name], hint=None if shown is None else f"the default is `{shown}`")
        allowed = RANGES.get(noun, {}).get(name)
        if allowed is not None and not allowed.holds(value):
            message = f"`{name}` of the {noun} `{found.name}` cannot be `{written[name]}`"
            raise error("bad-option", message, spans[name], hint=f"it is {allowed.words}")


def _fits(value: Any, default: Any) -> bool:
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, tuple)
    if isinstance(default, Choice):
        return isinstance(value, Choice | str)
    return isinstance(value, type(default))


def _text(expr: ast.Expr) -> str:
    return " ".join(expr.span.text.split())


__all__ = [
    "boolean", "budget", "check_choice", "choice_of", "duration", "expression", "integer", "integers", "is_negative",
    "listed", "option", "real", "reals", "string", "word", "words",
]  # fmt: skip
