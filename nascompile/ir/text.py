"""Programs as text for people: hierarchical, deterministic, one node a line. Printed, never read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nascompile.ir.program import CallNode, Decision, GateNode, Graph, LayerNode, MixNode, Node, PhiNode, Program


def program_text(program: Program) -> str:
    """The decisions and constraints of a program, then every graph once, callees before callers.

    Two graphs of one name get numbers in the order of their first call. Ends with a newline.
    """
    fixed = "fixed" if program.is_fixed else "open" if program.decisions else "bound"
    arguments = ", ".join(f"{name} = {_plain(value)}" for name, value in program.arguments.items())
    lines = [f"program {program.name}({arguments}) {program.input} {fixed}"]
    lines += [f"  {line}" for line in map(_decision, program.decisions.values())]
    lines += [f"  where {c.condition}" for c in program.constraints]
    return "\n".join(lines) + "\n\n" + graph_text(program.graph)


def graph_text(graph: Graph) -> str:
    """A graph and all that it calls, callees first. Ends with a newline."""
    names: dict[int, str] = {}
    order: list[Graph] = []
    _collect(graph, names, order, {})
    return "\n".join("\n".join(_lines(g, names)) + "\n" for g in order)


def _collect(graph: Graph, names: dict[int, str], order: list[Graph], counts: dict[str, int]) -> None:
    if id(graph) in names:
        return
    count = counts[graph.name] = counts.get(graph.name, 0) + 1
    names[id(graph)] = graph.name if count == 1 else f"{graph.name}#{count}"
    for node in graph.nodes:
        if isinstance(node, CallNode):
            _collect(node.graph, names, order, counts)
    order.append(graph)


def _lines(graph: Graph, names: dict[int, str]) -> Iterator[str]:
    inputs = ", ".join(f"%{i}: {graph.types[i]}" for i in graph.inputs)
    yield f"graph {names[id(graph)]}({inputs}) {{"
    for node in graph.nodes:
        outputs = ", ".join(f"%{o}: {graph.types[o]}" for o in node.outputs)
        notes = "".join(_notes(node))
        yield f"  {outputs} = {_computation(node, names)}  @{node.path}{notes}"
    yield f"  return {', '.join(f'{name} = %{value}' for name, value in graph.outputs)}"
    yield "}"


def _computation(node: Node, names: dict[int, str]) -> str:
    values = [f"%{i}" for i in node.inputs]
    if isinstance(node, LayerNode):
        attrs = [f"{name} = {_plain(value)}" for name, value in node.attrs.items()]
        if node.sizes_like is not None:
            attrs.append(f"sizes_like = %{node.sizes_like}")
        return f"{node.layer}({', '.join(values)}{'; ' if attrs else ''}{', '.join(attrs)})"
    if isinstance(node, CallNode):
        return f"call {names[id(node.graph)]}({', '.join(values)})"
    if isinstance(node, MixNode):
        pairs = ", ".join(f"{label}: {value}" for label, value in zip(node.labels, values, strict=True))
        return f"mix {node.decision} ({pairs})"
    if isinstance(node, GateNode):
        return f"gate {node.decision} / {node.label} ({values[0]})"
    assert isinstance(node, PhiNode)
    return f"phi ({values[0]} if {node.condition} else {values[1]})"


def _notes(node: Node) -> Iterator[str]:
    if isinstance(node, LayerNode):
        for weight in node.weights:
            shape = ", ".join(map(str, weight.shape))
            yield f"  {'buffer ' if weight.is_buffer else ''}{weight.name}[{shape}]"
        for name, value in node.measures.items():
            yield f"  {name} = {value}"
    if node.guard is not True:
        yield f"  if {node.guard}"
    if isinstance(node, LayerNode | CallNode) and node.is_dead:
        yield "  unused"


def _decision(decision: Decision) -> str:
    count = "some" if decision.count is None else str(decision.count)
    among = ", ".join(map(str, decision.candidates))
    if decision.interval is not None:
        among = f"{decision.interval[0]} .. {decision.interval[1]}"
    words = [
        f"{decision.path} = {count} of [{among}]",
        decision.kind,
        f"relax {decision.relax}",
        f"decode {decision.decode}",
    ]
    if decision.never:
        words.append(f"never {', '.join(sorted(decision.never))}")
    if decision.tied is not None:
        words.append(f"tied {decision.tied}")
    if decision.parent is not None:
        words.append(f"under {decision.parent[0]} / {decision.parent[1]}")
    if decision.guard is not True:
        words.append(f"if {decision.guard}")
    return "  ".join(words)


def _plain(value: Any) -> str:
    """An argument as the language writes it; operators by name."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if value is None or isinstance(value, int | float | str) or not hasattr(value, "name"):
        return str(value)
    return str(value.name)
