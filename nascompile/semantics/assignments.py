"""Binding names: `y = ...`, `s[i] = ...`, local functions."""

from __future__ import annotations

from typing import Any

from nascompile.diagnostics import Label
from nascompile.ir import symbols
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Env
from nascompile.semantics.values import (
    POISON,
    Family,
    Function,
    Poisoned,
    Scope,
    Tensor,
    describe,
)
from nascompile.syntax import nodes as ast


def assign(statement: ast.Assign, env: Env) -> None:
    """Bind a name, an index of a family or a local function. Raises NasError where that is not possible."""
    target, frame = statement.target, env.frame
    outer = frame.binding
    if isinstance(target, ast.Call) and isinstance(target.callee, ast.Name):
        parameters = tuple(_parameter(a, env) for a in target.arguments)
        env.scope.names[target.callee.id] = Function(target.callee.id, parameters, statement.value, env.scope)
        return
    if isinstance(target, ast.Name):
        frame.binding = target.id + (f"[{', '.join(map(str, frame.loops))}]" if frame.loops else "")
        try:
            value = env.evaluate(statement.value)
        finally:
            frame.binding = outer
        bind(env, target.id, value)
        return
    if not (isinstance(target, ast.Index) and isinstance(target.base, ast.Name)):
        raise env.ctx.fail("assignment", "this cannot be assigned", target.span, "assign `name` or `name[index]`")
    family, key = _family(target, env)
    frame.binding = f"{family.name}[{', '.join(map(str, key))}]"
    try:
        if isinstance(statement.value, ast.Conditional) and statement.value.orelse is None:
            condition = env.evaluate(statement.value.condition)
            if not isinstance(condition, Sym) and not condition:
                return
        value = env.evaluate(statement.value)
    finally:
        frame.binding = outer
    _store(family, key, value, target, env)


def bind(env: Env, name: str, value: Any) -> None:
    """Bind a plain name: where it is bound already, else here."""
    (env.scope.find(name) or env.scope).names[name] = value


def root_of(scope: Scope) -> Scope:
    """The outermost scope of the body, to which indexed names belong."""
    while scope.parent is not None:
        scope = scope.parent
    return scope


def _family(target: ast.Index, env: Env) -> tuple[Family, tuple[int, ...]]:
    assert isinstance(target.base, ast.Name)
    name = target.base.id
    scope = env.scope.find(name)
    if scope is None:
        scope = root_of(env.scope)
        scope.names[name] = Family(name)
    family = scope.names[name]
    if family is POISON:
        raise Poisoned
    if not isinstance(family, Family):
        raise env.ctx.fail(
            "assignment", f"`{name}` is {describe(family)}, not an indexed name", target.span, "use another name"
        )
    key = tuple(env.evaluate(i) for i in target.indices)
    for number, node in zip(key, target.indices, strict=True):
        if not isinstance(number, int) or isinstance(number, bool):
            raise env.ctx.fail("not-an-index", f"an index is a whole number, not {describe(number)}", node.span)
    return family, key


def _store(family: Family, key: tuple[int, ...], value: Any, target: ast.Expr, env: Env) -> None:
    if key in family.values:
        label = Label(family.spans[key], "first assigned here")
        shown = f"{family.name}[{', '.join(map(str, key))}]"
        raise env.ctx.fail("assigned-twice", f"`{shown}` is assigned twice", target.span, None, label)
    family.values[key] = _where_assigned(value, env)
    family.spans[key] = target.span


def _where_assigned(value: Any, env: Env) -> Any:
    """A value as the rest of the body sees it: absent where the turns of loops that assign it do not run."""
    if isinstance(value, Tensor) and env.frame.guards:
        return Tensor(value.id, value.type, symbols.conjunction(env.frame.guard(), value.presence))
    return value


def _parameter(argument: ast.Argument, env: Env) -> ast.Parameter:
    if argument.name is not None:
        return ast.Parameter(argument.name, (), argument.value, span=argument.span)
    if isinstance(argument.value, ast.Name):
        return ast.Parameter(argument.value.id, span=argument.span)
    raise env.ctx.fail("parameter", "a parameter is a name", argument.span)
