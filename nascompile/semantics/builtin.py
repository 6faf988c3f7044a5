"""Functions that the language has built in: on numbers, on tensors' sizes, on lists of tensors, on decisions."""

from __future__ import annotations

from typing import Any

from nascompile.ir import symbols
from nascompile.ir.program import TensorType
from nascompile.ir.symbols import Sym
from nascompile.semantics import arithmetic
from nascompile.semantics.arithmetic import ShapeError
from nascompile.semantics.context import Env
from nascompile.semantics.operators import apply
from nascompile.semantics.values import (
    Absent,
    Family,
    Items,
    LayerOperator,
    Multiple,
    RangeOf,
    SizeOf,
    Tensor,
    describe,
)
from nascompile.source import Span
from nascompile.syntax import nodes as ast

TENSOR_FUNCTIONS = frozenset({"size", "channels", "rank"})
NAMES = arithmetic.BUILTIN_FUNCTIONS | TENSOR_FUNCTIONS | {"sum", "concat", "len", "rising", "connected"}


def call(expr: ast.Call, name: str, env: Env) -> Any:
    """Evaluate a call of the built-in `name`."""
    if name in ("sum", "concat"):
        return _reduce(expr, name, env)
    values = [env.evaluate(a.value) for a in expr.arguments]
    for argument in expr.arguments:
        if argument.name is not None:
            raise env.ctx.fail("unknown-argument", f"`{name}` has no parameter `{argument.name}`", argument.span)
    if name in TENSOR_FUNCTIONS:
        return _of_tensor(expr, name, values, env)
    if name in ("rising", "connected"):
        if len(values) != 1 or not isinstance(values[0], Family):
            raise env.ctx.fail("not-a-family", f"`{name}` takes an indexed name", expr.span)
        return (_rising if name == "rising" else _connected)(values[0], env)
    if name == "len":
        return len(values[0]) if isinstance(values[0], tuple) else len(_flat(env, values[0], expr))
    for value, argument in zip(values, expr.arguments, strict=True):
        if not isinstance(value, int | float | Sym | tuple) and value is not None:
            raise env.ctx.fail("not-a-number", f"`{name}` takes numbers, not {describe(value)}", argument.value.span)
    try:
        return arithmetic.function(name, values)
    except ShapeError as problem:
        raise env.ctx.fail(problem.code, problem.message, expr.span, problem.hint) from None
    except (TypeError, IndexError):
        raise env.ctx.fail("argument-count", f"`{name}` takes other arguments than these", expr.span) from None
    except (ValueError, ZeroDivisionError, OverflowError):
        raise env.ctx.fail("not-a-number", f"`{name}` has no value for these numbers", expr.span) from None


def _of_tensor(expr: ast.Call, name: str, values: list[Any], env: Env) -> Any:
    value = values[0] if len(values) == 1 else None
    type_ = value.type if isinstance(value, Tensor | Absent) else None
    if type_ is None:
        raise env.ctx.fail("not-a-tensor", f"`{name}` takes one tensor", expr.span)
    if name == "channels":
        return type_.channels
    if name == "rank":
        return len(type_.axes) - 1
    return SizeOf(type_.spatial, value if isinstance(value, Tensor) else None)


def tensors_of(env: Env, value: Any, node: ast.Expr) -> list[Tensor | Absent]:
    """A tensor, several, or a list of them, flattened. Raises NasError for anything else."""
    return _flat(env, value, node)


def _flat(env: Env, value: Any, node: ast.Expr) -> list[Tensor | Absent]:
    if isinstance(value, Tensor | Absent):
        return [value]
    if isinstance(value, Multiple):
        return list(value.tensors)
    if isinstance(value, Family):
        return [t for _, v in sorted(value.values.items()) for t in _flat(env, v, node)]
    if isinstance(value, Items):
        return [t for e in value.entries for t in _flat(env, e.value, node)]
    if isinstance(value, tuple) and not value:
        return []
    raise env.ctx.fail("not-a-tensor", f"{describe(value)} stands where a tensor is needed", node.span)


def _reduce(expr: ast.Call, name: str, env: Env) -> Any:
    resize: str | None = None
    values: list[Any] = []
    for argument in expr.arguments:
        if argument.name == "resize" and name == "sum":
            resize = _resize_word(env, argument.value)
        elif argument.name is not None:
            raise env.ctx.fail("unknown-argument", f"`{name}` has no parameter `{argument.name}`", argument.span)
        else:
            values.append((env.evaluate(argument.value), argument.value))
    if name == "sum" and len(values) == 1 and isinstance(values[0][0], tuple):
        return arithmetic.total(values[0][0])
    if name == "sum" and len(values) == 1 and isinstance(values[0][0], Family):
        numbers = list(values[0][0].values.values())
        if numbers and all(isinstance(n, int | float | Sym) for n in numbers):
            return arithmetic.total(numbers)
    tensors = [t for value, node in values for t in _flat(env, value, node)]
    if resize is not None:
        tensors = _resized(env, tensors, resize, expr.span)
    return combine(env, "add" if name == "sum" else "concat", tensors, expr.span)


