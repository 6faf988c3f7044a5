"""Between values and the expressions that write them: paths, labels, numbers, operators."""

from __future__ import annotations

import re
from typing import Any

from nascompile.diagnostics import error
from nascompile.semantics.values import Candidates, LayerOperator, OpOperator
from nascompile.source import Source
from nascompile.syntax import nodes as ast
from nascompile.syntax.formatter import format_expression
from nascompile.syntax.parser import parse_expression

_TOKEN = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+(?:, *\d+)*)\]")


def path_of(expr: ast.Expr) -> str:
    """The path or label that an expression spells: `down_sc.s[2]`, `edge[0, 1, 0]`, `conv_3x3`."""
    if isinstance(expr, ast.Name):
        return expr.id
    if isinstance(expr, ast.Member):
        return f"{path_of(expr.base)}.{expr.name}"
    if isinstance(expr, ast.Index):
        return f"{path_of(expr.base)}[{', '.join(path_of(i) for i in expr.indices)}]"
    return format_expression(expr)


def expression_of(path: str) -> ast.Expr:
    """The expression that spells a path or a label."""
    expr: ast.Expr | None = None
    end = 0
    while match := _TOKEN.match(path, end):
        name, numbers = match.groups()
        if name is None:
            if expr is None:
                break
            expr = ast.Index(expr, tuple(number(int(i)) for i in numbers.split(",")))
        elif expr is None:
            expr = ast.Name(name)
        else:
            expr = ast.Member(expr, name)
        end = match.end()
    if expr is not None and end == len(path):
        return expr
    return parse_expression(Source("<label>", path))


def number(value: int | float) -> ast.Expr:
    """A literal; negative numbers with their sign."""
    if value < 0:
        return ast.Unary("-", number(-value))
    return ast.Number(value, repr(value))


def constant(expr: ast.Expr) -> Any:
    """The number, word, boolean or list that an expression writes. Raises NasError `not-constant` for anything else."""
    if isinstance(expr, ast.Number | ast.Boolean | ast.String):
        return expr.value
    if isinstance(expr, ast.Unary) and expr.op == "-" and isinstance(expr.operand, ast.Number):
        return -expr.operand.value
    if isinstance(expr, ast.List):
        return tuple(constant(item) for item in expr.items)
    if isinstance(expr, ast.Name | ast.Member | ast.Index):
        return path_of(expr)
    raise error(
        "not-constant", f"`{format_expression(expr)}` is no value of a decision", expr.span,
        hint="write a number, a label, or a list of them",
    )  # fmt: skip


def value_expression(value: Any) -> ast.Expr:
    """The expression that writes an argument of a space: a number, word, list or operator."""
    if isinstance(value, bool):
        return ast.Boolean(value)
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, str):
        return ast.Name(value) if re.fullmatch(r"[A-Za-z_]\w*", value) else ast.String(value)
    if isinstance(value, list | tuple):
        return ast.List(tuple(value_expression(item) for item in value))
    if isinstance(value, LayerOperator | OpOperator | Candidates):
        given = tuple(ast.Argument(name, value_expression(item)) for name, item in value.arguments)
        name = ast.Name(value.declaration.name)
        return ast.Call(name, given, None) if given else name
    raise TypeError(f"{type(value).__name__} cannot be written as text")


def written(value: Any) -> Any:
    """An argument as JSON data: numbers and booleans as they are, lists, and words and operators as text."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [written(item) for item in value]
    return format_expression(value_expression(value))
