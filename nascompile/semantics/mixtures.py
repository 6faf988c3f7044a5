"""Decisions among operators: a mixture in an open space, the chosen operator under a genotype."""

from __future__ import annotations

from typing import Any

from nascompile.diagnostics import Label, did_you_mean
from nascompile.ir import symbols
from nascompile.ir.program import (
    MixNode,
)
from nascompile.semantics.candidates import check_labels, labelled
from nascompile.semantics.context import Env
from nascompile.semantics.decisions import bound, declare, path_of
from nascompile.semantics.operators import apply
from nascompile.semantics.parameters import phantom
from nascompile.semantics.values import (
    Absent,
    Candidates,
    PickedOperator,
    Scope,
    Tensor,
    describe,
)
from nascompile.source import Span
from nascompile.syntax import nodes as ast


def picked(env: Env, source: Any, node: ast.Pick) -> PickedOperator:
    """`pick one of OPS`, an operator whose decision is named by the running statement."""
    path = path_of(env, node.attributes, node.span)
    return PickedOperator(source, (), path, node.attributes, tied_name(env, node.attributes), node.span)


def tied_name(env: Env, attributes: ast.Attributes) -> str | None:
    """The name of the architecture parameters that `tied NAME[i, j]` shares."""
    tied = attributes.tied
    if tied is None:
        return None
    indices: tuple[ast.Expr, ...] = ()
    if isinstance(tied, ast.Index):
        indices = tied.indices
        tied = tied.base
    if isinstance(tied, ast.Name):
        scope = env.scope.find(tied.id)
        name = tied.id if scope is None else scope.names[tied.id]
    elif isinstance(tied, ast.String):
        name = tied.value
    else:
        name = None
    if not isinstance(name, str):
        raise env.ctx.fail("tied-name", "`tied` takes a name or a word parameter, with indices", tied.span)
    numbers = [env.evaluate(i) for i in indices]
    return f"{name}[{', '.join(map(str, numbers))}]" if numbers else name


def apply_picked(env: Env, operator: PickedOperator, inputs: Any) -> Any:
    """Apply an operator decision to its tensor."""
    return choose_operator(env, operator.path, operator.source, inputs[0], operator, operator.tied)


def choose_operator(
    env: Env,
    path: str,
    source: Any,
    value: Tensor | Absent,
    node: ast.Pick | ast.Via | PickedOperator,
    tied: str | None,
    *,
    slot: bool = False,
) -> Any:
    """The mixture of the candidates in an open space, the chosen one's output under a genotype."""
    ctx, frame, span = env.ctx, env.frame, node.span
    tensor = value
    if isinstance(value, Absent):
        stand_in = phantom(env, value)
        if stand_in is None:
            raise ctx.fail("absent-operand", "nothing is known of the tensor that this decision is applied to", span)
        tensor = stand_in
    assert isinstance(tensor, Tensor)
    candidates = labelled(env, source, tensor, span)
    labels = ctx.narrowed(path, tuple(label for label, _, _ in candidates))
    check_labels(env, list(labels), span)
    candidates = [candidate for candidate in candidates if candidate[0] in labels]
    unwanted = node.attributes.never
    never = frozenset(label for label in labels if label == unwanted)
    if unwanted is not None and not never and not slot and path not in ctx.candidates:
        raise ctx.fail(
            "unknown-candidate", f"`never {unwanted}` names no candidate", span, did_you_mean(unwanted, labels)
        )
    declare(env, path, "op", labels, node, slot=slot, tied=tied, never=never, operators=_list_name(source))
    outer_binding, was_dead = frame.binding, frame.is_dead
    frame.is_dead = was_dead or isinstance(value, Absent)
    try:
        if ctx.binding is not None:
            if path not in ctx.binding and not slot:  # a mistake, unless it turns out that the edge is dropped
                ctx.undecided[path] = ctx.fail("missing-decision", f"the genotype does not decide `{path}`", span)
                return Absent(tensor.type, (path, tensor.id))
            chosen = bound(env, path, span)
            if chosen not in labels or chosen in never:
                legal = [label for label in labels if label not in never]
                raise ctx.fail(
                    "not-a-candidate", f"`{path}` is `{chosen}`, which is none of {', '.join(legal)}", span,
                    did_you_mean(str(chosen), legal),
                )  # fmt: skip
            label, expr, scope = candidates[labels.index(chosen)]
            frame.binding = f"{outer_binding}.{label}"
            result = _apply_candidate(env, expr, scope, tensor, span)
        elif frame.is_dead and not was_dead:
            return Absent(value.type)  # a supernet builds nothing on an absent edge; the decision is shared
        else:
            result = _mixture(env, path, candidates, tensor, node, outer_binding)
    finally:
        frame.binding, frame.is_dead = outer_binding, was_dead
    if isinstance(value, Absent):
        return Absent(result.type)
    return result


def _list_name(source: Any) -> str | None:
    return source.declaration.name if isinstance(source, Candidates) else None


def _apply_candidate(env: Env, expr: Any, scope: Scope | None, tensor: Tensor, span: Span) -> Any:
    if scope is not None:
        inner = Env(env.ctx, env.frame, scope)
        operator, span = inner.evaluate(expr), expr.span
        if isinstance(operator, Tensor | Absent):
            return operator
    else:
        operator = expr
    return apply(env, operator, (tensor,), span)


def _mixture(
    env: Env,
    path: str,
    candidates: list[tuple[str, Any, Scope | None]],
    tensor: Tensor,
    node: ast.Pick | ast.Via | PickedOperator,
    binding: str,
) -> Tensor:
    ctx, frame = env.ctx, env.frame
    outputs: list[Tensor] = []
    for label, expr, scope in candidates:
        frame.binding = f"{binding}.{label}"
        ctx.parents.append((path, label))
        try:
            output = _apply_candidate(env, expr, scope, tensor, node.span)
        finally:
            ctx.parents.pop()
        if not isinstance(output, Tensor):
            raise ctx.fail("not-a-tensor", f"candidate `{label}` gives {describe(output)}", node.span)
        outputs.append(output)
    first = outputs[0]
    for (label, expr, scope), output in zip(candidates, outputs, strict=True):
        if ctx.decide(_same_type(output, first)) is False:
            raise ctx.fail(
                "candidates-differ",
                f"candidates differ: `{candidates[0][0]}` gives {first.type}, `{label}` gives {output.type}",
                node.span,
                "give every candidate the same channels and stride; sides must divide evenly",
                *(() if scope is None else (Label(expr.span, f"gives {output.type}"),)),
            )
    frame.binding = binding
    ctx.mixed.add(path)
    value = frame.value(first.type)
    labels = tuple(label for label, _, _ in candidates)
    frame.nodes.append(
        MixNode(
            path, labels, tuple(o.id for o in outputs), (value,), frame.unique("mix"), ctx.origin(node.span),
            frame.guard(),
        )
    )  # fmt: skip
    return Tensor(value, first.type, tensor.presence)


def _same_type(a: Tensor, b: Tensor) -> Any:
    if len(a.type.axes) != len(b.type.axes):
        return False
    pairs = zip(a.type.axes, b.type.axes, strict=True)
    return symbols.conjunction(*(symbols.binary("==", x, y) for x, y in pairs if x is not None and y is not None))
