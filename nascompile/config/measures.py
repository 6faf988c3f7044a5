"""Objectives and conditions of a search: expressions over what can be measured of a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nascompile.config.deployed import ANALOG, FORECASTS
from nascompile.config.tables import METRICS
from nascompile.diagnostics import Diagnostic, Label, did_you_mean
from nascompile.syntax import nodes as ast

STATIC = ("params", "macs", "flops", "activations", "peak_memory")
"""Known from the text alone, for one image: live parameters, multiply-accumulates, twice as many operations, elements
of activations, and bytes at the peak of an evaluation (`profile.measures`)."""

MEASURED = ("latency",)
"""Known from a run on a device; seconds in conditions."""


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
    if name.id in (*ANALOG, *FORECASTS):
        hint = "only searches that try genotypes know it: `strategy = evolution`"
    return [Diagnostic("unknown-measure", f"`{name.id}` cannot be measured here", Label(name.span), hint=hint)]
