"""Objectives and conditions of a search: expressions over what can be measured of a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nascompile.config.constants import constant
from nascompile.config.tables import METRICS
from nascompile.diagnostics import Diagnostic, Label, did_you_mean, error
from nascompile.semantics.modules import Library
from nascompile.syntax import nodes as ast

STATIC = ("params", "macs", "flops", "activations", "peak_memory")
"""Known from the text alone, for one image: live parameters, multiply-accumulates, twice as many operations, elements
of activations, and bytes at the peak of an evaluation (`profile.measures`)."""

MEASURED = ("latency",)
"""Known from a run on a device; seconds in conditions."""

_SECONDS = {"ms": 1e-3, "s": 1.0, "minute": 60.0, "hour": 3600.0}
_BYTES = {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_COMPARISONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def check_objective(expr: ast.Expr) -> list[Diagnostic]:
    """What is wrong with `maximize dice` or `minimize latency(onnxruntime.cpu)`: `unknown-measure`, `not-a-measure`."""
    name = expr.callee if isinstance(expr, ast.Call) else expr
    if not isinstance(name, ast.Name):
        hint = f"name one of {', '.join((*STATIC, *MEASURED))}, or a metric"
        return [Diagnostic("not-a-measure", f"`{expr.span.text}` is no measure", Label(expr.span), hint=hint)]
    return _unknown(name, (*METRICS, *STATIC, *MEASURED))


def check_where(expr: ast.Expr) -> list[Diagnostic]:
    """What is wrong with `where params < 2M and macs < 1G`: its names, and what it compares."""
    return [problem for name in _names(expr) for problem in _unknown(name, STATIC)]


def holds(expr: ast.Expr, measures: Mapping[str, float], library: Library) -> bool:
    """Whether a condition holds for the measures of a network. Raises NasError (`not-a-condition`)."""
    if isinstance(expr, ast.Binary) and expr.op == "and":
        return holds(expr.left, measures, library) and holds(expr.right, measures, library)
    if isinstance(expr, ast.Binary) and expr.op == "or":
        return holds(expr.left, measures, library) or holds(expr.right, measures, library)
    if isinstance(expr, ast.Unary) and expr.op == "not":
        return not holds(expr.operand, measures, library)
    if isinstance(expr, ast.Binary) and expr.op in _COMPARISONS:
        left, right = (_value(side, measures, library) for side in (expr.left, expr.right))
        return bool(_COMPARISONS[expr.op](left, right))
    hint = "write `params < 2M`"
    raise error("not-a-condition", f"`{expr.span.text}` is no condition", expr.span, hint=hint)


def _value(expr: ast.Expr, measures: Mapping[str, float], library: Library) -> float:
    if isinstance(expr, ast.Name) and expr.id in measures:
        return measures[expr.id]
    if isinstance(expr, ast.Quantity) and (scale := {**_SECONDS, **_BYTES}.get(expr.unit)) is not None:
        return float(expr.value) * scale
    if isinstance(expr, ast.Binary) and expr.op in ("+", "-", "*", "/"):
        left, right = (_value(side, measures, library) for side in (expr.left, expr.right))
        return {"+": left + right, "-": left - right, "*": left * right}.get(expr.op, left / right if right else 0.0)
    return float(constant(expr, library))


def _names(expr: Any) -> Iterator[ast.Name]:
    if isinstance(expr, ast.Name):
        yield expr
    elif isinstance(expr, ast.Binary):
        yield from _names(expr.left)
        yield from _names(expr.right)
    elif isinstance(expr, ast.Unary):
        yield from _names(expr.operand)
    elif isinstance(expr, ast.Call):
        yield from _names(expr.callee)


def _unknown(name: ast.Name, known: tuple[str, ...]) -> list[Diagnostic]:
    if name.id in known:
        return []
    hint = did_you_mean(name.id, known) or f"there are {', '.join(known)}"
    return [Diagnostic("unknown-measure", f"`{name.id}` cannot be measured here", Label(name.span), hint=hint)]
