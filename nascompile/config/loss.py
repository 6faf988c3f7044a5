"""Losses as texts write them: `dice_ce(main)`, `dice_bce(out[0]) * 2 + dice_bce(out[1])`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nascompile.config.constants import Choice, choice, constant
from nascompile.config.readers import check_choice
from nascompile.config.tables import LOSSES, PAIR_LOSSES
from nascompile.diagnostics import error
from nascompile.semantics.modules import Library
from nascompile.source import Span
from nascompile.syntax import nodes as ast


@dataclass(frozen=True, slots=True)
class LossTerm:
    """`weight` times the loss `choice` of an output: its name (`main`, `out[1]`), or None for the one that counts."""

    weight: float
    output: str | None
    choice: Choice
    span: Span | None = None


def read_loss(expr: ast.Expr, library: Library) -> tuple[LossTerm, ...]:
    """The terms of a sum. Raises NasError: `not-a-loss`, `unknown-loss`, `unknown-option`, `bad-option`."""
    if isinstance(expr, ast.Binary) and expr.op == "+":
        return (*read_loss(expr.left, library), *read_loss(expr.right, library))
    if isinstance(expr, ast.Binary) and expr.op in ("*", "/"):
        left_is_loss = isinstance(expr.left, ast.Call | ast.Binary) and _holds_call(expr.left)
        loss, factor = (expr.left, expr.right) if left_is_loss else (expr.right, expr.left)
        if expr.op == "/" and not left_is_loss:
            raise error("not-a-loss", "a loss cannot divide a number", expr.span)
        number = constant(factor, library)
        if isinstance(number, bool) or not isinstance(number, int | float) or number <= 0:
            raise error("not-a-loss", f"`{factor.span.text}` is no weight of a loss", factor.span)
        scale = 1 / number if expr.op == "/" else float(number)
        return tuple(replace(term, weight=term.weight * scale) for term in read_loss(loss, library))
    if not isinstance(expr, ast.Name | ast.Call):
        hint = "write `dice_ce(main)`, or a sum of such terms with weights"
        raise error("not-a-loss", f"`{expr.span.text}` is no loss", expr.span, hint=hint)
    output = None
    if isinstance(expr, ast.Call):
        outputs = [a.value for a in expr.arguments if a.name is None]
        if len(outputs) > 1:
            raise error("too-many-arguments", "a loss is of one output", expr.span, hint="add up terms with `+`")
        if outputs:
            output = _output(outputs[0])
        expr = replace(expr, arguments=tuple(a for a in expr.arguments if a.name is not None), split=None)
    found = choice(expr, library)
    check_choice(found, expr, "loss", LOSSES | PAIR_LOSSES)
    return (LossTerm(1.0, output, found, expr.span),)


def _output(expr: ast.Expr) -> str:
    if isinstance(expr, ast.Name):
        return expr.id
    numbers = expr.indices if isinstance(expr, ast.Index) else ()
    if (
        isinstance(expr, ast.Index)
        and isinstance(expr.base, ast.Name)
        and all(isinstance(i, ast.Number) for i in numbers)
    ):
        return f"{expr.base.id}[{', '.join(str(i.value) for i in numbers if isinstance(i, ast.Number))}]"
    raise error("not-an-output", f"`{expr.span.text}` names no output", expr.span, hint="write `main` or `out[0]`")


def _holds_call(expr: ast.Expr) -> bool:
    if isinstance(expr, ast.Binary):
        return _holds_call(expr.left) or _holds_call(expr.right)
    return isinstance(expr, ast.Call)
