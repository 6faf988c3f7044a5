"""`for` and `repeat`: one turn at a time, with loop indices in every path."""

from __future__ import annotations

from typing import Any

from nascompile.ir import symbols
from nascompile.ir.symbols import Sym
from nascompile.semantics.assignments import assign
from nascompile.semantics.context import Env
from nascompile.semantics.lists import indices, iterate
from nascompile.semantics.merging import guarded, merge
from nascompile.semantics.values import (
    POISON,
    RangeOf,
    Scope,
    describe,
)
from nascompile.source import Span
from nascompile.syntax import nodes as ast


def run_for(statement: ast.For, env: Env) -> None:
    """Run the body for every combination of the loop's indices."""
    frame = env.frame
    loops = frame.loops
    env.ctx.loops.append(_header(statement, statement.condition or statement.generators[-1]))
    try:
        for inner, numbers, exists in iterate(
            statement.generators, statement.condition, Env(env.ctx, frame, Scope(env.scope))
        ):
            frame.loops = (*loops, *numbers)
            _iteration(statement.body, inner, exists, statement)
    finally:
        frame.loops = loops
        env.ctx.loops.pop()


def _header(statement: ast.For | ast.Repeat, last: ast.Node) -> Span:
    """The text of a loop without its body."""
    return Span(statement.span.source, statement.span.start, max(last.span.end, statement.span.start))


def run_repeat(statement: ast.Repeat, env: Env) -> None:
    """Run the body as often as a number says, or as a decision does: then turns exist where it is large enough."""
    frame = env.frame
    if statement.target is not None:
        attributes = ast.Attributes(span=statement.target.span)
        pick = ast.Pick("one", statement.domain, attributes, span=statement.target.span.to(statement.domain.span))
        assign(ast.Assign(statement.target, pick, span=statement.span), env)
        count = env.evaluate(statement.target)
    else:
        count = env.evaluate(statement.domain)
    if isinstance(count, RangeOf):
        domain = count
    elif isinstance(count, int | Sym) and not isinstance(count, bool):
        domain = RangeOf(0, symbols.binary("-", count, 1))
    else:
        raise env.ctx.fail(
            "not-a-number", f"`repeat` takes a whole number, not {describe(count)}", statement.domain.span
        )
    loops = frame.loops
    env.ctx.loops.append(_header(statement, statement.domain))
    try:
        for number, exists in indices(env, domain, statement.domain):
            inner = Env(env.ctx, frame, Scope(env.scope))
            inner.scope.names[statement.index] = number
            frame.loops = (*loops, number)
            _iteration(statement.body, inner, exists, statement)
    finally:
        frame.loops = loops
        env.ctx.loops.pop()


def _iteration(body: tuple[ast.Statement, ...], env: Env, exists: Any, node: ast.Node) -> None:
    """One turn of a loop; names of enclosing scopes that it rebinds keep their old value where it does not run."""
    if exists is True:
        env.ctx.run_body(body, env)
        return
    before = _snapshot(env.scope.parent)
    guarded(env, exists, lambda: env.ctx.run_body(body, env))
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
