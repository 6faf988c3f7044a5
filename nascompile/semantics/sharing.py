"""`module f = ...`: one set of weights, applied several times in the body that names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nascompile.diagnostics import Label
from nascompile.ir.program import CallNode, LayerNode, Node, Weight
from nascompile.semantics.context import Env
from nascompile.semantics.values import SharedOperator
from nascompile.source import Span


def apply_module(env: Env, operator: SharedOperator, action: Callable[[], Any], span: Span) -> Any:
    """Run `action`, which applies the module's operator, under the module's path: equal paths are equal weights.

    Raises NasError where the weights of this application have other shapes than those of an earlier one, and where
    the module belongs to another body: paths, and so weights, are those of the body that names it.
    """
    frame = env.frame
    if operator.owner is not frame:
        raise env.ctx.fail(
            "module-elsewhere",
            f"the weights of `{operator.name}` belong to the body that names it and cannot be shared from here",
            span,
            "apply it where it is named, or pass the operator itself",
            Label(operator.span, "named here"),
        )
    binding, used, before = frame.binding, frame.used.copy(), len(frame.nodes)
    frame.binding = operator.path
    for path in list(frame.used):
        if path.startswith(operator.path + "."):
            del frame.used[path]
    try:
        result = action()
    finally:
        frame.binding = binding
        for path, count in used.items():
            frame.used[path] = max(frame.used[path], count)
    for path, weights in _weights(tuple(frame.nodes[before:]), ""):
        known = frame.module_weights.setdefault(path, weights)
        if known != weights:
            raise env.ctx.fail(
                "module-differs",
                f"`{operator.name}` is one set of weights, but {_difference(known, weights)}",
                span,
                "give it inputs with the same channels",
                Label(operator.span, "named here"),
            )
    return result


def _weights(nodes: tuple[Node, ...], prefix: str) -> Iterator[tuple[str, tuple[Weight, ...]]]:
    for node in nodes:
        path = f"{prefix}.{node.path}" if prefix else node.path
        if isinstance(node, LayerNode) and node.weights:
            yield path, node.weights
        elif isinstance(node, CallNode):
            yield from _weights(node.graph.nodes, path)


def _difference(known: tuple[Weight, ...], weights: tuple[Weight, ...]) -> str:
    for a, b in zip(known, weights, strict=False):
        if a != b:
            return f"`{b.name}` is {list(b.shape)} here and {list(a.shape)} before"
    return "it has other weights here"