RESIZE_WORDS = {"nearest": "nearest", "linear": "linear", "bilinear": "linear"}


def _resize_word(env: Env, node: ast.Expr) -> str:
    """The mode of `interpolate` that `resize` means, possibly chosen by `fixed`; `bilinear` is linear in any rank."""
    if isinstance(node, ast.Conditional) and node.orelse is not None:
        chosen = node.then if env.evaluate(node.condition) else node.orelse
        return _resize_word(env, chosen)
    word = node.id if isinstance(node, ast.Name) and env.scope.find(node.id) is None else env.evaluate(node)
    if word in RESIZE_WORDS:
        return RESIZE_WORDS[word]
    raise env.ctx.fail("unknown-word", "`resize` is `nearest` or `linear`", node.span)


def _resized(env: Env, tensors: list[Tensor | Absent], mode: str, span: Span) -> list[Tensor | Absent]:
    """Every summand brought to the largest one's size."""
    present = [t for t in tensors if isinstance(t, Tensor)]
    sizes = [t.type.spatial for t in present]
    if not present or all(s == sizes[0] for s in sizes):
        return tensors
    if any(not isinstance(n, int) for s in sizes for n in s):
        raise env.ctx.fail("undecided-size", "`resize` needs sizes that do not depend on the genotype", span)
    largest = max(present, key=lambda t: arithmetic.product(t.type.spatial))
    target = tuple(max(axis) for axis in zip(*sizes, strict=True))
    declaration = env.ctx.library.names.get("interpolate")
    if not isinstance(declaration, ast.LayerDecl):
        raise env.ctx.fail("missing-import", "`resize` needs the layer `interpolate`", span, "import std.layers")
    source = largest if largest.type.spatial == target else None
    arguments = (("to", SizeOf(target, source)), ("mode", mode))
    operator = LayerOperator(declaration, arguments, span, source)
    return [
        apply(env, operator, (t,), span) if isinstance(t, Tensor) and t.type.spatial != target else t for t in tensors
    ]


def combine(env: Env, layer: str, tensors: list[Tensor | Absent], span: Span) -> Tensor | Absent:
    """Sum, product or concatenation of what is present; absent when nothing is."""
    present = [t for t in tensors if isinstance(t, Tensor)]
    if not present:
        known = [t.type for t in tensors if isinstance(t, Absent) and t.type is not None]
        return Absent(known[0] if known and layer == "add" else None)
    if layer == "mul" and len(present) < len(tensors):
        return Absent(present[0].type)
    if len(present) == 1:
        return present[0]
    declaration = env.ctx.library.names.get(layer)
    if not isinstance(declaration, ast.LayerDecl):
        raise env.ctx.fail("missing-import", f"this needs the layer `{layer}`", span, "import std.layers")
    result = apply(env, LayerOperator(declaration, (), span), present, span)
    assert isinstance(result, Tensor)
    if layer == "mul":
        presence = symbols.conjunction(*(t.presence for t in present))
    else:
        presence = symbols.disjunction(*(t.presence for t in present))
    type_ = result.type
    if layer == "concat" and any(t.presence != present[0].presence for t in present):
        widths = [symbols.choose(env.ctx.uncertain(t.presence), t.type.channels, 0) for t in present]
        channels = arithmetic.total(widths)
        type_ = TensorType((channels, *type_.spatial))
    return Tensor(result.id, type_, presence)


def _rising(family: Family, env: Env) -> Any:
    """Existing elements, in text order, never decrease."""
    conditions: list[Any] = []
    previous: Any = None
    for _, value in sorted(family.values.items()):
        path = value.args[0] if isinstance(value, Sym) and value.op == "ref" else None
        exists = True if path is None else env.ctx.decisions[path].guard
        if previous is not None:
            grows = symbols.binary(">=", value, previous)
            conditions.append(grows if exists is True else symbols.disjunction(symbols.negation(exists), grows))
        previous = value if previous is None else symbols.choose(exists, value, previous)
    return symbols.conjunction(*conditions)


def _connected(family: Family, env: Env) -> Any:
    """No kept edge starts at nothing, and none ends in a node that nothing uses.

    Resolved after the graph is complete (`semantics.connectivity`); until then the family stands for itself.
    """
    paths = tuple(v.decision for _, v in sorted(family.values.items()) if isinstance(v, Items) and v.decision)
    return Sym("connected", paths)


__all__ = ["NAMES", "RangeOf", "call", "combine", "tensors_of"]
