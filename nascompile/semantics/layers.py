"""Applying a layer declaration: output shapes, weights, multiply-accumulates and requirements from its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nascompile.diagnostics import did_you_mean, error
from nascompile.ir import symbols
from nascompile.ir.program import TensorType, Weight
from nascompile.ir.symbols import Sym
from nascompile.semantics import arithmetic
from nascompile.semantics.arithmetic import ShapeError
from nascompile.source import Span
from nascompile.syntax import nodes as ast


@dataclass(frozen=True, slots=True)
class LayerResult:
    """What a layer is for given argument and input types."""

    attrs: Mapping[str, Any]
    outputs: tuple[TensorType, ...]
    weights: tuple[Weight, ...]
    macs: Any
    measures: Mapping[str, Any]
    deferred: tuple[tuple[Any, str], ...]


Decide = Callable[[Any], bool | None]


def apply_layer(
    layer: ast.LayerDecl, arguments: Mapping[str, Any], inputs: tuple[TensorType, ...], decide: Decide
) -> LayerResult:
    """Elaborate one layer application.

    Raises ShapeError when the inputs do not fit and NasError for a mistake in the declaration itself. Requirements
    that only a genotype decides are returned in `deferred` with their message.
    """
    try:
        return _applied(layer, arguments, inputs, decide)
    except KeyError as missing:
        message = f"`{missing.args[0]}` is no parameter and no axis of `{layer.name}`"
        raise error("unknown-name", message, layer.span) from None


def _applied(
    layer: ast.LayerDecl, arguments: Mapping[str, Any], inputs: tuple[TensorType, ...], decide: Decide
) -> LayerResult:
    env: dict[str, Any] = {}
    for parameter in layer.parameters:
        if parameter.name in arguments:
            env[parameter.name] = arguments[parameter.name]
        elif parameter.default is None:
            raise ShapeError("missing-argument", f"`{layer.name}` needs `{parameter.name}`")
        elif parameter.kinds and isinstance(parameter.default, ast.Name):
            env[parameter.name] = parameter.default.id
        else:
            env[parameter.name] = _number(parameter.default, env)
    attrs = dict(env)
    outputs: tuple[TensorType, ...]
    if layer.shape.many is not None:
        outputs = (_many(layer, inputs, decide),)
        env["out"] = outputs[0].axes
    else:
        _bind_inputs(layer, inputs, env, decide)
        _require(layer, env, decide, before_shape=True)
        outputs = tuple(TensorType(_axes(pattern, env)) for pattern in layer.shape.outputs)
        env["out"] = outputs[0].axes
    deferred = _require(layer, env, decide, before_shape=False)
    weights = []
    for rule in layer.weights:
        condition = True if rule.condition is None else _number(rule.condition, env)
        if condition is True or (not isinstance(condition, Sym) and condition):
            shape = _axes(rule.shape, env)
            env[rule.name] = shape
            weights.append(Weight(rule.name, shape, rule.is_buffer))
    macs = 0 if layer.macs is None else _number(layer.macs, env)
    measures = {m.name: _number(m.value, env) for m in layer.measures}
    return LayerResult(attrs, outputs, tuple(weights), 0 if macs is None else macs, measures, deferred)


JOINS = {"joined": arithmetic.joined, "broadcast": arithmetic.broadcast}
"""Output shapes of layers that take any number of inputs."""


def _many(layer: ast.LayerDecl, inputs: tuple[TensorType, ...], decide: Decide) -> TensorType:
    rule = layer.shape.outputs[0]
    assert isinstance(rule, ast.Call) and isinstance(rule.callee, ast.Name)
    combine = JOINS[rule.callee.id]
    return TensorType(combine(inputs, lambda a, b: decide(symbols.binary("==", a, b))))


def _bind_inputs(layer: ast.LayerDecl, inputs: tuple[TensorType, ...], env: dict[str, Any], decide: Decide) -> None:
    patterns = layer.shape.inputs
    if len(patterns) != len(inputs):
        raise ShapeError("input-count", f"`{layer.name}` takes {len(patterns)} tensors, got {len(inputs)}")
    for pattern, type_ in zip(patterns, inputs, strict=True):
        axes = list(type_.axes)
        fixed = [d for d in pattern.dims if not isinstance(d, ast.Star)]
        if len(axes) < len(fixed) or (len(fixed) == len(pattern.dims) and len(axes) != len(fixed)):
            raise ShapeError("rank-mismatch", f"`{layer.name}` takes {_show(pattern)}, got {type_}", _rank_hint(axes))
        for position, dim in enumerate(pattern.dims):
            if isinstance(dim, ast.Star):
                taken = len(axes) - (len(pattern.dims) - position - 1)
                value: Any = tuple(axes[position:taken])
                name = dim.name or "_"
            else:
                assert isinstance(dim, ast.Name)
                value, name = axes[position], dim.id
            if name in env and decide(arithmetic.calculate("==", env[name], value)) is False:
                raise ShapeError("shape-mismatch", f"`{layer.name}` takes inputs of equal `{name}`, got {type_}")
            env[name] = value


def _rank_hint(axes: list[Any]) -> str | None:
    return (
        "a vector has no spatial axes: `global_avg_pool` or `flatten` made it one"
        if len(axes) == 1
        else "flatten it first"
    )


def _show(pattern: ast.ShapePattern) -> str:
    words = []
    for dim in pattern.dims:
        words.append(f"*{dim.name}" if isinstance(dim, ast.Star) else dim.id if isinstance(dim, ast.Name) else "…")
    return "[" + ", ".join(words) + "]"


def _axes(pattern: ast.ShapePattern | ast.Expr, env: dict[str, Any]) -> tuple[Any, ...]:
    if not isinstance(pattern, ast.ShapePattern):
        value = _number(pattern, env)
        return value if isinstance(value, tuple) else (value,)
    axes: list[Any] = []
    for dim in pattern.dims:
        if isinstance(dim, ast.Star):
            axes.extend(env[dim.name or "_"])
        elif isinstance(dim, ast.Unary) and dim.op == "*":
            value = _number(dim.operand, env)
            axes.extend(value if isinstance(value, tuple) else (value,))
        else:
            axes.append(_number(dim, env))
    return tuple(axes)


def _require(
    layer: ast.LayerDecl, env: Mapping[str, Any], decide: Decide, *, before_shape: bool
) -> tuple[tuple[Any, str], ...]:
    """Requirements are tested before the output shape where they can be, so that their message wins."""
    deferred = []
    for rule in layer.requires:
        try:
            condition = _number(rule.condition, env)
        except KeyError:
            continue
        if condition is None:
            continue
        verdict = decide(condition)
        if verdict or (verdict is None and before_shape):
            continue
        message = interpolate(rule.message or f"`{layer.name}` is used wrongly", env)
        if verdict is False:
            raise ShapeError("requirement", message)
        deferred.append((condition, message))
    return tuple(deferred)


def interpolate(message: str, env: Mapping[str, Any]) -> str:
    """`{name}` in a message becomes the value of that name; lists print as `[a, b]`."""

    def show(match: re.Match[str]) -> str:
        return shown(env.get(match.group(1), match.group(0)))

    return re.sub(r"\{(\w+)\}", show, message)


def shown(value: Any) -> str:
    """A value in a message; lists print as `[a, b]`, long symbolic numbers as a few words."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, Sym) and terms(value) > LONGEST_SHOWN:
        return "(a number that the genotype decides)"
    return str(value)


