"""Parameters and arguments: matching them, scopes of bodies, and keys of memoised elaborations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nascompile.diagnostics import Label, did_you_mean
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Env
from nascompile.semantics.values import (
    Absent,
    Chain,
    LayerOperator,
    OpOperator,
    Scope,
    SizeOf,
    Tensor,
)
from nascompile.source import Span
from nascompile.syntax import nodes as ast

Inputs = Sequence[Tensor | Absent]


def bind_parameters(
    env: Env, name: str, parameters: Sequence[ast.Parameter], arguments: Sequence[tuple[str | None, Any]], span: Span
) -> tuple[tuple[str, Any], ...]:
    """Match positional and named arguments with parameters. Raises NasError for unknown, doubled or too many."""
    bound: dict[str, Any] = {}
    names = [p.name for p in parameters]
    position = 0
    for given, value in arguments:
        if given is None:
            if position >= len(names):
                takes = ", ".join(names) or "none"
                raise env.ctx.fail("too-many-arguments", f"`{name}` takes {len(names)} arguments ({takes})", span, None)
            given = names[position]
            position += 1
        if given not in names:
            raise env.ctx.fail(
                "unknown-argument", f"`{name}` has no parameter `{given}`", span, did_you_mean(given, names)
            )
        if given in bound:
            raise env.ctx.fail("duplicate-argument", f"`{name}` gets `{given}` twice", span)
        bound[given] = value
    return tuple(bound.items())


def parameter_scope(env: Env, operator: OpOperator, inputs: Inputs) -> Scope:
    declaration = operator.declaration
    scope = Scope()
    given = dict(operator.arguments)
    for parameter, value in zip(declaration.tensors, inputs, strict=False):
        scope.names[parameter.name] = value
    inner = Env(env.ctx, env.frame, scope)
    names = [p.name for p in declaration.parameters]
    for parameter in declaration.parameters:
        if parameter.name in given:
            scope.names[parameter.name] = given[parameter.name]
        elif parameter.default is not None:
            scope.names[parameter.name] = inner.evaluate(parameter.default)
        else:
            raise env.ctx.fail(
                "missing-argument",
                f"`{operator.name}` needs `{parameter.name}`",
                operator.span,
                f"it takes {', '.join(names)}",
                Label(parameter.span, "declared here"),
            )
    return scope


def phantom(env: Env, absent: Absent) -> Tensor | None:
    """A value that nothing computes, so that operators on an absent edge can be registered; None if unknown."""
    if absent.type is None:
        return None
    return Tensor(env.frame.value(absent.type), absent.type, False)


def signature(value: Any) -> Any:
    """A hashable stand-in for an argument, equal for arguments that elaborate alike."""
    if isinstance(value, LayerOperator):
        return ("layer", value.name, tuple((k, signature(v)) for k, v in value.arguments))
    if isinstance(value, OpOperator):
        return ("op", id(value.declaration), value.cell, tuple((k, signature(v)) for k, v in value.arguments))
    if isinstance(value, Chain):
        return ("chain", tuple(signature(v) for v in value.stages))
    if isinstance(value, SizeOf):
        return ("size", tuple(value), None if value.source is None else value.source.id)
    if isinstance(value, tuple):
        return tuple(signature(v) for v in value)
    if isinstance(value, int | float | bool | str | Sym) or value is None:
        return (type(value).__name__, value)
    declaration = getattr(value, "declaration", None)
    if declaration is not None and hasattr(value, "arguments"):
        return ("ops", id(declaration), tuple((k, signature(v)) for k, v in value.arguments))
    return ("object", id(value))
