"""`penalty = ...` of a search: an expression over terms of the architecture parameters, as a function for the search.

Numbers, `+ - * /`, `abs(...)`, `entropy(kept)`, `consistency(kept)`, `expected(macs)`, `expected(ram, all = kept)`,
`expected(latency(cpu))` (milliseconds by a latency table), and `ramp(...)`, which grows from 0 to its value between
the end of the warm-up and that of the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from nascompile.diagnostics import did_you_mean, error
from nascompile.ir.program import Program
from nascompile.search.oneshot.expectation import expectation
from nascompile.search.oneshot.relaxed import Architecture
from nascompile.search.oneshot.terms import consistency, entropy
from nascompile.semantics.penalties import FUNCTIONS, PREFIXES, latency_target
from nascompile.syntax import nodes as ast

Penalty = Callable[[float], Tensor]
"""From the share of the time after the warm-up that has passed, 0 to 1, to a scalar of the architecture parameters."""

Value = Callable[[float], Any]


def read_penalty(expr: ast.Expr, program: Program, architecture: Architecture, folder: Path = Path()) -> Penalty:
    """The penalty that an expression says. Every name is looked up now, not in the first step.

    Latency tables are files relative to `folder`, the text's, else to the working directory, or ship. Raises
    NasError: `not-a-term`, `unknown-term`, `unknown-decision`, `unknown-measure`, `not-connected`.
    """
    value = _read(expr, program, architecture, folder)
    first = value(0.0)
    if not isinstance(first, Tensor):
        hint = f"a penalty has one of {', '.join(f'`{f}`' for f in FUNCTIONS[1:4])} in it"
        raise error("not-a-term", f"`{expr.span.text}` does not depend on the architecture", expr.span, hint=hint)
    return value


def _read(expr: ast.Expr, program: Program, architecture: Architecture, folder: Path) -> Value:
    if isinstance(expr, ast.Number):
        number = float(expr.value)
        return lambda grown: number
    if isinstance(expr, ast.Quantity) and expr.unit in PREFIXES:
        number = float(expr.value) * PREFIXES[expr.unit]
        return lambda grown: number
    if isinstance(expr, ast.Unary) and expr.op == "-":
        inner = _read(expr.operand, program, architecture, folder)
        return lambda grown: -inner(grown)
    if isinstance(expr, ast.Binary) and expr.op in _BINARY:
        combine = _BINARY[expr.op]
        left, right = (_read(e, program, architecture, folder) for e in (expr.left, expr.right))
        return lambda grown: combine(left(grown), right(grown))
    if isinstance(expr, ast.Call) and isinstance(expr.callee, ast.Name):
        return _call(expr, expr.callee.id, program, architecture, folder)
    hint = "write a sum of terms such as `0.1 * entropy(kept)` or `expected(macs) / 1G`"
    raise error("not-a-term", f"`{expr.span.text}` is no term of a penalty", expr.span, hint=hint)


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def _call(expr: ast.Call, function: str, program: Program, architecture: Architecture, folder: Path) -> Value:
    if function not in FUNCTIONS:
        hint = did_you_mean(function, FUNCTIONS) or f"terms are {', '.join(FUNCTIONS)}"
        raise error("unknown-term", f"there is no term `{function}`", expr.callee.span, hint=hint)
    plain = [a.value for a in expr.arguments if a.name is None]
    named = {a.name: a.value for a in expr.arguments if a.name is not None}
    if len(plain) != 1 or set(named) - ({"all"} if function == "expected" else set()):
        hint = "write `expected(ram)` or `expected(ram, all = kept)`" if function == "expected" else "it takes one"
        raise error("not-a-term", f"`{function}` takes other arguments than these", expr.span, hint=hint)
    if function in ("abs", "ramp"):
        inner = _read(plain[0], program, architecture, folder)
        return (lambda grown: abs(inner(grown))) if function == "abs" else (lambda grown: grown * inner(grown))
    certain = [_name(named["all"])] if "all" in named else []
    if function == "expected" and (target := latency_target(plain[0])) is not None:
        from nascompile.profile.latency_expected import layer_milliseconds
        from nascompile.profile.latency_model import LatencyModel

        costs = layer_milliseconds(program, LatencyModel.from_target(target, folder))
        latency = expectation(program, architecture, "latency", certain, plain[0].span, costs)
        return lambda grown: latency(architecture)
    name, span = _name(plain[0]), plain[0].span
    if function == "entropy":
        entropy(architecture, name, span)
        return lambda grown: entropy(architecture, name, span)
    if function == "consistency":
        consistency(architecture, program.constraints, name, span)
        return lambda grown: consistency(architecture, program.constraints, name, span)
    expected = expectation(program, architecture, name, certain, span)
    return lambda grown: expected(architecture)


def _name(expr: ast.Expr) -> str:
    if isinstance(expr, ast.Name):
        return expr.id
    if isinstance(expr, ast.Member):
        return f"{_name(expr.base)}.{expr.name}"
    raise error("not-a-term", f"`{expr.span.text}` is no name of decisions or measures", expr.span, hint="write `kept`")
