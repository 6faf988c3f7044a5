"""Measures of a search on analog tiles, and those that a surrogate predicts.

`analog_metric(pcm, after = 1 month)` is the task's metric then, `analog_drop(...)` what was lost of it since the first
second; `predicted("FILE.json")`, `uncertainty(...)` and `novelty(...)` are what a surrogate says of a genotype.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nascompile.analog.device import find_device
from nascompile.analog.moments import label_of, shipped_device, unknown_time
from nascompile.analog.quantities import UNITS, in_own_unit
from nascompile.config import readers
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean
from nascompile.source import Span
from nascompile.syntax import nodes as ast

ANALOG = ("analog_metric", "analog_drop")
FORECASTS = ("predicted", "uncertainty", "novelty")

DEVICE = "pcm"
"""The device of an analog measure that names none."""

FIRST = 1.0
"""Seconds after programming from which a drop is counted."""


@dataclass(frozen=True, slots=True)
class AnalogMeasure:
    """The task's metric of a network on tiles of `device`, `seconds` after programming; or its loss since 1 s."""

    kind: Literal["analog_metric", "analog_drop"]
    device: str
    seconds: float
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The full name: equal for what means the same, however it is written."""
        device = f'"{self.device}"' if is_file(self.device) else self.device
        return f"{self.kind}({device}, after = {label_of(self.seconds)})"


@dataclass(frozen=True, slots=True)
class Forecasted:
    """What a surrogate's file says of a genotype."""

    kind: Literal["predicted", "uncertainty", "novelty"]
    file: str
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        return f'{self.kind}("{self.file}")'


def is_file(device: str) -> bool:
    """Whether a device is named by the path of its file."""
    return device.endswith((".yaml", ".yml"))


def measure_of(expr: ast.Expr) -> AnalogMeasure | Forecasted | None:
    """The measure that an expression names, or None; what `mistakes` would tell counts as none."""
    if not isinstance(expr, ast.Name | ast.Call) or mistakes(expr):
        return None
    if isinstance(expr, ast.Name) or not isinstance(expr.callee, ast.Name):
        return None
    given, kind = {a.name: a.value for a in expr.arguments}, expr.callee.id
    if kind in FORECASTS and isinstance(named := given[None], ast.String):
        return Forecasted(kind, named.value, expr.span)  # type: ignore[arg-type]
    after = given.get("after")
    if kind in ANALOG and isinstance(after, ast.Quantity):
        device = _word(given[None]) if None in given else DEVICE
        seconds = in_own_unit(str(after.value), after.unit, "time")
        return AnalogMeasure(kind, device or DEVICE, seconds, expr.span)  # type: ignore[arg-type]
    return None


def measures_in(expr: Any) -> Iterator[AnalogMeasure | Forecasted]:
    """The parts of an expression that are such measures, in the order of the text."""
    if isinstance(expr, ast.Name | ast.Call):
        if (found := measure_of(expr)) is not None:
            yield found
    elif isinstance(expr, ast.Binary):
        yield from measures_in(expr.left)
        yield from measures_in(expr.right)
    elif isinstance(expr, ast.Unary):
        yield from measures_in(expr.operand)


def mistakes(expr: ast.Expr) -> list[Diagnostic]:
    """What is wrong with `analog_metric(...)` or `predicted(...)`; empty for what is right and for everything else.

    Codes: `missing-argument`, `unknown-argument`, `too-many-arguments`, `duplicate-argument`, `unknown-device`,
    `missing-unit`, `wrong-unit`, `bad-value`, `unknown-time`.
    """
    callee = expr.callee if isinstance(expr, ast.Call) else expr
    if not isinstance(callee, ast.Name) or callee.id not in (*ANALOG, *FORECASTS):
        return []
    arguments = expr.arguments if isinstance(expr, ast.Call) else ()
    if callee.id in FORECASTS:
        hint = f'write `{callee.id}("FILE.json")`; `nascompile surrogate fit` writes such a file'
        if len(arguments) != 1 or arguments[0].name is not None or not isinstance(arguments[0].value, ast.String):
            return [_at(expr, "missing-argument", f"`{callee.id}` needs a surrogate's file in quotes", hint)]
        return []
    hint = f"write `{callee.id}(after = 1 month)` or `{callee.id}({DEVICE}, after = 1 month)`"
    found: list[Diagnostic] = []
    seen: set[str | None] = set()
    for argument in arguments:
        if argument.name not in (None, "after"):
            near = did_you_mean(argument.name, ("after",)) or hint
            message = f"`{callee.id}` has no argument `{argument.name}`"
            found.append(Diagnostic("unknown-argument", message, Label(argument.span), hint=near))
        elif argument.name in seen:
            code = "duplicate-argument" if argument.name else "too-many-arguments"
            found.append(Diagnostic(code, "it is given twice", Label(argument.span), hint=hint))
        elif argument.name is None:
            found += _device_mistakes(argument.value, hint)
        else:
            found += _time_mistakes(argument.value, callee.id, hint)
        seen.add(argument.name)
    if "after" not in seen:
        found.append(_at(expr, "missing-argument", f"`{callee.id}` does not say when after programming", hint))
    return found or _unknown_moments(callee.id, {a.name: a.value for a in arguments})


def _device_mistakes(expr: ast.Expr, hint: str) -> list[Diagnostic]:
    name = _word(expr)
    if name is None:
        return [_at(expr, "bad-value", f"`{_text(expr)}` names no device", hint)]
    if is_file(name):  # it is looked for when the search starts: its place depends on the text's folder
        return []
    try:
        find_device(name, None, expr.span)
    except NasError as failure:
        return list(failure.diagnostics)
    return []


def _time_mistakes(expr: ast.Expr, kind: str, hint: str) -> list[Diagnostic]:
    if readers.is_negative(expr):
        return [_at(expr, "bad-value", f"`{_text(expr)}` is before the programming: a time is positive", hint)]
    if not isinstance(expr, ast.Quantity):
        return [_at(expr, "missing-unit", f"`{_text(expr)}` has no unit of time", hint)]
    if expr.unit not in UNITS["time"]:
        return [_at(expr, "wrong-unit", f"`{_text(expr)}` is no time", hint)]
    seconds = in_own_unit(str(expr.value), expr.unit, "time")
    if seconds < FIRST or (kind == "analog_drop" and seconds == FIRST):
        start = "nothing has drifted since the first second" if seconds == FIRST else "a second is the shortest"
        return [_at(expr, "bad-value", f"`{_text(expr)}` is too early: {start}", hint)]
    return []


def _unknown_moments(kind: str, given: Mapping[str | None, ast.Expr]) -> list[Diagnostic]:
    """Where a device that ships is not characterised at the times of a measure. Files are read as the search starts."""
    device = _word(given[None]) if None in given else DEVICE
    after = given["after"]
    if device is None or is_file(device) or not isinstance(after, ast.Quantity):
        return []
    moments = [in_own_unit(str(after.value), after.unit, "time"), *([FIRST] if kind == "analog_drop" else [])]
    problems = (unknown_time(shipped_device(device), label_of(t), t, after.span) for t in moments)
    return [problem for problem in problems if problem is not None][:1]


def _at(expr: ast.Expr, code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code, message, Label(expr.span), hint=hint)


def _word(expr: ast.Expr) -> str | None:
    if isinstance(expr, ast.String):
        return expr.value
    return expr.id if isinstance(expr, ast.Name) else None


def _text(expr: ast.Expr) -> str:
    return " ".join(expr.span.text.split())
