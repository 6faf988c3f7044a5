"""Running the statements of a body: bindings, loops, constraints, outputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nascompile.diagnostics import Label, NasError, did_you_mean
from nascompile.ir import symbols
from nascompile.ir.program import Constraint
from nascompile.ir.symbols import Sym
from nascompile.semantics import builtin, picks
from nascompile.semantics.context import Env, text_of
from nascompile.semantics.expressions import evaluate, indices, iterate
from nascompile.semantics.operators import guarded, merge
from nascompile.semantics.values import (
    OPERATORS,
    POISON,
    Absent,
    Family,
    Function,
    Items,
    Multiple,
    Poisoned,
    RangeOf,
    Scope,
    SharedOperator,
    Tensor,
    describe,
)
from nascompile.source import Source
from nascompile.syntax import nodes as ast


@dataclass(slots=True)
class Named:
    """What `outputs` declares: tensors by name, in text order."""

    tensors: dict[str, Tensor] = field(default_factory=dict)


def run_body(body: tuple[ast.Statement, ...], env: Env) -> Any:
    """Run statements; the result is the last expression standing alone, or what `outputs` names.

    Errors are recorded statement by statement, so that several are reported; what depends on a failed name is
    silent. Raises Poisoned when the result itself failed.
    """
    result: Any = None
    failed = False
    for statement in body:
        try:
            value = _RUNNERS[type(statement)](statement, env)
        except NasError as failure:
            env.ctx.diagnostics.extend(failure.diagnostics)
            failed = _poison(statement, env) or failed
            continue
        except Poisoned:
            failed = _poison(statement, env) or failed
            continue
        if isinstance(statement, ast.Value | ast.Outputs):
            result = value
    if failed and result is None:
        raise Poisoned
    return result


def _poison(statement: ast.Statement, env: Env) -> bool:
    """Mark what the statement would have bound; True when it was the result."""
    if isinstance(statement, ast.Assign):
        target = statement.target
        if isinstance(target, ast.Name):
            _bind(env, target.id, POISON)
        elif isinstance(target, ast.Index) and isinstance(target.base, ast.Name):
            _bind(env, target.base.id, POISON)
        elif isinstance(target, ast.Call) and isinstance(target.callee, ast.Name):
            _bind(env, target.callee.id, POISON)
    elif isinstance(statement, ast.Shared):
        _bind(env, statement.name, POISON)
    elif isinstance(statement, ast.For | ast.Repeat):
        for inner in statement.body:
            _poison(inner, env)
    return isinstance(statement, ast.Value | ast.Outputs)


def _bind(env: Env, name: str, value: Any) -> None:
    (env.scope.find(name) or env.scope).names[name] = value


def _root(scope: Scope) -> Scope:
    while scope.parent is not None:
        scope = scope.parent
    return scope


def _assign(statement: ast.Assign, env: Env) -> None:
    target, frame = statement.target, env.frame
    outer = frame.binding
    if isinstance(target, ast.Call) and isinstance(target.callee, ast.Name):
        parameters = tuple(_parameter(a, env) for a in target.arguments)
        env.scope.names[target.callee.id] = Function(target.callee.id, parameters, statement.value, env.scope)
        return
    if isinstance(target, ast.Name):
        frame.binding = target.id + (f"[{', '.join(map(str, frame.loops))}]" if frame.loops else "")
        try:
            value = evaluate(statement.value, env)
        finally:
            frame.binding = outer
        _bind(env, target.id, value)
        return
    if not (isinstance(target, ast.Index) and isinstance(target.base, ast.Name)):
        raise env.ctx.fail("assignment", "this cannot be assigned", target.span, "assign `name` or `name[index]`")
    family, key = _family(target, env)
    frame.binding = f"{family.name}[{', '.join(map(str, key))}]"
    try:
        if isinstance(statement.value, ast.Conditional) and statement.value.orelse is None:
            condition = evaluate(statement.value.condition, env)
            if not isinstance(condition, Sym) and not condition:
                return
        value = evaluate(statement.value, env)
    finally:
        frame.binding = outer
    _store(family, key, value, target, env)


def _family(target: ast.Index, env: Env) -> tuple[Family, tuple[int, ...]]:
    assert isinstance(target.base, ast.Name)
    name = target.base.id
    scope = env.scope.find(name)
    if scope is None:
        scope = _root(env.scope)
        scope.names[name] = Family(name)
    family = scope.names[name]
    if family is POISON:
        raise Poisoned
    if not isinstance(family, Family):
        raise env.ctx.fail(
            "assignment", f"`{name}` is {describe(family)}, not an indexed name", target.span, "use another name"
        )
    key = tuple(evaluate(i, env) for i in target.indices)
    for number, node in zip(key, target.indices, strict=True):
        if not isinstance(number, int) or isinstance(number, bool):
            raise env.ctx.fail("not-an-index", f"an index is a whole number, not {describe(number)}", node.span)
    return family, key


def _store(family: Family, key: tuple[int, ...], value: Any, target: ast.Expr, env: Env) -> None:
    if key in family.values:
        label = Label(family.spans[key], "first assigned here")
        shown = f"{family.name}[{', '.join(map(str, key))}]"
        raise env.ctx.fail("assigned-twice", f"`{shown}` is assigned twice", target.span, None, label)
    family.values[key] = value
    family.spans[key] = target.span


def _parameter(argument: ast.Argument, env: Env) -> ast.Parameter:
    if argument.name is not None:
        return ast.Parameter(argument.name, (), argument.value, span=argument.span)
    if isinstance(argument.value, ast.Name):
        return ast.Parameter(argument.value.id, span=argument.span)
    raise env.ctx.fail("parameter", "a parameter is a name", argument.span)


def _value(statement: ast.Value, env: Env) -> Any:
    return evaluate(statement.value, env)


def _shared(statement: ast.Shared, env: Env) -> None:
    frame = env.frame
    outer = frame.binding
    frame.binding = statement.name + (f"[{', '.join(map(str, frame.loops))}]" if frame.loops else "")
    try:
        operator = evaluate(statement.value, env)
        if not isinstance(operator, OPERATORS):
            raise env.ctx.fail(
                "not-an-operator", f"`module` names an operator, not {describe(operator)}", statement.span
            )
        path = frame.binding
    finally:
        frame.binding = outer
    _bind(env, statement.name, SharedOperator(operator, path, statement.span, statement.name))


def _unused(statement: ast.Unused, env: Env) -> None:
    frame = env.frame
    was, outer = frame.is_dead, frame.binding
    frame.is_dead = True
    loops = f"[{', '.join(map(str, frame.loops))}]" if frame.loops else ""
    frame.binding = f"{outer}.unused{loops}" if outer else f"unused{loops}"
    try:
        evaluate(statement.value, env)
    finally:
        frame.is_dead, frame.binding = was, outer


def _for(statement: ast.For, env: Env) -> None:
    frame = env.frame
    loops = frame.loops
    try:
        for inner, numbers, exists in iterate(
            statement.generators, statement.condition, Env(env.ctx, frame, Scope(env.scope))
        ):
            frame.loops = (*loops, *numbers)
            _iteration(statement.body, inner, exists, statement)
    finally:
        frame.loops = loops


def _iteration(body: tuple[ast.Statement, ...], env: Env, exists: Any, node: ast.Node) -> None:
    """One turn of a loop; names of enclosing scopes that it rebinds keep their old value where it does not run."""
    if exists is True:
        run_body(body, env)
        return
    before = _snapshot(env.scope.parent)
    guarded(env, exists, lambda: run_body(body, env))
    for scope, names in before:
        for name, old in names.items():
            new = scope.names[name]
            if new is not old and old is not POISON and new is not POISON:
                scope.names[name] = merge(env, exists, new, old, node.span)


def _snapshot(scope: Scope | None) -> list[tuple[Scope, dict[str, Any]]]:
    found = []
    while scope is not None:
        found.append((scope, dict(scope.names)))
        scope = scope.parent
    return found


def _repeat(statement: ast.Repeat, env: Env) -> None:
    frame = env.frame
    if statement.target is not None:
        attributes = ast.Attributes(span=statement.target.span)
        pick = ast.Pick("one", statement.domain, attributes, span=statement.target.span.to(statement.domain.span))
        _assign(ast.Assign(statement.target, pick, span=statement.span), env)
        count = evaluate(statement.target, env)
    else:
        count = evaluate(statement.domain, env)
    if isinstance(count, RangeOf):
        domain = count
    elif isinstance(count, int | Sym) and not isinstance(count, bool):
        domain = RangeOf(0, symbols.binary("-", count, 1))
    else:
        raise env.ctx.fail(
            "not-a-number", f"`repeat` takes a whole number, not {describe(count)}", statement.domain.span
        )
    loops = frame.loops
    try:
        for number, exists in indices(env, domain, statement.domain):
            inner = Env(env.ctx, frame, Scope(env.scope))
            inner.scope.names[statement.index] = number
            frame.loops = (*loops, number)
            _iteration(statement.body, inner, exists, statement)
    finally:
        frame.loops = loops


def _where(statement: ast.Where, env: Env) -> None:
    condition = evaluate(statement.condition, env)
    ctx = env.ctx
    text = text_of(statement.condition)
    if not isinstance(condition, Sym):
        if not condition:
            raise ctx.fail("no-genotype", f"no genotype fulfils `{text}`", statement.condition.span)
        return
    parts = condition.args if condition.op == "and" else (condition,)
    ctx.constraints.extend(Constraint(part, ctx.origin(statement.span), text) for part in parts)


def _require(statement: ast.Require, env: Env) -> None:
    condition = evaluate(statement.condition, env)
    ctx = env.ctx
    verdict = ctx.decide(condition) if isinstance(condition, Sym) else bool(condition)
    if verdict:
        return
    message = fill(statement.message, env) if statement.message else None
    message = message or f"`{text_of(statement.condition)}` does not hold"
    if verdict is None:
        ctx.constraints.append(Constraint(condition, ctx.origin(statement.span), message))
        return
    raise ctx.fail("requirement", message, statement.condition.span)


def fill(message: str, env: Env) -> str:
    """`{expression}` in a message becomes its value."""
    from nascompile.syntax.parser import parse_expression

    def show(match: re.Match[str]) -> str:
        value = evaluate(parse_expression(Source("message", match.group(1))), env)
        return str(list(value)) if isinstance(value, tuple) else str(value)

    return re.sub(r"\{([^{}]+)\}", show, message)


def _outputs(statement: ast.Outputs, env: Env) -> Named:
    named = Named()
    for item in statement.items:
        expr = item.value
        if isinstance(expr, ast.Conditional) and expr.orelse is None:
            if not evaluate(expr.condition, env):
                continue
            expr = expr.then
        outer = env.frame.binding
        env.frame.binding = item.name or outer
        try:
            value = evaluate(expr, env)
        finally:
            env.frame.binding = outer
        name = item.name or (text_of(expr) if isinstance(expr, ast.Name) else "out")
        _add_output(named, name, value, item, env)
    return named


def _add_output(named: Named, name: str, value: Any, item: ast.Argument, env: Env) -> None:
    if isinstance(value, Tensor):
        named.tensors[name] = value
    elif isinstance(value, Multiple):
        for position, tensor in enumerate(value.tensors):
            named.tensors[f"{name}[{position}]"] = tensor
    elif isinstance(value, Family):
        for key, element in sorted(value.values.items()):
            if not isinstance(element, Absent):
                _add_output(named, f"{name}[{', '.join(map(str, key))}]", element, item, env)
    elif isinstance(value, Items):
        for position, entry in enumerate(value.entries):
            if not isinstance(entry.value, Absent):
                _add_output(named, f"{name}[{position}]", entry.value, item, env)
    elif isinstance(value, Absent):
        raise env.ctx.fail("absent-output", f"the output `{name}` is absent", item.span)
    else:
        raise env.ctx.fail("not-a-tensor", f"the output `{name}` is {describe(value)}", item.span)


def _misplaced(statement: ast.Statement, env: Env) -> None:
    word = type(statement).__name__.lower()
    raise env.ctx.fail("misplaced", f"`{word}` does not belong here", statement.span, did_you_mean(word, ()))


_RUNNERS: dict[type, Callable[[Any, Env], Any]] = {
    ast.Assign: _assign,
    ast.Value: _value,
    ast.Shared: _shared,
    ast.Unused: _unused,
    ast.For: _for,
    ast.Repeat: _repeat,
    ast.Where: _where,
    ast.Require: _require,
    ast.Outputs: _outputs,
    ast.Measure: _misplaced,
    ast.Stage: _misplaced,
    ast.Objective: _misplaced,
    ast.Restrict: _misplaced,
}

__all__ = ["Named", "builtin", "fill", "picks", "run_body"]
