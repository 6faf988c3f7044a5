"""Objectives and conditions of a sampled search: expressions over measures that become known one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from nascompile.config.constants import constant
from nascompile.config.deployed import ANALOG, FORECASTS, measure_of, mistakes
from nascompile.config.measures import MEASURED, STATIC
from nascompile.config.tables import METRICS
from nascompile.diagnostics import Diagnostic, Label, did_you_mean, error
from nascompile.resources import resource
from nascompile.semantics.modules import Library
from nascompile.syntax import nodes as ast

TARGETS = ("onnxruntime.cpu", "torch.cpu", "torch.cuda")
"""Where a latency can be measured; `latency` alone is that of the first."""

_SCALE = {"ms": 1e-3, "s": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "month": 2592000.0, "year": 31536000.0}
_BYTES = {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_ORDERED = ("<", "<=", ">", ">=")


class Unmeasured(Exception):
    """An expression needs a measure that is not known yet."""


def names_of(expr: Any) -> Iterator[str]:
    """The measures of an expression, each by its full name: `params`, `dice`, `latency(onnxruntime.cpu)`.

    The target of a predicted latency stands in quotes: `latency("cpu.yaml")`. Those of `config.deployed` are named by
    what they mean: `analog_metric(pcm, after = 1 month)`.
    """
    if isinstance(expr, ast.Name | ast.Call) and (found := name_of(expr)) is not None:
        yield found
    elif isinstance(expr, ast.Binary):
        yield from names_of(expr.left)
        yield from names_of(expr.right)
    elif isinstance(expr, ast.Unary):
        yield from names_of(expr.operand)


def name_of(expr: ast.Expr) -> str | None:
    """The full name of a measure, or None for an expression that is no measure's name."""
    callee = expr.callee if isinstance(expr, ast.Call) else expr
    if not isinstance(callee, ast.Name):
        return None
    if callee.id in (*ANALOG, *FORECASTS):
        found = measure_of(expr)
        return None if found is None else found.name
    if callee.id in MEASURED:
        return f"{callee.id}({_target(expr)})"
    return callee.id if callee.id in STATIC or callee.id in METRICS else None


def _target(expr: ast.Expr) -> str:
    given = expr.arguments if isinstance(expr, ast.Call) else ()
    if not given:
        return TARGETS[0]
    value = given[0].value
    if isinstance(value, ast.String):
        return f'"{value.value}"'
    words = "".join(value.span.text.split())
    return f'"{words}"' if words in shipped_tables() else words


@cache
def shipped_tables() -> frozenset[str]:
    """Names of the latency tables that ship; a text may give them without quotes."""
    return frozenset(path.stem for path in resource("specs/devices").glob("*.yaml"))


def table_of(name: str) -> str | None:
    """`cpu.yaml` of the measure `latency("cpu.yaml")`: the table that predicts it; None for any other measure."""
    is_predicted = name.startswith('latency("') and name.endswith('")')
    return name.removeprefix('latency("').removesuffix('")') if is_predicted else None


def latencies_of(expr: Any) -> Iterator[ast.Expr]:
    """The parts of an expression that are predicted latencies."""
    if isinstance(expr, ast.Name | ast.Call):
        if table_of(name_of(expr) or "") is not None:
            yield expr
    elif isinstance(expr, ast.Binary):
        yield from latencies_of(expr.left)
        yield from latencies_of(expr.right)
    elif isinstance(expr, ast.Unary):
        yield from latencies_of(expr.operand)


def check(expr: ast.Expr, library: Library) -> list[Diagnostic]:
    """What is wrong with the names of an objective or a condition: `unknown-measure`, `unknown-target`, and what
    `config.deployed.mistakes` tells."""
    if isinstance(expr, ast.Binary):
        return check(expr.left, library) + check(expr.right, library)
    if isinstance(expr, ast.Unary):
        return check(expr.operand, library)
    callee = expr.callee if isinstance(expr, ast.Call) else expr
    if not isinstance(callee, ast.Name) or callee.id in library.names:
        return []
    known = (*METRICS, *STATIC, *MEASURED, *ANALOG, *FORECASTS)
    if callee.id not in known:
        hint = did_you_mean(callee.id, known) or f"there are {', '.join(known)}"
        return [Diagnostic("unknown-measure", f"`{callee.id}` cannot be measured here", Label(callee.span), hint=hint)]
    if found := mistakes(expr):
        return found
    if callee.id in MEASURED and _target(expr) not in TARGETS and table_of(f"{callee.id}({_target(expr)})") is None:
        listed = f'there are {", ".join(TARGETS)}, and latency tables: `latency("cpu.yaml")`'
        hint = did_you_mean(_target(expr), TARGETS) or listed
        message = f"there is no target `{_target(expr)}`"
        return [Diagnostic("unknown-target", message, Label(expr.span), hint=hint)]
    return []


def value_of(expr: ast.Expr, measures: Mapping[str, float], library: Library) -> float:
    """The value of an expression; times in seconds, sizes in bytes. Raises Unmeasured, and NasError for no number."""
    name = name_of(expr)
    if name is not None:
        if name not in measures:
            raise Unmeasured(name)
        return measures[name]
    if isinstance(expr, ast.Quantity) and (scale := {**_SCALE, **_BYTES}.get(expr.unit)) is not None:
        return float(expr.value) * scale
    if isinstance(expr, ast.Unary) and expr.op == "-":
        return -value_of(expr.operand, measures, library)
    if isinstance(expr, ast.Binary) and expr.op in ("+", "-", "*", "/", "^"):
        left, right = (value_of(side, measures, library) for side in (expr.left, expr.right))
        if expr.op == "/":
            return left / right if right else float("inf")
        return {"+": left + right, "-": left - right, "*": left * right}.get(expr.op, left) if expr.op != "^" else (
            left**right
        )  # fmt: skip
    return float(constant(expr, library))


def violation(expr: ast.Expr, measures: Mapping[str, float], library: Library) -> float:
    """How far a condition is from being fulfilled, as a share of its bound; 0 where it is.

    Where measures are missing it is 0. `and` adds, `or` takes the least, `not` is 1 or 0. Raises NasError
    (`not-a-condition`).
    """
    if isinstance(expr, ast.Binary) and expr.op == "and":
        return violation(expr.left, measures, library) + violation(expr.right, measures, library)
    if isinstance(expr, ast.Binary) and expr.op == "or":
        if not all(name in measures for name in names_of(expr)):
            return 0.0
        return min(violation(expr.left, measures, library), violation(expr.right, measures, library))
    if isinstance(expr, ast.Binary) and expr.op in (*_ORDERED, "==", "!="):
        try:
            left, right = (value_of(side, measures, library) for side in (expr.left, expr.right))
        except Unmeasured:
            return 0.0
        return _excess(expr.op, left, right)
    if isinstance(expr, ast.Unary) and expr.op == "not":
        is_known = all(name in measures for name in names_of(expr))
        return float(is_known and not violation(expr.operand, measures, library))
    hint = "write `params < 2M`, with `and`, `or` and `not`"
    raise error("not-a-condition", f"`{expr.span.text}` is no condition", expr.span, hint=hint)


def _excess(op: str, left: float, right: float) -> float:
    if op in (">", ">="):
        left, right = right, left
    over = left - right
    if op in ("==", "!="):
        is_met = (left == right) == (op == "==")
        over = abs(over)
    else:
        is_met = over < 0 or (over == 0 and op in ("<=", ">="))
    if is_met:
        return 0.0
    return max(over / (abs(right) or 1.0), 1e-9) if over == over else float("inf")
