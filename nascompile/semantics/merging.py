"""Values that depend on a condition which only a genotype knows."""

from __future__ import annotations

from typing import Any

from nascompile.ir import symbols
from nascompile.ir.program import (
    PhiNode,
    TensorType,
)
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Env
from nascompile.semantics.values import (
    OPERATORS,
    Absent,
    Alternative,
    Tensor,
    describe,
)
from nascompile.source import Span


def guarded(env: Env, condition: Any, action: Any) -> Any:
    """Run `action` for code that exists only where `condition` holds."""
    env.ctx.guards.append(condition)
    env.frame.guards.append(condition)
    try:
        return action()
    finally:
        env.ctx.guards.pop()
        env.frame.guards.pop()


def merge(env: Env, condition: Any, then: Any, orelse: Any, span: Span) -> Any:
    """The value that is `then` where the condition holds and `orelse` elsewhere."""
    if then is orelse or (not isinstance(then, Tensor) and then == orelse):
        return then
    if isinstance(then, Tensor) and isinstance(orelse, Tensor):
        if len(then.type.axes) != len(orelse.type.axes):
            raise env.ctx.fail("shape-mismatch", f"the branches give {then.type} and {orelse.type}", span)
        axes = tuple(symbols.choose(condition, a, b) for a, b in zip(then.type.axes, orelse.type.axes, strict=True))
        type_ = TensorType(axes)
        value = env.frame.value(type_)
        env.frame.nodes.append(
            PhiNode(condition, (then.id, orelse.id), (value,), env.frame.unique("phi"), env.ctx.origin(span))
        )
        return Tensor(value, type_, symbols.choose(condition, then.presence, orelse.presence))
    if isinstance(then, Tensor) and isinstance(orelse, Absent):
        return _sometimes(env, condition, then, span)
    if isinstance(orelse, Tensor) and isinstance(then, Absent):
        return _sometimes(env, symbols.negation(condition), orelse, span)
    if isinstance(then, OPERATORS) and isinstance(orelse, OPERATORS):
        return Alternative(condition, then, orelse, span)
    if isinstance(then, int | float | Sym) and isinstance(orelse, int | float | Sym):
        return symbols.choose(condition, then, orelse)
    if isinstance(then, tuple) and isinstance(orelse, tuple) and len(then) == len(orelse):
        return tuple(symbols.choose(condition, a, b) for a, b in zip(then, orelse, strict=True))
    raise env.ctx.fail(
        "branches-differ", f"the branches give {describe(then)} and {describe(orelse)}", span, "give both the same kind"
    )


def _sometimes(env: Env, condition: Any, tensor: Tensor, span: Span) -> Tensor:
    """The tensor where a condition holds, absent elsewhere; the graph says so with a stand-in that nothing computes."""
    presence = symbols.conjunction(condition, tensor.presence)
    if not isinstance(condition, Sym):
        return Tensor(tensor.id, tensor.type, presence)
    frame = env.frame
    absent, value = frame.value(tensor.type), frame.value(tensor.type)
    frame.nodes.append(
        PhiNode(condition, (tensor.id, absent), (value,), frame.unique("phi"), env.ctx.origin(span), frame.guard())
    )
    return Tensor(value, tensor.type, presence)
