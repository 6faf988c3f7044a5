"""Invariants of programs and graphs, checked between passes in tests: a violation is our mistake, never a user's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from nascompile.ir.program import (
    CallNode,
    Decision,
    GateNode,
    Graph,
    LayerNode,
    MixNode,
    Node,
    PhiNode,
    Program,
    Weight,
)
from nascompile.ir.symbols import Sym


class BrokenProgram(AssertionError):
    """A pass or the elaborator broke an invariant. `stage` names who; `facts` say what."""

    def __init__(self, stage: str, facts: list[str]):
        self.stage = stage
        self.facts = tuple(facts)
        super().__init__(f"after `{stage}`: " + "; ".join(facts[:10]))


def verify_program(program: Program, stage: str) -> None:
    """Raise BrokenProgram if the graph, the decisions or the constraints of a program are inconsistent.

    Besides `verify_graph`: the first input has the program's input type, parents of decisions are decisions with that
    candidate, and conditions mention known decisions only.
    """
    facts = list(_graph_facts(program.graph, program.decisions))
    if program.graph.types[program.graph.inputs[0]] != program.input:
        facts.append(f"the input is {program.graph.types[program.graph.inputs[0]]}, not {program.input}")
    for path, decision in program.decisions.items():
        if path != decision.path:
            facts.append(f"decision `{decision.path}` is filed under `{path}`")
        if decision.parent is not None:
            parent = program.decisions.get(decision.parent[0])
            if parent is None or decision.parent[1] not in parent.candidates:
                facts.append(f"the parent {decision.parent} of `{path}` is no candidate of a decision")
        facts.extend(_unknown(decision.guard, program.decisions, f"guard of `{path}`"))
    for constraint in program.constraints:
        facts.extend(_unknown(constraint.condition, program.decisions, f"constraint `{constraint.text}`"))
    if facts:
        raise BrokenProgram(stage, facts)


def verify_graph(graph: Graph, stage: str) -> None:
    """Raise BrokenProgram unless every graph below is well formed.

    Values are defined once and before their use (stand-ins of absent values are used by dead nodes only), have a type,
    node paths are unique but for applications of one module, whose weights then agree, and calls fit their graphs.
    """
    facts = list(_graph_facts(graph, None))
    if facts:
        raise BrokenProgram(stage, facts)


def _graph_facts(graph: Graph, decisions: Mapping[str, Decision] | None) -> Iterator[str]:
    seen: set[int] = set()
    queue = [graph]
    while queue:
        current = queue.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield from _facts(current, decisions)
        queue.extend(node.graph for node in current.nodes if isinstance(node, CallNode))


def _facts(graph: Graph, decisions: Mapping[str, Decision] | None) -> Iterator[str]:
    where = f"graph `{graph.name}`"
    count = len(graph.types)
    defined = set(graph.inputs)
    produced = {o for node in graph.nodes for o in node.outputs}
    if len(defined) != len(graph.inputs):
        yield f"{where} has one input twice"
    for node in graph.nodes:
        name = f"{where}: `{node.path}`"
        for value in (*node.inputs, *node.outputs):
            if not 0 <= value < count:
                yield f"{name} mentions value {value} of {count}"
        for value in node.inputs:
            if value not in defined and value in produced:
                yield f"{name} uses value {value} before it is computed"
        for value in node.outputs:
            if value in defined:
                yield f"{name} computes value {value} again"
            defined.add(value)
        yield from (f"{name}: {fact}" for fact in _node_facts(node, graph, decisions))
    for output, value in graph.outputs:
        if value not in defined:
            yield f"{where}: the output `{output}` is computed by nothing"
    names = Counter(name for name, _ in graph.outputs)
    yield from (f"{where}: two outputs are called `{name}`" for name, times in names.items() if times > 1)
    yield from _path_facts(graph, where)


def _node_facts(node: Node, graph: Graph, decisions: Mapping[str, Decision] | None) -> Iterator[str]:
    if isinstance(node, CallNode):
        inner = node.graph
        if len(node.inputs) != len(inner.inputs):
            yield f"passes {len(node.inputs)} inputs to a graph of {len(inner.inputs)}"
        if len(node.outputs) != len(inner.outputs):
            yield f"takes {len(node.outputs)} outputs of a graph of {len(inner.outputs)}"
        pairs = zip(node.inputs, inner.inputs, strict=False)
        yield from (
            f"passes {graph.types[a]} for {inner.types[b]}"
            for a, b in pairs
            if a < len(graph.types) and graph.types[a] != inner.types[b]
        )
    elif isinstance(node, MixNode):
        if len(node.labels) != len(node.inputs):
            yield f"mixes {len(node.inputs)} values of {len(node.labels)} candidates"
        yield from _decision_facts(node.decision, node.labels, "op", decisions)
    elif isinstance(node, GateNode):
        yield from _decision_facts(node.decision, (node.label,), "edges", decisions)
    elif isinstance(node, PhiNode):
        if len(node.inputs) != 2:
            yield f"chooses among {len(node.inputs)} values"
        if decisions is not None:
            yield from _unknown(node.condition, decisions, "condition")
    if decisions is not None:
        yield from _unknown(node.guard, decisions, "guard")


def _decision_facts(
    path: str, labels: tuple[str, ...], kind: str, decisions: Mapping[str, Decision] | None
) -> Iterator[str]:
    if decisions is None:
        return
    decision = decisions.get(path)
    if decision is None:
        yield f"decision `{path}` is unknown"
    elif decision.kind != kind or not set(labels) <= set(decision.candidates):
        yield f"{', '.join(labels)} are no candidates of the {decision.kind} decision `{path}`"


def _path_facts(graph: Graph, where: str) -> Iterator[str]:
    """Equal paths are applications of one module, so their weights agree."""
    known: dict[str, tuple[str, tuple[Weight, ...]]] = {}
    for node in graph.nodes:
        kind = node.layer if isinstance(node, LayerNode) else node.graph.name if isinstance(node, CallNode) else ""
        weights = node.weights if isinstance(node, LayerNode) else ()
        earlier = known.setdefault(node.path, (kind, weights))
        if earlier != (kind, weights):
            yield f"{where}: `{node.path}` names nodes with different weights"


def _unknown(condition: object, decisions: Mapping[str, Decision], what: str) -> Iterator[str]:
    if isinstance(condition, Sym):
        unknown = sorted(condition.refs - set(decisions))
        if unknown:
            yield f"the {what} mentions unknown decisions {', '.join(unknown)}"
