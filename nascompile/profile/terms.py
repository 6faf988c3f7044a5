"""What a space's networks cost, as a sum of terms: so much, where a condition on the decisions holds.

The terms follow from the open program of the retrained net alone. They are what `pricing`, `bounds` and `expectation`
evaluate, optimise and average; on a genotype their sum is what `cost_of` says of its network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nascompile.ir import symbols
from nascompile.ir.program import CallNode, GateNode, Graph, LayerNode, MixNode, Node, PhiNode, Program, TensorType
from nascompile.profile.diagrams import FALSE, TRUE, Diagrams
from nascompile.semantics.arithmetic import product, total

MANY = frozenset({"add", "concat"})
"""Layers that leave absent inputs out; with one input left they are that input."""

_DROPOUTS = frozenset({"dropout", "channel_dropout", "drop_path"})


@dataclass(frozen=True, slots=True)
class Term:
    """Costs where `condition` (a node of the diagrams) holds: numbers, or expressions over picked numbers."""

    condition: int
    params: Any
    macs: Any
    activations: Any


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A node of the flat graph, with the types of what it gives and the condition under which its code runs."""

    node: Node
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    like: int | None
    path: str
    guard: Any
    types: tuple[TensorType, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """All terms of a space, with the diagrams in which their conditions are functions."""

    terms: tuple[Term, ...]
    diagrams: Diagrams


def terms_of(program: Program, *, is_legal: bool = True) -> Terms:
    """The terms of an open program, one for each distinct condition.

    With `is_legal`, they hold for genotypes that fulfil the space's constraints; without, for any values of the
    decisions. Raises NotTabulated where a condition depends on real numbers or is too large.
    """
    diagrams = Diagrams(program.decisions, program.constraints if is_legal else ())
    steps, outputs, count = flat(program.graph)
    presence, zero = _forward(steps, len(program.graph.inputs), count, diagrams)
    return Terms(_backward(steps, outputs, presence, zero, diagrams), diagrams)


def flat(graph: Graph) -> tuple[list[Step], tuple[int, ...], int]:
    """Every node behind its calls, the values of the outputs, and the number of values."""
    steps: list[Step] = []
    count = len(graph.inputs)

    def inline(graph: Graph, ids: dict[int, int], prefix: str, guard: Any) -> None:
        nonlocal count

        def value(old: int) -> int:
            nonlocal count
            if old not in ids:
                ids[old] = count
                count += 1
            return ids[old]

        for node in graph.nodes:
            path = f"{prefix}.{node.path}" if prefix else node.path
            inputs = tuple(value(i) for i in node.inputs)
            runs = symbols.conjunction(guard, node.guard)
            if isinstance(node, CallNode):
                inner = dict(zip(node.graph.inputs, inputs, strict=True))
                inline(node.graph, inner, path, runs)
                for outer, (_, produced) in zip(node.outputs, node.graph.outputs, strict=True):
                    ids[outer] = inner[produced]
                continue
            outputs = tuple(value(o) for o in node.outputs)
            types = tuple(graph.types[o] for o in node.outputs)
            like = None
            if isinstance(node, LayerNode) and node.sizes_like is not None:
                like = value(node.sizes_like)
            steps.append(Step(node, inputs, outputs, like, path, runs, types))

    ids = {value: position for position, value in enumerate(graph.inputs)}
    inline(graph, ids, "", True)
    return steps, tuple(ids[value] for _, value in graph.outputs), count


def is_alias(node: LayerNode) -> bool:
    """Whether a layer passes its input on in a retrained net."""
    return node.layer == "identity" or (node.layer in _DROPOUTS and node.attrs["p"] == 0)


def _forward(steps: list[Step], inputs: int, count: int, d: Diagrams) -> tuple[list[int], list[int]]:
    """For every value: where it is there, and where it is the output of a `zero`."""
    made = {o for step in steps for o in step.outputs}
    # What nothing makes is the input, or stands for an absent value.
    presence = [TRUE if value in made or value < inputs else FALSE for value in range(count)]
    zero = [FALSE] * count
    for step in steps:
        node, there = step.node, [presence[i] for i in step.inputs]
        zeros = [zero[i] for i in step.inputs]
        empty = FALSE
        if isinstance(node, GateNode):
            found, empty = d.kept_and(node.decision, node.label, there[0]), zeros[0]
        elif isinstance(node, MixNode):
            taken = [d.taken(node.decision, label) for label in node.labels]
            empty = d.disjunction(*map(d.conjunction, taken, zeros))
            same = all(p == there[0] for p in there)
            found = there[0] if same else d.disjunction(*map(d.conjunction, taken, there))
        elif isinstance(node, PhiNode):
            condition = d.function(node.condition)
            found, empty = (d.apply("if", condition, *both) for both in (there, zeros))
        elif isinstance(node, LayerNode) and node.layer in MANY:
            found = d.disjunction(*there)
            if node.layer == "add":
                some = d.disjunction(*map(d.conjunction, there, zeros))
                empty = some and d.conjunction(some, d.negation(d.at_least_two(there)))
        else:
            assert isinstance(node, LayerNode)
            found = d.conjunction(*there)
            empty = TRUE if node.layer == "zero" else zeros[0] if is_alias(node) else FALSE
        found = d.conjunction(d.function(step.guard), found)
        for output in step.outputs:
            presence[output], zero[output] = found, empty
    return presence, zero


def _backward(
    steps: list[Step], outputs: tuple[int, ...], presence: list[int], zero: list[int], d: Diagrams
) -> tuple[Term, ...]:
    needs = [FALSE] * len(presence)
    for output in outputs:
        needs[output] = TRUE
    found: dict[int, list[list[Any]]] = {}
    shared: dict[str, tuple[int, Any]] = {}
    uses = Counter(step.path for step in steps)

    def need(value: int, condition: int) -> None:
        needs[value] = d.disjunction(needs[value], condition)

    def cost(condition: int, *amounts: Any) -> None:
        if condition != FALSE:
            for row, amount in zip(found.setdefault(condition, [[], [], []]), amounts, strict=True):
                row.append(amount)

    for step in reversed(steps):
        node = step.node
        here = d.disjunction(*(needs[o] for o in step.outputs))
        if here == FALSE:
            continue
        if isinstance(node, GateNode):
            need(step.inputs[0], d.kept_and(node.decision, node.label, here))
        elif isinstance(node, MixNode):
            for label, value in zip(node.labels, step.inputs, strict=True):
                need(value, d.conjunction(here, d.taken(node.decision, label)))
        elif isinstance(node, PhiNode):
            condition = d.function(node.condition)
            need(step.inputs[0], d.conjunction(here, condition))
            need(step.inputs[1], d.conjunction(here, d.negation(condition)))
        elif isinstance(node, LayerNode):
            if step.like is not None:
                need(step.like, here)
            if node.layer in MANY:
                here = _merging(step, here, presence, zero, need, d)
            else:
                for value in step.inputs:
                    need(value, here)
            if is_alias(node):
                continue
            weights: Any = total([product(w.shape) for w in node.weights if not w.is_buffer])
            if uses[step.path] > 1 and node.weights:
                before = shared.get(step.path, (FALSE, None))[0]
                shared[step.path] = (d.disjunction(before, here), weights)
                weights = 0
            cost(here, weights, node.macs, total([product(t.axes) for t in step.types]))
    for condition, weights in shared.values():
        cost(condition, weights, 0, 0)
    return tuple(Term(condition, *map(total, amounts)) for condition, amounts in reversed(found.items()))


def _merging(
    step: Step, here: int, presence: list[int], zero: list[int], need: Callable[[int, int], None], d: Diagrams
) -> int:
    """Mark the inputs of a sum or concatenation that count; returns where it has more than one of them.

    As in the pass `drop_identity`: zeros are not added to anything else, and of nothing but zeros all stay.
    """
    there = [presence[i] for i in step.inputs]
    is_sum = isinstance(step.node, LayerNode) and step.node.layer == "add"
    zeros = [zero[i] if is_sum else FALSE for i in step.inputs]
    solid = [d.conjunction(p, d.negation(z)) for p, z in zip(there, zeros, strict=True)]
    none = d.negation(d.disjunction(*solid)) if any(zeros) else FALSE
    for value, p, s in zip(step.inputs, there, solid, strict=True):
        need(value, d.conjunction(here, d.disjunction(s, d.conjunction(p, none))))
    only_zeros = d.conjunction(none, d.at_least_two(there)) if none else FALSE
    return d.conjunction(here, d.disjunction(d.at_least_two(solid), only_zeros))
