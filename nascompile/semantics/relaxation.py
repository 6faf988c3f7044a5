"""Which decisions a supernet cannot relax, and why: picked numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError
from nascompile.ir.program import CallNode, Graph, LayerNode, Program
from nascompile.ir.symbols import Sym
from nascompile.source import Span


def unrelaxable(program: Program) -> list[Diagnostic]:
    """One diagnostic (`cannot-relax`) for each open decision that no weighted supernet can hold, in text order.

    A supernet mixes the outputs of operators and of edges, which have one shape. Numbers make networks of different
    shapes; the message says what each of them does. A list of one number leaves nothing to decide.
    """
    reasons: dict[str, str] = {}
    for path, reason in _uses(program.graph, set()):
        reasons.setdefault(path, reason)
    hint = "give it one value in the text, or try genotypes: `strategy = evolution`"
    found = []
    for path, decision in program.decisions.items():
        if decision.kind != "number" or len(decision.candidates) == 1:
            continue
        reason = reasons.get(path, "it changes how often or whether layers exist")
        if decision.interval is not None:
            reason = f"it is a real number between {decision.interval[0]} and {decision.interval[1]}"
        message = f"`{path}` cannot be relaxed: {reason}"
        found.append(Diagnostic("cannot-relax", message, Label(decision.origin.span), (), hint))
    return found


def require_relaxable(program: Program, by: Span) -> None:
    """Raise NasError with what `unrelaxable` finds; `by` is the search that relaxes the space."""
    if problems := unrelaxable(program):
        raise NasError(replace(problem, secondary=(Label(by, "relaxed by this search"),)) for problem in problems)


def _uses(graph: Graph, seen: set[int]) -> Iterator[tuple[str, str]]:
    """What decisions do to the layers of a graph and all that it calls: (path, reason), in text order."""
    if id(graph) in seen:
        return
    seen.add(id(graph))
    for node in graph.nodes:
        if isinstance(node, CallNode):
            yield from _uses(node.graph, seen)
        elif isinstance(node, LayerNode):
            spatial = tuple(a for o in node.outputs for a in graph.types[o].spatial)
            yield from ((path, f"it changes the spatial size of `{node.layer}`") for path in _refs(spatial))
            for weight in node.weights:
                yield from ((path, f"it changes the weights of `{node.layer}`") for path in _refs(weight.shape))
            for name, argument in node.attrs.items():
                yield from ((path, f"it sets `{name}` of `{node.layer}`") for path in _refs(argument))


def _refs(value: Any) -> list[str]:
    if isinstance(value, Sym):
        return sorted(value.refs)
    return [path for v in value for path in _refs(v)] if isinstance(value, tuple) else []
