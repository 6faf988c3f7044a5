"""Calls: of built-in functions, functions of numbers, and operators with or without their tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nascompile.diagnostics import Label, NasError, did_you_mean
from nascompile.semantics import builtin
from nascompile.semantics.context import Env
from nascompile.semantics.operators import apply
from nascompile.semantics.parameters import bind_parameters
from nascompile.semantics.values import (
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
from nascompile.syntax import nodes as ast


def call(expr: ast.Call, env: Env) -> Any:
    callee = expr.callee
    if isinstance(callee, ast.Name) and env.scope.find(callee.id) is None and callee.id in builtin.NAMES:
        return builtin.call(expr, callee.id, env)
    if isinstance(callee, ast.Name) and env.scope.find(callee.id) is None and callee.id not in env.ctx.library.names:
        known = env.scope.all_names() | set(env.ctx.library.names) | builtin.NAMES
        raise env.ctx.fail(
            "unknown-name", f"`{callee.id}` is not defined", callee.span, did_you_mean(callee.id, sorted(known))
        )
    target = env.evaluate(callee)
    if isinstance(target, Function):
        return _call_function(expr, target, env)
    if isinstance(target, LayerOperator):
        return _call_operator(expr, target, target.declaration.parameters, env)
    if isinstance(target, OpOperator):
        return _call_operator(expr, target, target.declaration.parameters, env)
    if isinstance(target, Candidates):
        arguments = _arguments(expr, target.declaration.parameters, env)
        bound = bind_parameters(env, target.declaration.name, target.declaration.parameters, arguments, expr.span)
        return Candidates(target.declaration, bound, expr.span)
    raise env.ctx.fail("not-callable", f"{describe(target)} cannot be called", expr.span)


def fresh(expr: ast.Fresh, env: Env) -> Any:
    call = expr.call
    if isinstance(call, ast.Call):
        target = env.evaluate(call.callee)
        if isinstance(target, OpOperator) and target.cell is not None:
            own = OpOperator(target.declaration, target.arguments, target.span, target.cell, True)
            return _call_operator(call, own, target.declaration.parameters, env)
    raise env.ctx.fail("fresh-cell", "`fresh` stands before the call of a cell", expr.span)


def _call_function(expr: ast.Call, target: Function, env: Env) -> Any:
    arguments = [(a.name, env.evaluate(a.value)) for a in expr.arguments]
    bound = dict(bind_parameters(env, target.name, target.parameters, arguments, expr.span))
    inner = Env(env.ctx, env.frame, Scope(target.scope))
    for parameter in target.parameters:
        if parameter.name in bound:
            inner.scope.names[parameter.name] = bound[parameter.name]
        elif parameter.default is not None:
            inner.scope.names[parameter.name] = inner.evaluate(parameter.default)
        else:
            raise env.ctx.fail("missing-argument", f"`{target.name}` needs `{parameter.name}`", expr.span)
    env.ctx.depth += 1
    try:
        if env.ctx.depth > 64:
            raise env.ctx.fail("recursion", f"`{target.name}` calls itself, directly or through others", expr.span)
        return inner.evaluate(target.body)
    finally:
        env.ctx.depth -= 1


def _arguments(expr: ast.Call, parameters: tuple[ast.Parameter, ...], env: Env) -> list[tuple[str | None, Any]]:
    """Evaluated non-tensor arguments; a word stands for itself where the parameter lists words."""
    values: list[tuple[str | None, Any]] = []
    given = expr.arguments if expr.split is None else expr.arguments[expr.split :]
    by_name = {p.name: p for p in parameters}
    for position, argument in enumerate(given):
        index = position
        parameter = (
            by_name.get(argument.name) if argument.name else parameters[index] if index < len(parameters) else None
        )
        words = parameter.kinds if parameter is not None else ()
        if words and isinstance(argument.value, ast.Name) and env.scope.find(argument.value.id) is None:
            if argument.value.id not in words:
                raise env.ctx.fail(
                    "unknown-word",
                    f"`{parameter.name if parameter else ''}` is one of {', '.join(words)}, not `{argument.value.id}`",
                    argument.value.span,
                    did_you_mean(argument.value.id, words),
                )
            values.append((argument.name, argument.value.id))
        else:
            values.append((argument.name, env.evaluate(argument.value)))
    return values


def _call_operator(
    expr: ast.Call, target: LayerOperator | OpOperator, parameters: tuple[ast.Parameter, ...], env: Env
) -> Any:
    tensors: list[Any] = []
    if expr.split is not None:
        for argument in expr.arguments[: expr.split]:
            value = env.evaluate(argument.value)
            tensors.extend(builtin.tensors_of(env, value, argument.value))
    arguments = _arguments(expr, parameters, env)
    if expr.split is None:
        while arguments and arguments[0][0] is None and isinstance(arguments[0][1], Tensor | Absent | Items):
            tensors.extend(builtin.tensors_of(env, arguments.pop(0)[1], expr))
    for (_, value), argument in zip(arguments, expr.arguments[-len(arguments) :] if arguments else (), strict=False):
        if isinstance(value, Tensor | Multiple):
            raise env.ctx.fail("tensor-argument", "a tensor stands among the numbers", argument.span,
                               "tensors come before `;`, or are piped in")  # fmt: skip
    before = [(k, v) for k, v in target.arguments]
    names = [p.name for p in parameters if p.name not in dict(before)]
    remaining = [p for p in parameters if p.name in names or any(a == p.name for a, _ in arguments)]
    try:
        bound = bind_parameters(env, target.name, remaining or parameters, arguments, expr.span)
    except Exception as failure:
        raise _with_declaration(failure, target) from None
    merged = {**dict(before), **dict(bound)}
    if isinstance(target, LayerOperator):
        operator: Any = LayerOperator(
            target.declaration, tuple(merged.items()), expr.span, _size_source(merged) or target.sizes_like
        )
    else:
        operator = OpOperator(target.declaration, tuple(merged.items()), expr.span, target.cell, target.is_fresh)
    return apply(env, operator, tensors, expr.span) if tensors else operator


def _with_declaration(failure: Exception, target: LayerOperator | OpOperator) -> Exception:

    if not isinstance(failure, NasError):
        return failure
    label = Label(target.declaration.span, "declared here")
    return NasError([replace(d, secondary=(*d.secondary, label)) for d in failure.diagnostics])


def _size_source(arguments: dict[str, Any]) -> Tensor | None:
    for value in arguments.values():
        if isinstance(value, SizeOf):
            return value.source
    return None
