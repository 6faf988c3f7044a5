"""Applying operators to tensors: layers, ops, cells, chains. Adds nodes to the graph under construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nascompile.diagnostics import Label
from nascompile.ir import symbols
from nascompile.ir.program import (
    CallNode,
    Graph,
    LayerNode,
    TensorType,
)
from nascompile.ir.symbols import Sym
from nascompile.semantics.arithmetic import ShapeError
from nascompile.semantics.context import Env, Frame
from nascompile.semantics.layers import apply_layer
from nascompile.semantics.measures import attach_measures
from nascompile.semantics.merging import guarded, merge
from nascompile.semantics.modules import name_span
from nascompile.semantics.parameters import parameter_scope, signature
from nascompile.semantics.sharing import apply_module
from nascompile.semantics.values import (
    OPERATORS,
    Absent,
    Alternative,
    Chain,
    LayerOperator,
    Multiple,
    OpOperator,
    PickedOperator,
    Scope,
    SharedOperator,
    SizeOf,
    Tensor,
    describe,
)
from nascompile.source import Span

Inputs = Sequence[Tensor | Absent]


DEPTH_LIMIT = 64


def apply(env: Env, operator: Any, inputs: Inputs, span: Span) -> Any:
    """The value of `operator` on `inputs`. Raises NasError when it does not fit."""
    if isinstance(operator, LayerOperator):
        return _apply_layer(env, operator, inputs, span)
    if isinstance(operator, OpOperator):
        return _apply_op(env, operator, inputs, span)
    if isinstance(operator, Chain):
        value: Any = apply(env, operator.stages[0], inputs, span)
        for stage in operator.stages[1:]:
            value = apply(env, stage, (_single(env, value, span),), span)
        return value
    if isinstance(operator, PickedOperator):
        from nascompile.semantics.mixtures import apply_picked

        return apply_picked(env, operator, inputs)
    if isinstance(operator, SharedOperator):
        return apply_module(env, operator, lambda: apply(env, operator.operator, inputs, span), span)
    if isinstance(operator, Alternative):
        return _apply_alternative(env, operator, inputs, span)
    hint = "an operator is a layer, an op, or a call without its tensors"
    raise env.ctx.fail("not-an-operator", f"{describe(operator)} cannot be applied to a tensor", span, hint)


def _single(env: Env, value: Any, span: Span) -> Tensor | Absent:
    if isinstance(value, Tensor | Absent):
        return value
    raise env.ctx.fail("not-a-tensor", f"{describe(value)} stands where a tensor is needed", span)


def _apply_layer(env: Env, operator: LayerOperator, inputs: Inputs, applied: Span) -> Any:
    ctx, frame, layer = env.ctx, env.frame, operator.declaration
    span = operator.span
    # An operator that is an argument or a default stands elsewhere than where it meets its tensor.
    labels = () if applied.overlaps(span) else (Label(applied, "applied here"),)
    present = [i for i in inputs if isinstance(i, Tensor)]
    if layer.shape.many is None and len(present) < len(inputs):
        return _absent_output(env, operator, inputs)
    arguments = dict(operator.arguments)
    _check_arguments(env, operator)
    types = tuple(t.type for t in present)
    key = (layer.name, operator.arguments, types)
    result = ctx.layer_cache.get(key)
    if result is None:
        try:
            result = apply_layer(layer, arguments, types, ctx.decide)
        except ShapeError as problem:
            raise ctx.fail(problem.code, problem.message, span, problem.hint, *labels) from None
        except ZeroDivisionError:
            message = f"`{layer.name}` divides by zero with these arguments"
            raise ctx.fail("division-by-zero", message, span, None, *labels) from None
        except (TypeError, OverflowError):
            raise ctx.fail("not-a-number", f"`{layer.name}` has no size for these arguments", span) from None
        result = replace(result, outputs=tuple(TensorType(tuple(map(ctx.folded, o.axes))) for o in result.outputs))
        ctx.layer_cache[key] = result
    for condition, message in result.deferred:
        ctx.require(condition, message, span)
    ctx.count(span)
    presence = symbols.conjunction(*(t.presence for t in present)) if layer.shape.many is None else True
    outputs = tuple(frame.value(t) for t in result.outputs)
    frame.nodes.append(
        LayerNode(
            layer.name,
            tuple(t.id for t in present),
            outputs,
            result.attrs,
            result.weights,
            result.macs,
            frame.unique(layer.name),
            ctx.origin(span),
            frame.guard(),
            None if operator.sizes_like is None else operator.sizes_like.id,
            frame.is_dead,
            result.measures,
            layer.extern,
        )
    )
    tensors = tuple(Tensor(i, t, presence) for i, t in zip(outputs, result.outputs, strict=True))
    return tensors[0] if len(tensors) == 1 else Multiple(tensors)


def _check_arguments(env: Env, operator: LayerOperator) -> None:
    """Arguments of layers are numbers, lists of them, and the words that their parameter lists."""
    parameters = {p.name: p for p in operator.declaration.parameters}
    for name, value in operator.arguments:
        kinds = parameters[name].kinds
        if kinds and value not in kinds:
            message = f"`{name}` is one of {', '.join(kinds)}, not {describe(value)}"
            raise env.ctx.fail("unknown-word", message, operator.span)
        numbers = value if isinstance(value, tuple) else (value,)
        if not kinds and not all(isinstance(n, int | float | Sym) for n in numbers):
            message = f"`{name}` of `{operator.name}` is a number, not {describe(value)}"
            raise env.ctx.fail("not-a-number", message, operator.span)


def _absent_output(env: Env, operator: LayerOperator, inputs: Inputs) -> Absent:
    """What is known of the axes of a layer on an absent value; nothing is built."""
    types = [i.type for i in inputs]
    if any(t is None for t in types):
        # Only the channel count may be known: it is an argument of convolutions and linear layers.
        channels = dict(operator.arguments).get("c")
        return Absent(None if channels is None else TensorType((channels, *([None] * env.ctx.rank))))
    try:
        result = apply_layer(
            operator.declaration, dict(operator.arguments), tuple(t for t in types if t), env.ctx.decide
        )
    except ShapeError:
        return Absent(None)
    return Absent(result.outputs[0])


def _apply_op(env: Env, operator: OpOperator, inputs: Inputs, span: Span) -> Any:
    ctx, frame, declaration = env.ctx, env.frame, operator.declaration
    tensors = declaration.tensors
    expected = max(1, len(tensors))
    if len(inputs) != expected:
        raise ctx.fail("input-count", f"`{operator.name}` takes {expected} tensors, got {len(inputs)}", span)
    first = inputs[0]
    if len(tensors) == 1 and operator.cell is None and isinstance(first, Absent):
        return first if first.type is None else _absent_op(env, operator, first, span)
    if operator.cell is None:
        prefix = _join(frame.prefix, frame.binding)
    elif operator.is_fresh:
        prefix = _join(_join(frame.prefix, frame.binding), operator.cell)
    else:
        prefix = operator.cell
    presence: Any = True
    if operator.cell is not None:
        # A cell is elaborated as if its inputs were there, so that instances share it whatever their conditions.
        presence = symbols.disjunction(*(i.presence for i in inputs if isinstance(i, Tensor)))
        inputs = tuple(Tensor(i.id, i.type) if isinstance(i, Tensor) else i for i in inputs)
    path = frame.unique(operator.name)
    arguments = {k: signature(v) for k, v in operator.arguments}
    types = tuple(("absent", i.type) if isinstance(i, Absent) else ("tensor", i.type, i.presence) for i in inputs)
    sizes_inside = any(isinstance(v, SizeOf) and v.source is not None for _, v in operator.arguments)
    key = (id(declaration), prefix if operator.cell else None, tuple(sorted(arguments.items())), types, frame.is_dead)
    cached = None if sizes_inside else ctx.graph_cache.get(key)
    if cached is None:
        graph, template, decisions = _elaborate_op(env, operator, inputs, prefix, span)
        local = operator.cell is None and any(decisions)
        if not local and not sizes_inside:
            ctx.graph_cache[key] = (graph, template, decisions)
    else:
        graph, template, decisions = cached
        ctx.count(span, ctx.graph_steps[id(graph)])
        for log in ctx.decision_log:
            log.update(decisions)
        _widen_guards(env, decisions)
    ids = tuple(i.id for i in inputs if isinstance(i, Tensor))
    extra = _captured(operator)
    outputs = tuple(frame.value(t.type) for t in template if isinstance(t, Tensor))
    frame.nodes.append(CallNode(graph, ids + extra, outputs, path, ctx.origin(span), frame.guard(), frame.is_dead))
    fresh = iter(outputs)
    results = tuple(
        Tensor(next(fresh), t.type, symbols.conjunction(presence, t.presence)) if isinstance(t, Tensor) else t
        for t in template
    )
    return results[0] if len(results) == 1 else Multiple(results)


def _captured(operator: OpOperator) -> tuple[int, ...]:
    """Values of the caller whose sizes the operator's arguments mention; passed as extra inputs."""
    return tuple(v.source.id for _, v in operator.arguments if isinstance(v, SizeOf) and v.source is not None)


