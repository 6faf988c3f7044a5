"""Expressions outside of spaces: constants, words, and calls such as `sgd(lr = 0.1)` read as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nascompile.diagnostics import did_you_mean, error
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Context, Env, Frame
from nascompile.semantics.expressions import evaluate
from nascompile.semantics.modules import Library
from nascompile.semantics.parameters import bind_parameters
from nascompile.semantics.statements import run_body
from nascompile.semantics.values import Function, RangeOf, Scope, describe
from nascompile.source import Span
from nascompile.syntax import nodes as ast

if TYPE_CHECKING:
    from nascompile.data.task import Task


@dataclass(frozen=True, slots=True)
class Choice:
    """A named choice with options: `sgd(lr = 0.1)`, `bilevel`. `positional` are the arguments without a name.

    An option is a number, word, boolean, tuple, `Choice`, or `ast.Quantity` where a unit was written.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    positional: tuple[Any, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SpaceCall:
    """`grid(c = 16)`: a space with the arguments that the text gives."""

    name: str
    arguments: Mapping[str, Any]
    span: Span = field(compare=False, repr=False)


def constant_env(library: Library) -> Env:
    """Where top-level constants and functions are known, and nothing else."""
    return Env(Context(library, evaluate, run_body, {}, False, 2), Frame("", ""), Scope())


def constant(expr: ast.Expr, library: Library) -> Any:
    """A number, boolean, word or tuple of them. Raises NasError (`not-a-constant`, and what evaluation gives)."""
    value = evaluate(expr, constant_env(library))
    if isinstance(value, RangeOf) and not value.is_real:
        value = tuple(value)
    if isinstance(value, Sym) or not isinstance(value, int | float | str | tuple):
        raise error("not-a-constant", f"a number is needed here, not {describe(value)}", expr.span)
    return value


def option(expr: ast.Expr, library: Library) -> Any:
    """The value of an option: a constant, a word that is no constant, a list, a quantity or a `Choice`."""
    if isinstance(expr, ast.Quantity) and expr.unit not in ("k", "M", "G"):
        return expr
    if isinstance(expr, ast.Name):
        is_constant = isinstance(library.names.get(expr.id), ast.ConstantDecl)
        return constant(expr, library) if is_constant else expr.id
    if isinstance(expr, ast.List):
        return tuple(option(item, library) for item in expr.items)
    if isinstance(expr, ast.Call) and not _is_function(expr, library):
        return choice(expr, library)
    return constant(expr, library)


def _is_function(expr: ast.Call, library: Library) -> bool:
    if not isinstance(expr.callee, ast.Name):
        return False
    return isinstance(library.names.get(expr.callee.id), ast.FunctionDecl) or expr.callee.id in ("min", "max", "round")


def choice(expr: ast.Expr, library: Library) -> Choice:
    """`name` or `name(options)` as data. Raises NasError (`not-a-choice`, `duplicate-option`)."""
    if isinstance(expr, ast.Name):
        return Choice(expr.id, span=expr.span)
    if not isinstance(expr, ast.Call) or not isinstance(expr.callee, ast.Name):
        raise error("not-a-choice", f"`{expr.span.text}` names nothing to choose", expr.span, hint="write `name(...)`")
    options: dict[str, Any] = {}
    positional = []
    for argument in expr.arguments:
        if argument.name is None:
            positional.append(option(argument.value, library))
        elif argument.name in options:
            raise error("duplicate-option", f"`{argument.name}` is given twice", argument.span)
        else:
            options[argument.name] = option(argument.value, library)
    return Choice(expr.callee.id, MappingProxyType(options), tuple(positional), expr.span)


def space_call(expr: ast.Expr, library: Library) -> SpaceCall:
    """The space and its arguments. Raises NasError (`unknown-space`, `unknown-argument`, `unknown-word`, ...)."""
    name = expr.callee if isinstance(expr, ast.Call) else expr
    if not isinstance(name, ast.Name):
        raise error("not-a-space", f"`{expr.span.text}` is no space", expr.span, hint="write `name(c = 16)`")
    declaration = library.spaces.get(name.id)
    if declaration is None:
        hint = did_you_mean(name.id, library.spaces) or "a space is declared in the text or imported"
        raise error("unknown-space", f"there is no space `{name.id}`", name.span, hint=hint)
    given = expr.arguments if isinstance(expr, ast.Call) else ()
    parameters = declaration.parameters
    by_name = {p.name: p for p in parameters}
    values: list[tuple[str | None, Any]] = []
    for position, argument in enumerate(given):
        if argument.name is not None:
            parameter = by_name.get(argument.name)
            if parameter is None:
                hint = did_you_mean(argument.name, by_name) or f"it takes {', '.join(by_name)}"
                raise error(
                    "unknown-argument", f"`{name.id}` has no parameter `{argument.name}`", argument.span, hint=hint
                )
        else:
            parameter = parameters[position] if position < len(parameters) else None
        values.append((argument.name, argument_value(argument.value, parameter, library)))
    bound = bind_parameters(constant_env(library), name.id, parameters, values, expr.span)
    return SpaceCall(name.id, MappingProxyType(dict(bound)), expr.span)


def with_classes(call: SpaceCall, library: Library, task: Task) -> SpaceCall:
    """A call whose `classes` are the task's. Raises NasError (`class-count`) if the text says another number."""
    if "classes" not in {p.name for p in library.spaces[call.name].parameters}:
        return call
    wanted = len(task.classes)
    given = call.arguments.get("classes", wanted)
    if given not in (wanted, 1 if wanted == 2 else wanted):
        message = f"`{call.name}` gets {given} classes, the task `{task.name}` has {wanted}"
        raise error("class-count", message, call.span, hint=f"leave `classes` out, or write `classes = {wanted}`")
    return replace(call, arguments=MappingProxyType({**call.arguments, "classes": given}))


def argument_value(expr: ast.Expr, parameter: ast.Parameter | None, library: Library) -> Any:
    """The value of a space's argument: a word where the parameter lists words, else whatever the expression gives."""
    words = parameter.kinds if parameter is not None else ()
    if words and isinstance(expr, ast.Name):
        if expr.id not in words:
            listed = ", ".join(words)
            message = f"`{parameter.name if parameter else ''}` is one of {listed}, not `{expr.id}`"
            raise error("unknown-word", message, expr.span, hint=did_you_mean(expr.id, words))
        return expr.id
    value = evaluate(expr, constant_env(library))
    if isinstance(value, Function):
        raise error("not-a-constant", f"`{expr.span.text}` is a function; call it", expr.span)
    return value
