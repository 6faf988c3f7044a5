"""Calls: of built-in functions, functions of numbers, and operators with or without their tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nascompile.diagnostics import Label, NasError
from nascompile.semantics import builtin
from nascompile.semantics.context import Env
from nascompile.semantics.operators import DEPTH_LIMIT, apply
from nascompile.semantics.parameters import bind_defaults, bind_parameters, evaluate_word, too_many
from nascompile.semantics.values import (
    OPERATORS,
    Absent,
    Candidates,
    Function,
    Items,
    LayerOperator,
    Multiple,
    OpOperator,
    Scope,
    SizeOf,
    Tensor,
    describe,
)
from nascompile.source import Span
from nascompile.syntax import nodes as ast


def call(expr: ast.Call, env: Env) -> Any:
    """The value of a call: a number, a tensor, or an operator that waits for its tensors. Raises NasError."""
    callee = expr.callee
    if isinstance(callee, ast.Name) and env.scope.find(callee.id) is None and callee.id in builtin.NAMES:
        return builtin.call(expr, callee.id, env)
    target = env.evaluate(callee)
    if isinstance(target, Function):
        return _call_function(expr, target, env)
    if isinstance(target, LayerOperator | OpOperator | Candidates):
        return _call_operator(expr, target, env)
    hint = "arguments are given where the operator is named" if isinstance(target, OPERATORS) else None
    raise env.ctx.fail("not-callable", f"{describe(target)} cannot be called", expr.span, hint)


def fresh(expr: ast.Fresh, env: Env) -> Any:
    """`fresh cell(...)`: an instance whose decisions are its own."""
    inner = expr.call
    if isinstance(inner, ast.Call):
        target = env.evaluate(inner.callee)
        if isinstance(target, OpOperator) and target.cell is not None:
            return _call_operator(inner, replace(target, is_fresh=True), env)
    raise env.ctx.fail("fresh-cell", "`fresh` stands before the call of a cell", expr.span)


def _call_function(expr: ast.Call, target: Function, env: Env) -> Any:
    given = [(a.name, env.evaluate(a.value)) for a in expr.arguments]
    spans = [a.span for a in expr.arguments]
    bound = dict(bind_parameters(env, target.name, target.parameters, given, expr.span, spans=spans))
    inner = Env(env.ctx, env.frame, Scope(target.scope))
    env.ctx.depth += 1
    try:
        if env.ctx.depth > DEPTH_LIMIT:
            raise env.ctx.fail(
                "recursion", f"`{target.name}` is called {DEPTH_LIMIT} calls deep: does it call itself?", expr.span
            )
        bind_defaults(inner, target.name, target.parameters, bound, expr.span)
        return inner.evaluate(target.body)
    finally:
        env.ctx.depth -= 1


def _call_operator(expr: ast.Call, target: LayerOperator | OpOperator | Candidates, env: Env) -> Any:
    """Add arguments to an operator; apply it if tensors are among them.

    Positional arguments fill the parameters that are still free; names may also replace what is bound already.
    """
    parameters = target.declaration.parameters
    before = dict(target.arguments)
    free = [p for p in parameters if p.name not in before]
    tensors, given, spans = _arguments(expr, parameters, free, env)
    positional = [span for (name, _), span in zip(given, spans, strict=True) if name is None]
    if len(positional) > len(free):
        code, message = too_many(target.declaration.name, [p.name for p in free])
        label = Label(target.declaration.span, "declared here")
        raise env.ctx.fail(code, message, positional[len(free)], None, label)
    takes = free + [p for p in parameters if p.name in before]
    try:
        bound = bind_parameters(env, target.declaration.name, takes, given, expr.span, spans=spans)
    except NasError as failure:
        label = Label(target.declaration.span, "declared here")
        raise NasError([replace(d, secondary=(*d.secondary, label)) for d in failure.diagnostics]) from None
    merged = {**before, **dict(bound)}
    operator: Any = replace(target, arguments=tuple(merged.items()), span=expr.span)
    if isinstance(operator, LayerOperator):
        operator = replace(operator, sizes_like=_size_source(merged) or operator.sizes_like)
    if tensors and isinstance(operator, Candidates):
        raise env.ctx.fail(
            "not-an-operator",
            f"`{target.declaration.name}` is a list of operators",
            expr.span,
            "`-> pick one of ...` decides among candidates",
        )
    return apply(env, operator, tensors, expr.span) if tensors else operator


def _arguments(
    expr: ast.Call, parameters: Sequence[ast.Parameter], free: Sequence[ast.Parameter], env: Env
) -> tuple[list[Tensor | Absent], list[tuple[str | None, Any]], list[Span]]:
    """The tensors of a call, its other arguments (name, value), and their places.

    Without a `;` leading arguments that are tensors are the tensors.
    """
    tensors: list[Tensor | Absent] = []
    given: list[tuple[str | None, Any]] = []
    spans: list[Span] = []
    by_name = {p.name: p for p in parameters}
    for position, argument in enumerate(expr.arguments):
        if expr.split is not None and position < expr.split:
            if argument.name is not None:
                raise env.ctx.fail("tensor-argument", "tensors are given without names", argument.span)
            tensors.extend(builtin.tensors_of(env, env.evaluate(argument.value), argument.value))
            continue
        if argument.name is not None:
            parameter = by_name.get(argument.name)
        else:
            filled = sum(1 for name, _ in given if name is None)
            parameter = free[filled] if filled < len(free) else None
        value = evaluate_word(env, argument.value, parameter)
        if isinstance(value, Tensor | Absent | Items | Multiple):
            if expr.split is None and not given and argument.name is None:
                tensors.extend(builtin.tensors_of(env, value, argument.value))
                continue
            if isinstance(value, Tensor | Multiple):
                hint = "tensors come before `;`, or are piped in"
                raise env.ctx.fail("tensor-argument", "a tensor stands among the numbers", argument.span, hint)
        given.append((argument.name, value))
        spans.append(argument.span)
    return tensors, given, spans


def _size_source(arguments: Mapping[str, Any]) -> Tensor | None:
    for value in arguments.values():
        if isinstance(value, SizeOf):
            return value.source
    return None
