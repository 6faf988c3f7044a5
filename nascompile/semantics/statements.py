"""Running the statements of a body: bindings, constraints, requirements."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nascompile.diagnostics import NasError, did_you_mean
from nascompile.ir import symbols
from nascompile.ir.program import (
    Constraint,
)
from nascompile.ir.symbols import Sym
from nascompile.semantics import loops, outputs
from nascompile.semantics.assignments import assign, bind, root_of
from nascompile.semantics.context import STEP_LIMIT, Env, text_of
from nascompile.semantics.expressions import evaluate
from nascompile.semantics.layers import shown
from nascompile.semantics.measures import run_measure
from nascompile.semantics.values import (
    OPERATORS,
    POISON,
    Poisoned,
    SharedOperator,
    describe,
)
from nascompile.source import Source
from nascompile.syntax import nodes as ast


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
            if env.ctx.steps > STEP_LIMIT:
                raise  # nothing behind a text that is too large can be looked at
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
    if isinstance(statement, ast.Assign | ast.Repeat):
        target = statement.target
        if isinstance(target, ast.Name):
            bind(env, target.id, POISON)
        elif isinstance(target, ast.Index) and isinstance(target.base, ast.Name):
            (env.scope.find(target.base.id) or root_of(env.scope)).names[target.base.id] = POISON
        elif isinstance(target, ast.Call) and isinstance(target.callee, ast.Name):
            bind(env, target.callee.id, POISON)
    elif isinstance(statement, ast.Shared):
        bind(env, statement.name, POISON)
    if isinstance(statement, ast.For | ast.Repeat):
        for inner in statement.body:
            _poison(inner, env)
    return isinstance(statement, ast.Value | ast.Outputs)


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
    bind(env, statement.name, SharedOperator(operator, path, statement.span, statement.name, frame))


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


def _where(statement: ast.Where, env: Env) -> None:
    condition = _condition(statement.condition, _seeing_costs(env))
    ctx = env.ctx
    text = text_of(statement.condition)
    if not isinstance(condition, Sym):
        if not condition:
            raise ctx.fail("no-genotype", f"no genotype fulfils `{text}`", statement.condition.span)
        return
    ctx.check_small(condition, statement.condition.span)
    parts = condition.args if condition.op == "and" else (condition,)
    ctx.constraints.extend(Constraint(part, ctx.origin(statement.span), text) for part in parts)


def _seeing_costs(env: Env) -> Env:
    """Where a `where` of a space is read: `params` and the like are numbers there, unless the text gives them away."""
    if env.ctx.calls:
        return env
    inner = env.inner()
    for name in symbols.COSTS:
        if env.scope.find(name) is None and name not in env.ctx.library.names:
            inner.scope.names[name] = symbols.cost(name)
    return inner


def _require(statement: ast.Require, env: Env) -> None:
    condition = _condition(statement.condition, env)
    ctx = env.ctx
    verdict = ctx.decide(condition) if isinstance(condition, Sym) else bool(condition)
    if verdict:
        return
    message = fill(statement.message, env) if statement.message else None
    message = message or f"`{text_of(statement.condition)}` does not hold"
    if verdict is None:
        ctx.require(condition, message, statement.condition.span)
        return
    raise ctx.fail("requirement", message, statement.condition.span)


def _condition(expr: ast.Expr, env: Env) -> Any:
    value = evaluate(expr, env)
    if isinstance(value, bool | Sym):
        return value
    raise env.ctx.fail("not-a-condition", f"`{text_of(expr)}` is {describe(value)}, not true or false", expr.span)


def fill(message: str, env: Env) -> str:
    """`{expression}` in a message becomes its value."""
    from nascompile.syntax.parser import parse_expression

    def show(match: re.Match[str]) -> str:
        value = evaluate(parse_expression(Source("message", match.group(1))), env)
        return shown(value)

    return re.sub(r"\{([^{}]+)\}", show, message)


def _misplaced(statement: ast.Statement, env: Env) -> None:
    word = type(statement).__name__.lower()
    raise env.ctx.fail("misplaced", f"`{word}` does not belong here", statement.span, did_you_mean(word, ()))


_RUNNERS: dict[type, Callable[[Any, Env], Any]] = {
    ast.Assign: assign,
    ast.Value: _value,
    ast.Shared: _shared,
    ast.Unused: _unused,
    ast.For: loops.run_for,
    ast.Repeat: loops.run_repeat,
    ast.Where: _where,
    ast.Require: _require,
    ast.Outputs: outputs.run_outputs,
    ast.Measure: run_measure,
    ast.Stage: _misplaced,
    ast.Objective: _misplaced,
    ast.Restrict: _misplaced,
}