def _widen_guards(env: Env, decisions: frozenset[str]) -> None:

    exists = env.ctx.exists()
    for path in decisions:
        known = env.ctx.decisions[path]
        if known.guard is not True:
            env.ctx.decisions[path] = replace(known, guard=symbols.disjunction(known.guard, exists))


def _join(prefix: str, word: str) -> str:
    return f"{prefix}.{word}" if prefix and word else prefix or word


def _absent_op(env: Env, operator: OpOperator, absent: Absent, span: Span) -> Absent:
    """The type of an op on an absent value, found on a graph that is thrown away."""
    ctx = env.ctx
    frame = Frame(operator.name, "")
    assert absent.type is not None
    value = Tensor(frame.value(absent.type), absent.type, False)
    scope = parameter_scope(Env(ctx, frame, Scope()), operator, (value,))
    known, ctx.decisions = ctx.decisions, dict(ctx.decisions)
    constraints, requirements = len(ctx.constraints), len(ctx.requirements)
    try:
        result = _run(Env(ctx, frame, scope), operator, (value,), span)
    finally:
        ctx.decisions = known
        del ctx.constraints[constraints:], ctx.requirements[requirements:]
    return Absent(result.type) if isinstance(result, Tensor) else Absent(None)


def _elaborate_op(
    env: Env, operator: OpOperator, inputs: Inputs, prefix: str, span: Span
) -> tuple[Graph, tuple[Any, ...], frozenset[str]]:
    """Elaborate the body on a graph of its own. Returns it, its output values, and the decisions met inside."""
    ctx = env.ctx
    if ctx.depth >= DEPTH_LIMIT:
        raise ctx.fail("recursion", f"`{operator.name}` is called {DEPTH_LIMIT} calls deep: does it call itself?", span)
    frame = Frame(operator.name, prefix, is_dead=env.frame.is_dead)
    inside: list[Tensor | Absent] = []
    for value in inputs:
        if isinstance(value, Tensor):
            inside.append(Tensor(frame.value(value.type), value.type, value.presence))
        else:
            inside.append(value)
    arguments = []
    for name, argument in operator.arguments:
        if isinstance(argument, SizeOf) and argument.source is not None:
            source = argument.source
            argument = SizeOf(tuple(argument), Tensor(frame.value(source.type), source.type))
        arguments.append((name, argument))
    graph_inputs = tuple(range(len(frame.types)))
    inner = OpOperator(operator.declaration, tuple(arguments), operator.span, operator.cell, operator.is_fresh)
    ctx.calls.append(span)
    ctx.depth += 1
    ctx.decision_log.append(set())
    steps = ctx.steps
    try:
        scope = parameter_scope(Env(ctx, frame, Scope()), inner, tuple(inside))
        result = _run(Env(ctx, frame, scope), inner, tuple(inside), span)
        attach_measures(env, frame, result, name_span(operator.declaration))
    finally:
        decisions = frozenset(ctx.decision_log.pop())
        ctx.depth -= 1
        ctx.calls.pop()
    values = result.tensors if isinstance(result, Multiple) else (result,)
    named = tuple((f"out{i}" if i else "out", v.id) for i, v in enumerate(values) if isinstance(v, Tensor))
    graph = frame.finish(graph_inputs, named)
    ctx.graph_steps[id(graph)] = ctx.steps - steps
    return graph, tuple(values), decisions


def _run(env: Env, operator: OpOperator, inputs: Inputs, span: Span) -> Any:
    declaration = operator.declaration
    result = env.ctx.run_body(declaration.body, env)
    if not declaration.tensors and isinstance(result, OPERATORS):
        result = apply(env, result, inputs, span)
    if not isinstance(result, Tensor | Absent | Multiple):
        raise env.ctx.fail(
            "no-result",
            f"`{operator.name}` gives {describe(result)}, not a tensor",
            name_span(operator.declaration),
            "the last expression of its body is its result",
        )
    return result


def _apply_alternative(env: Env, operator: Alternative, inputs: Inputs, span: Span) -> Any:
    with_guard = guarded(env, operator.condition, lambda: apply(env, operator.then, inputs, span))
    other = guarded(env, symbols.negation(operator.condition), lambda: apply(env, operator.orelse, inputs, span))
    return merge(env, operator.condition, with_guard, other, span)