LONGEST_SHOWN = 40


def terms(value: Sym, known: dict[Sym, int] | None = None) -> int:
    """Terms of a symbolic number, written out. `known` are numbers counted before."""
    known = {} if known is None else known
    if value not in known:
        known[value] = 1 + sum(terms(a, known) for a in value.args if isinstance(a, Sym))
    return known[value]


def _number(expr: ast.Expr, env: Mapping[str, Any]) -> Any:
    """Evaluate an expression of a layer declaration: names, arithmetic, function calls, conditions."""
    kind = type(expr)
    if kind is ast.Name:
        name: str = expr.id  # type: ignore[union-attr]
        if name in env:
            return env[name]
        raise KeyError(name)
    if kind is ast.Number or kind is ast.Boolean:
        return expr.value  # type: ignore[union-attr]
    if isinstance(expr, ast.Binary) and expr.op in ("and", "or"):
        return _joined(expr, env)
    if isinstance(expr, ast.Binary):
        return arithmetic.calculate(expr.op, _number(expr.left, env), _number(expr.right, env))
    if isinstance(expr, ast.Call) and isinstance(expr.callee, ast.Name):
        values = [_number(a.value, env) for a in expr.arguments]
        if expr.callee.id not in arithmetic.BUILTIN_FUNCTIONS:
            hint = did_you_mean(expr.callee.id, arithmetic.BUILTIN_FUNCTIONS)
            raise error("unknown-name", f"`{expr.callee.id}` is not a function of numbers", expr.callee.span, hint=hint)
        return arithmetic.function(expr.callee.id, values)
    if isinstance(expr, ast.Unary):
        value = _number(expr.operand, env)
        return symbols.negation(value) if expr.op == "not" else arithmetic.calculate("-", 0, value)
    if isinstance(expr, ast.Conditional):
        condition = _number(expr.condition, env)
        if isinstance(condition, Sym):
            orelse = None if expr.orelse is None else _number(expr.orelse, env)
            return symbols.choose(condition, _number(expr.then, env), orelse)
        branch = expr.then if condition else expr.orelse
        return None if branch is None else _number(branch, env)
    if isinstance(expr, ast.List):
        return tuple(_number(item, env) for item in expr.items)
    raise error(
        "layer-expression", "a layer declaration takes numbers, names, arithmetic and functions here", _span(expr)
    )


def _joined(expr: ast.Binary, env: Mapping[str, Any]) -> Any:
    """`a and b`, `a or b`; b counts only where a does not decide, and what an absent argument leaves open is None."""
    left = _number(expr.left, env)
    if not isinstance(left, Sym) and left is not None and bool(left) is (expr.op == "or"):
        return bool(left)
    right = _number(expr.right, env)
    if left is None or right is None:
        return None
    return symbols.conjunction(left, right) if expr.op == "and" else symbols.disjunction(left, right)


def _span(expr: ast.Expr) -> Span:
    return expr.span
