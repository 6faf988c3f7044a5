"""Which outputs of a space some genotype does not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nascompile.diagnostics import Diagnostic, Label
from nascompile.ir.program import CallNode, GateNode, Graph, LayerNode, MixNode, Node, PhiNode, Program
from nascompile.ir.symbols import evaluate
from nascompile.source import Span

MANY_NEED_ONE = frozenset({"add", "concat"})
"""Layers of several inputs that drop absent ones; every other layer of an absent value is absent."""


def absent_outputs(program: Program, genotypes: Iterable[Mapping[str, Any]], span: Span) -> list[Diagnostic]:
    """One diagnostic (`absent-output`) at `span` for each output that one of the genotypes does not have.

    A genotype maps every decision path to its value (edges: the labels kept). The search stops at the first genotype
    for each output; whether other genotypes have it is not told.
    """
    missing: dict[str, Mapping[str, Any]] = {}
    names = [name for name, _ in program.graph.outputs]
    for genotype in genotypes:
        if len(missing) == len(names):
            break
        for name, is_there in present_outputs(program.graph, genotype).items():
            if not is_there:
                missing.setdefault(name, genotype)
    return [_diagnostic(name, genotype, program, span) for name, genotype in missing.items()]


def present_outputs(graph: Graph, genotype: Mapping[str, Any]) -> dict[str, bool]:
    """Whether a genotype has each output of a graph whose inputs are all there."""
    presence = _presence(graph, genotype, {i: True for i in graph.inputs})
    return {name: presence.get(value, False) for name, value in graph.outputs}


def _presence(graph: Graph, genotype: Mapping[str, Any], known: dict[int, bool]) -> dict[int, bool]:
    for node in graph.nodes:
        there = [known.get(i, False) for i in node.inputs]
        if not _holds(node.guard, genotype):
            found = [False] * len(node.outputs)
        elif isinstance(node, CallNode):
            inner = _presence(node.graph, genotype, dict(zip(node.graph.inputs, there, strict=True)))
            found = [inner.get(value, False) for _, value in node.graph.outputs]
        else:
            found = [_is_there(node, there, genotype)] * len(node.outputs)
        known.update(zip(node.outputs, found, strict=True))
    return known


def _is_there(node: Node, there: list[bool], genotype: Mapping[str, Any]) -> bool:
    if isinstance(node, LayerNode):
        return any(there) if node.layer in MANY_NEED_ONE else all(there)
    if isinstance(node, GateNode):
        return node.label in genotype.get(node.decision, ()) and there[0]
    if isinstance(node, MixNode):
        chosen = genotype.get(node.decision)
        return there[node.labels.index(chosen)] if chosen in node.labels else False
    assert isinstance(node, PhiNode)
    return there[0] if _holds(node.condition, genotype) else there[1]


def _holds(condition: Any, genotype: Mapping[str, Any]) -> bool:
    """A condition over a decision that the genotype does not have (its own guard fails) does not hold."""
    try:
        return bool(evaluate(condition, genotype))
    except (KeyError, TypeError):
        return False


def _diagnostic(name: str, genotype: Mapping[str, Any], program: Program, span: Span) -> Diagnostic:
    edges = [path for path, d in program.decisions.items() if d.kind == "edges" and path in genotype]
    shown = ", ".join(f"`{path}` = [{', '.join(genotype[path])}]" for path in edges[:4])
    more = f" and {len(edges) - 4} more" if len(edges) > 4 else ""
    hint = f"for instance with {shown}{more}: exclude it, for edges with `where connected(...)`"
    return Diagnostic("absent-output", f"some genotypes have no output `{name}`", Label(span), (), hint)
