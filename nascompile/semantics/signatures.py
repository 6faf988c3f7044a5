"""Checking a call against the declaration that it names, before anything is evaluated."""

from __future__ import annotations

from typing import Any

from nascompile.diagnostics import Label
from nascompile.semantics import builtin
from nascompile.semantics.findings import Findings, head, heading, parameters_of
from nascompile.semantics.parameters import argument_hint, too_many
from nascompile.semantics.scopes import Names
from nascompile.syntax import nodes as ast

BUILTIN: frozenset[str] = builtin.NAMES


def parameter_of(
    expr: ast.Call, position: int, declaration: Any, names: Names, found: Findings, *, is_piped: bool = False
) -> ast.Parameter | None:
    """The parameter that argument `position` fills, as far as the text alone tells; None for tensors.

    Where a first argument may be a tensor, a parameter with words is preferred among the two that it may fill.
    """
    target, bound = _resolved(declaration, found)
    parameters = parameters_of(target)
    argument = expr.arguments[position]
    if argument.name is not None:
        return next((p for p in parameters if p.name == argument.name), None)
    free = [p for p in parameters if p.name not in bound]
    place = position - (expr.split or 0)
    places = [place, place - 1] if _is_unclear(expr, target, names, found, is_piped) else [place]
    fitting = [free[p] for p in places if 0 <= p < len(free)]
    return next((p for p in fitting if p.kinds), fitting[0] if fitting else None)


def check(
    expr: ast.Call, declaration: Any, names: Names, found: Findings, *, is_applied: bool = False, is_piped: bool = False
) -> None:
    """Unknown, doubled and surplus arguments; missing ones where nothing can add them later."""
    target, bound = _resolved(declaration, found)
    if target is None or isinstance(target, ast.ConstantDecl):
        return
    name, parameters = declaration.name, parameters_of(target)
    known = [p.name for p in parameters]
    free = [n for n in known if n not in bound]
    given = expr.arguments[expr.split or 0 :]
    positional = [a for a in given if a.name is None]
    is_unclear = _is_unclear(expr, target, names, found, is_piped)
    if len(positional) > len(free) and not is_unclear:
        code, message = too_many(name, free)
        found.add(code, message, positional[len(free)].span, None, heading(declaration))
    filled = set() if is_unclear else set(free[: len(positional)])
    for argument in given:
        if argument.name is None:
            continue
        place = head(argument.span, argument.name)
        if argument.name not in known:
            message = f"`{name}` has no parameter `{argument.name}`"
            found.add("unknown-argument", message, place, argument_hint(argument.name, known), heading(declaration))
        elif argument.name in filled:
            message = f"`{name}` gets `{argument.name}` twice"
            found.add("duplicate-argument", message, place, None, heading(declaration))
        filled.add(argument.name)
    is_complete = is_applied or bool(expr.split) or isinstance(target, ast.FunctionDecl)
    if is_complete and not is_unclear and len(positional) <= len(free):
        for parameter in parameters:
            if parameter.default is None and parameter.name not in filled | bound:
                label = Label(parameter.span, "declared here")
                found.add(
                    "missing-argument", f"`{name}` needs `{parameter.name}`", expr.span, f"it takes {', '.join(known)}",
                    label,
                )  # fmt: skip


def _resolved(declaration: Any, found: Findings) -> tuple[Any, set[str]]:
    """What a cell alias stands for, with the parameters that it has bound; other declarations as they are."""
    bound: set[str] = set()
    for _ in range(len(found.library.names)):
        if not isinstance(declaration, ast.CellAlias):
            return declaration, bound
        if not isinstance(declaration.value, ast.Call) or not isinstance(declaration.value.callee, ast.Name):
            return None, bound
        arguments = declaration.value.arguments
        declaration = found.library.names.get(declaration.value.callee.id)
        bound |= {a.name for a in arguments if a.name is not None}
        positional = [a for a in arguments if a.name is None]
        bound |= {p.name for p, _ in zip(parameters_of(declaration), positional, strict=False)}
    return None, bound


def _is_unclear(expr: ast.Call, target: Any, names: Names, found: Findings, is_piped: bool) -> bool:
    """Whether the first arguments may be tensors: without `;`, an operator takes tensors first."""
    if is_piped or expr.split is not None or not isinstance(target, ast.LayerDecl | ast.OpDecl):
        return False
    first = next((a for a in expr.arguments if a.name is None), None)
    return first is not None and _may_be_tensor(first.value, names, found)


def _may_be_tensor(expr: ast.Expr, names: Names, found: Findings) -> bool:
    """Not so for numbers, parameters, loop indices, arithmetic on them, and functions of numbers."""
    if isinstance(expr, ast.Binary):
        sides = (expr.left, expr.right)
        return expr.op in ("+", "*") and all(_may_be_tensor(side, names, found) for side in sides)
    if isinstance(expr, ast.Name):
        return expr.id in names and not names.is_plain(expr.id)
    if isinstance(expr, ast.Call) and isinstance(expr.callee, ast.Name):
        name = expr.callee.id
        if name in names:
            return not names.is_function(name)
        is_number = isinstance(found.library.names.get(name), ast.FunctionDecl)
        return not is_number and (name in ("sum", "concat") or name not in BUILTIN)
    if isinstance(expr, ast.Conditional):
        branches = (expr.then,) if expr.orelse is None else (expr.then, expr.orelse)
        return all(_may_be_tensor(branch, names, found) for branch in branches)
    return not isinstance(expr, ast.Number | ast.Quantity | ast.String | ast.Boolean | ast.Range | ast.Unary)


def check_builtin(expr: ast.Call, name: str, found: Findings) -> None:
    """Named arguments of built-in functions: only `sum(..., resize = nearest | linear)` has one."""
    for argument in expr.arguments:
        if argument.name is None:
            continue
        if name == "sum" and argument.name == "resize":
            for word in _words(argument.value):
                if word.id not in ("nearest", "linear", "bilinear"):
                    found.unknown("unknown-word", word.id, f"`{word.id}` is no way to resize", word, (),
                                  "`resize` is `nearest` or `linear`")  # fmt: skip
            continue
        hint = "it takes `resize`" if name == "sum" else None
        place = head(argument.span, argument.name)
        found.add("unknown-argument", f"`{name}` has no parameter `{argument.name}`", place, hint)


def _words(expr: ast.Expr) -> list[ast.Name]:
    if isinstance(expr, ast.Conditional):
        return _words(expr.then) + ([] if expr.orelse is None else _words(expr.orelse))
    return [expr] if isinstance(expr, ast.Name) else []
