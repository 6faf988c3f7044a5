"""Evaluating expressions: numbers stay numbers, tensors become nodes of the graph under construction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nascompile.diagnostics import did_you_mean, error
from nascompile.ir import symbols
from nascompile.ir.symbols import Sym
from nascompile.semantics import arithmetic, builtin, calls, indexing, lists, mixtures, picks
from nascompile.semantics.arithmetic import ShapeError
from nascompile.semantics.context import Env, text_of
from nascompile.semantics.merging import guarded, merge
from nascompile.semantics.operators import apply
from nascompile.semantics.values import (
    OPERATORS,
    POISON,
    Absent,
    Candidates,
    Chain,
    Edge,
    Family,
    Function,
    Items,
    LayerOperator,
    OpOperator,
    Poisoned,
    RangeOf,
    Scope,
    Tensor,
    describe,
)
from nascompile.syntax import nodes as ast


def evaluate(expr: ast.Expr, env: Env) -> Any:
    """The value of an expression. Raises NasError, or Poisoned behind an error that is already reported."""
    return _HANDLERS[type(expr)](expr, env)


def _literal(expr: Any, env: Env) -> Any:
    return expr.value


def _quantity(expr: ast.Quantity, env: Env) -> Any:
    scale = {"k": 10**3, "M": 10**6, "G": 10**9}.get(expr.unit)
    if scale is None:
        raise error("unit", f"`{expr.text}` has a unit; a number is needed here", expr.span)
    return expr.value * scale


def _name(expr: ast.Name, env: Env) -> Any:
    scope = env.scope.find(expr.id)
    if scope is not None:
        value = scope.names[expr.id]
        if value is POISON:
            raise Poisoned
        return value
    if expr.id == "fixed":
        return env.ctx.is_fixed
    return declared(env, expr.id, expr)


def declared(env: Env, name: str, node: ast.Expr) -> Any:
    """The value of a top-level declaration: an operator without arguments, a function, a constant."""
    ctx = env.ctx
    declaration = ctx.library.names.get(name)
    if declaration is None:
        known = env.scope.all_names() | set(ctx.library.names) | builtin.NAMES | {"fixed"}
        code = "unknown-name"
        raise ctx.fail(code, f"`{name}` is not defined", node.span, did_you_mean(name, sorted(known)))
    if isinstance(declaration, ast.LayerDecl):
        return LayerOperator(declaration, (), node.span)
    if isinstance(declaration, ast.OpsDecl):
        return Candidates(declaration, (), node.span)
    if isinstance(declaration, ast.FunctionDecl):
        return Function(name, declaration.parameters, declaration.value, Scope())
    if isinstance(declaration, ast.ConstantDecl):
        return evaluate(declaration.value, Env(ctx, env.frame, Scope()))
    if isinstance(declaration, ast.CellAlias):
        base = _resolve_alias(env, declaration)
        return OpOperator(base.declaration, base.arguments, node.span, name)
    if declaration.kind == "space":
        raise ctx.fail("space-as-operator", f"`{name}` is a space, not an operator", node.span)
    return OpOperator(declaration, (), node.span, name if declaration.kind == "cell" else None)


def _resolve_alias(env: Env, alias: ast.CellAlias) -> OpOperator:
    inner = Env(env.ctx, env.frame, Scope())
    value = calls.call(alias.value, inner)
    if not isinstance(value, OpOperator):
        raise env.ctx.fail("not-a-cell", f"`{alias.name}` needs a cell with arguments", alias.value.span)
    return value


def _range(expr: ast.Range, env: Env) -> Any:
    low = evaluate(expr.start, env)
    if expr.stop is None:
        raise env.ctx.fail("open-range", "a range without an end stands only in an index", expr.span)
    high = evaluate(expr.stop, env)
    for value in (low, high):
        if not isinstance(value, int | float | Sym):
            raise env.ctx.fail("not-a-number", f"a range goes between numbers, not {describe(value)}", expr.span)
    return RangeOf(low, high if expr.inclusive else symbols.binary("-", high, 1))


def _binary(expr: ast.Binary, env: Env) -> Any:
    op = expr.op
    left = evaluate(expr.left, env)
    if op in ("and", "or"):
        left = _truth(env, left)
        if left is (op == "or"):
            return left
        right = _truth(env, evaluate(expr.right, env))
        return symbols.conjunction(left, right) if op == "and" else symbols.disjunction(left, right)
    right = evaluate(expr.right, env)
    tensors = (Tensor, Absent)
    if isinstance(left, tensors) and isinstance(right, tensors):
        layer = {"+": "add", "*": "mul"}.get(op)
        if layer is None:
            raise env.ctx.fail("tensor-operator", f"`{op}` does not combine tensors", expr.span, "`+` and `*` do")
        return builtin.combine(env, layer, [left, right], expr.span)
    if isinstance(left, tensors) or isinstance(right, tensors):
        other = right if isinstance(left, tensors) else left
        raise env.ctx.fail("tensor-operator", f"`{op}` combines a tensor with {describe(other)}", expr.span)
    if op in ("in", "not in") and isinstance(right, Family):
        key = left if isinstance(left, tuple) else (left,)
        return (key in right.values) is (op == "in")
    if op in ("in", "not in") and isinstance(right, RangeOf):
        if not isinstance(left, int | float | Sym):
            raise env.ctx.fail("not-a-number", f"`{op}` needs a number, not {describe(left)}", expr.left.span)
        inside = symbols.conjunction(symbols.binary(">=", left, right.low), symbols.binary("<=", left, right.high))
        return inside if op == "in" else symbols.negation(inside)
    for value, side in ((left, expr.left), (right, expr.right)):
        if not isinstance(value, int | float | str | Sym | tuple) and value is not None:
            raise env.ctx.fail("not-a-number", f"`{op}` needs numbers, not {describe(value)}", side.span)
    try:
        return arithmetic.calculate(op, left, right)
    except ShapeError as problem:
        raise env.ctx.fail(problem.code, problem.message, expr.span, problem.hint) from None
    except ZeroDivisionError:
        raise env.ctx.fail("division-by-zero", f"`{text_of(expr)}` divides by zero", expr.span) from None
    except TypeError:
        raise env.ctx.fail(
            "not-a-number", f"`{op}` does not combine {describe(left)} and {describe(right)}", expr.span
        ) from None


def _truth(env: Env, value: Any) -> Any:
    verdict = env.ctx.decide(value) if isinstance(value, Sym) else bool(value)
    return value if verdict is None else verdict


def _unary(expr: ast.Unary, env: Env) -> Any:
    value = evaluate(expr.operand, env)
    if expr.op == "not":
        return symbols.negation(_truth(env, value))
    if not isinstance(value, int | float | Sym | tuple):
        raise env.ctx.fail("not-a-number", f"`-` needs a number, not {describe(value)}", expr.span)
    return arithmetic.calculate("-", 0, value)


def _conditional(expr: ast.Conditional, env: Env) -> Any:
    condition = evaluate(expr.condition, env)
    verdict = env.ctx.decide(condition) if isinstance(condition, Sym) else bool(condition)
    if verdict is not None:
        if verdict:
            return evaluate(expr.then, env)
        return Absent() if expr.orelse is None else evaluate(expr.orelse, env)
    then = guarded(env, condition, lambda: evaluate(expr.then, env))
    otherwise = symbols.negation(condition)
    orelse = Absent() if expr.orelse is None else guarded(env, otherwise, lambda: evaluate(expr.orelse, env))
    return merge(env, condition, then, orelse, expr.span)


def _pipe(expr: ast.Pipe, env: Env) -> Any:
    value = evaluate(expr.stages[0], env)
    rest = expr.stages[1:]
    if isinstance(value, OPERATORS):
        return Chain((value, *(_stage(env, stage) for stage in rest)), expr.span)
    for stage in rest:
        inputs = builtin.tensors_of(env, value, expr.stages[0])
        value = apply(env, _stage(env, stage), inputs, stage.span)
    return value


def _stage(env: Env, stage: ast.Expr) -> Any:
    operator = evaluate(stage, env)
    if isinstance(operator, OPERATORS):
        return operator
    hint = None
    if isinstance(operator, Candidates):
        hint = "`-> pick one of ...` decides among candidates"
    raise env.ctx.fail("not-an-operator", f"`->` needs an operator, not {describe(operator)}", stage.span, hint)


def _pick(expr: ast.Pick, env: Env) -> Any:
    ctx = env.ctx
    source = evaluate(expr.source, env)
    if expr.count == "one":
        if isinstance(source, RangeOf | tuple):
            return picks.pick_number(env, source, expr)
        if isinstance(source, Candidates):
            return mixtures.picked(env, source, expr)
        if isinstance(source, Items) and all(isinstance(e.value, OPERATORS) for e in source.entries):
            return mixtures.picked(env, source, expr)
        count: int | None = 1
    elif expr.count == "some":
        count = None
    else:
        number = evaluate(expr.count, env)
        if not isinstance(number, int):
            raise ctx.fail("pick-count", f"`pick` takes a whole number, not {describe(number)}", expr.count.span)
        count = number
    if isinstance(source, Family):
        source = Items(tuple(lists.entries_of(source, expr.source)))
    if not isinstance(source, Items):
        raise ctx.fail("no-candidates", f"{describe(source)} holds nothing to pick from", expr.source.span)
    return picks.pick_edges(env, source, expr, count)


def _via(expr: ast.Via, env: Env) -> Any:
    value = evaluate(expr.value, env)
    if not isinstance(value, Tensor | Absent):
        raise env.ctx.fail("not-a-tensor", f"{describe(value)} cannot go through operators", expr.value.span)
    operators = evaluate(expr.operators, env)
    if not isinstance(operators, Candidates | Items):
        raise env.ctx.fail(
            "not-candidates", f"`via` needs a list of operators, not {describe(operators)}", expr.operators.span
        )
    return Edge(value, operators, expr.attributes, mixtures.tied_name(env, expr.attributes), expr.span)


def _absent(expr: ast.Absent, env: Env) -> Any:
    return Absent()


def _member(expr: ast.Member, env: Env) -> Any:
    raise env.ctx.fail("not-a-member", f"`{text_of(expr)}` means nothing here", expr.span)


def _star(expr: ast.Star, env: Env) -> Any:
    raise env.ctx.fail("open-range", "`*` stands only in an index", expr.span)


_HANDLERS: dict[type, Callable[[Any, Env], Any]] = {
    ast.Name: _name,
    ast.Number: _literal,
    ast.Boolean: _literal,
    ast.String: _literal,
    ast.Quantity: _quantity,
    ast.Absent: _absent,
    ast.Star: _star,
    ast.List: lists.list_of,
    ast.Comprehension: lists.comprehension,
    ast.Range: _range,
    ast.Binary: _binary,
    ast.Unary: _unary,
    ast.Conditional: _conditional,
    ast.Call: calls.call,
    ast.Index: indexing.index,
    ast.Member: _member,
    ast.Maybe: indexing.maybe,
    ast.Fresh: calls.fresh,
    ast.Pipe: _pipe,
    ast.Pick: _pick,
    ast.Via: _via,
}
