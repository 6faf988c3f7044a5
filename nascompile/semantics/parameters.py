"""Parameters and arguments: matching them, scopes of bodies, and keys of memoised elaborations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
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
    env: Env,
    name: str,
    parameters: Sequence[ast.Parameter],
    arguments: Sequence[tuple[str | None, Any]],
    span: Span,
    *,
    spans: Sequence[Span] = (),
) -> tuple[tuple[str, Any], ...]:
    """Match positional and named arguments with parameters, in the order given.

    `spans` are the arguments' own places, `span` that of the call. Raises NasError for unknown, doubled or too many.
    """
    bound: dict[str, Any] = {}
    names = [p.name for p in parameters]
    position = 0
    for given, value, place in zip_longest(*_columns(arguments), spans, fillvalue=None):
        at = place or span
        if given is None:
            if position >= len(names):
                raise env.ctx.fail(*too_many(name, names), at)
            given = names[position]
            position += 1
        if given not in names:
            message = f"`{name}` has no parameter `{given}`"
            raise env.ctx.fail("unknown-argument", message, at, argument_hint(given, names))
        if given in bound:
            raise env.ctx.fail("duplicate-argument", f"`{name}` gets `{given}` twice", at)
        bound[given] = value
    return tuple(bound.items())


def _columns(arguments: Sequence[tuple[str | None, Any]]) -> tuple[list[str | None], list[Any]]:
    return [given for given, _ in arguments], [value for _, value in arguments]


def too_many(name: str, names: Sequence[str]) -> tuple[str, str]:
    """Code and message for a positional argument behind the last parameter."""
    takes = f"{len(names)} argument{'s' * (len(names) > 1)} ({', '.join(names)})" if names else "no arguments"
    return "too-many-arguments", f"`{name}` takes {takes}"


def argument_hint(given: str, names: Sequence[str]) -> str:
    """The nearest parameter, or all of them."""
    return did_you_mean(given, names) or (f"it takes {', '.join(names)}" if names else "it takes no arguments")


def bind_defaults(
    env: Env, name: str, parameters: Sequence[ast.Parameter], given: Mapping[str, Any], span: Span
) -> None:
    """Bind every parameter in the scope of `env`: to what is given, else to its default, which may use earlier ones.

    Raises NasError (`missing-argument`) at `span`.
    """
    names = env.scope.names
    for parameter in parameters:
        if parameter.name in given:
            names[parameter.name] = given[parameter.name]
        elif parameter.default is None:
            raise env.ctx.fail(
                "missing-argument",
                f"`{name}` needs `{parameter.name}`",
                span,
                f"it takes {', '.join(p.name for p in parameters)}",
                Label(parameter.span, "declared here"),
            )
        else:
            names[parameter.name] = evaluate_word(env, parameter.default, parameter)


def evaluate_word(env: Env, expr: ast.Expr, parameter: ast.Parameter | None) -> Any:
    """An argument or default: a word stands for itself where the parameter lists words, also behind `if`.

    Raises NasError (`unknown-word`) for another word.
    """
    words = parameter.kinds if parameter is not None else ()
    if parameter is None or not words:
        return env.evaluate(expr)
    if isinstance(expr, ast.Conditional) and expr.orelse is not None:
        condition = env.evaluate(expr.condition)
        if not isinstance(condition, Sym):
            return evaluate_word(env, expr.then if condition else expr.orelse, parameter)
    if isinstance(expr, ast.Name) and env.scope.find(expr.id) is None:
        value: Any = expr.id
    else:
        value = env.evaluate(expr)
    if isinstance(value, str) and value not in words:
        raise env.ctx.fail(*unknown_word(parameter, value), expr.span, did_you_mean(value, words))
    return value


def unknown_word(parameter: ast.Parameter, word: str) -> tuple[str, str]:
    """Code and message for a word that a parameter does not list."""
    return "unknown-word", f"`{parameter.name}` is one of {', '.join(parameter.kinds)}, not `{word}`"


def parameter_scope(env: Env, operator: OpOperator, inputs: Inputs) -> Scope:
    """The scope in which an op's body runs: its tensors and its parameters. Raises NasError (`missing-argument`)."""
    declaration = operator.declaration
    scope = Scope()
    for parameter, value in zip(declaration.tensors, inputs, strict=False):
        scope.names[parameter.name] = value
    inner = Env(env.ctx, env.frame, scope)
    bind_defaults(inner, operator.name, declaration.parameters, dict(operator.arguments), operator.span)
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
