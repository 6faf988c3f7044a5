"""`measure NAME = EXPR` on ops and spaces: a number that the body costs, kept with the layer that gives its result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nascompile.ir.program import LayerNode
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Env, Frame
from nascompile.semantics.values import Multiple, Tensor, describe
from nascompile.source import Span
from nascompile.syntax import nodes as ast


def run_measure(statement: ast.Measure, env: Env) -> None:
    """Evaluate a measure with the names bound so far. Raises NasError if it is no number, or measured twice."""
    value = env.evaluate(statement.value)
    if isinstance(value, bool) or not isinstance(value, int | float | Sym):
        raise env.ctx.fail("not-a-number", f"a measure is a number, not {describe(value)}", statement.value.span)
    if statement.name in env.frame.measures:
        raise env.ctx.fail("duplicate-name", f"`{statement.name}` is measured twice", statement.span)
    env.frame.measures[statement.name] = value


def attach_measures(env: Env, frame: Frame, result: Any, span: Span) -> None:
    """Add a finished body's measures to the layer of it that computes the result, else to its last layer.

    They are then counted, weighted by candidates and pruned with that layer.
    """
    if not frame.measures:
        return
    tensors = result.tensors if isinstance(result, Multiple) else (result,)
    wanted = {t.id for t in tensors if isinstance(t, Tensor)}
    layers = [i for i, node in enumerate(frame.nodes) if isinstance(node, LayerNode)]
    if not layers:
        raise env.ctx.fail(
            "misplaced", f"`measure` needs a layer of `{frame.name}` itself to stand for", span,
            "move it into the operator that does the work",
        )  # fmt: skip
    place = next((i for i in layers if not wanted.isdisjoint(frame.nodes[i].outputs)), layers[-1])
    node = frame.nodes[place]
    assert isinstance(node, LayerNode)
    frame.nodes[place] = replace(node, measures={**node.measures, **frame.measures})
