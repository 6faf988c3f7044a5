"""Every invariant is noticed when it is broken, and holds between the passes for the shipped spaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

from nascompile.ir.program import (
    CallNode,
    Constraint,
    Decision,
    GateNode,
    Graph,
    LayerNode,
    MixNode,
    Node,
    Origin,
    PhiNode,
    Program,
    TensorType,
    Weight,
)
from nascompile.ir.symbols import Sym
from nascompile.ir.verify import BrokenProgram, verify_graph, verify_program
from nascompile.passes.flatten import flatten
from nascompile.passes.prune_dead import prune_dead
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import NOWHERE, Source

SHIPPED: list[tuple[str, str, tuple[int, ...], dict[str, Any]]] = [
    ("darts", "cifar", (3, 32, 32), {"layers": 3}),
    ("dints", "dints", (1, 32, 32, 32), {"blocks": 2}),
    ("mixsearch", "wdan", (3, 64, 64), {"layers": 7}),
    ("mobilenet_v3", "mobilenet_v3", (3, 64, 64), {}),
    ("nas_lung", "nas_lung", (1, 32, 32, 32), {}),
    ("nas_segnet", "nas_segnet", (3, 32, 32), {}),
    ("nas_unet", "nas_unet", (1, 64, 64), {}),
    ("nasbench201", "nasbench201", (3, 32, 32), {"cells": 1}),
    ("unets", "r2u_net", (1, 32, 32), {"c": 8}),
]


@lru_cache
def shipped(spec: str, space: str, size: tuple[int, ...], arguments: tuple[tuple[str, Any], ...]) -> Program:
    path = resource(f"specs/{spec}.nas")
    library = load(Source(path.name, path.read_text(encoding="utf-8")), path.parent)
    return elaborate(library, Request(space, dict(arguments), size))


@pytest.mark.parametrize(("spec", "space", "size", "arguments"), SHIPPED, ids=[s[1] for s in SHIPPED])
def test_shipped_spaces_are_sound_after_every_pass(
    spec: str, space: str, size: tuple[int, ...], arguments: dict[str, Any]
) -> None:
    program = shipped(spec, space, size, tuple(arguments.items()))
    verify_program(program, "elaborate")
    flat = flatten(program.graph)
    verify_graph(flat, "flatten")
    verify_graph(prune_dead(flat), "prune-dead")
    verify_program(replace(program, graph=prune_dead(flat)), "prune-dead")


IMAGE = TensorType((1, 8, 8))
ORIGIN = Origin(NOWHERE)


def layer(inputs: tuple[int, ...], outputs: tuple[int, ...], path: str, *weights: Weight) -> LayerNode:
    return LayerNode("relu", inputs, outputs, {}, weights, 0, path, ORIGIN)


def graph(*nodes: Node, inputs: tuple[int, ...] = (0,), output: int = 1, values: int = 3) -> Graph:
    return Graph("net", inputs, nodes, (("out", output),), (IMAGE,) * values)


INNER = graph(layer((0,), (1,), "relu"))
WIDE = Graph("wide", (0,), (layer((0,), (1,), "relu"),), (("out", 1),), (TensorType((2, 8, 8)),) * 2)

BROKEN: list[tuple[str, Graph]] = [
    ("before it is computed", graph(layer((2,), (1,), "a"), layer((0,), (2,), "b"))),
    ("computes value 1 again", graph(layer((0,), (1,), "a"), layer((0,), (1,), "b"))),
    ("computes value 0 again", graph(layer((0,), (0,), "a"), output=0)),
    ("mentions value 9 of 3", graph(layer((9,), (1,), "a"))),
    ("is computed by nothing", graph(layer((0,), (1,), "a"), output=2)),
    ("one input twice", graph(layer((0,), (1,), "a"), inputs=(0, 0))),
    ("different weights", graph(layer((0,), (1,), "a", Weight("w", (1,))), layer((1,), (2,), "a", Weight("w", (2,))))),
    ("passes 2 inputs to a graph of 1", graph(CallNode(INNER, (0, 0), (1,), "a", ORIGIN))),
    ("takes 2 outputs of a graph of 1", graph(CallNode(INNER, (0,), (1, 2), "a", ORIGIN))),
    ("passes [1, 8, 8] for [2, 8, 8]", graph(CallNode(WIDE, (0,), (1,), "a", ORIGIN))),
    ("mixes 1 values of 2 candidates", graph(MixNode("d", ("a", "b"), (0,), (1,), "m", ORIGIN))),
    ("chooses among 1 values", graph(PhiNode(True, (0,), (1,), "p", ORIGIN))),
    (
        "two outputs are called `out`",
        Graph("net", (0,), (layer((0,), (1,), "a"),), (("out", 1), ("out", 0)), (IMAGE,) * 2),
    ),
]


@pytest.mark.parametrize(("fact", "broken"), BROKEN, ids=[fact for fact, _ in BROKEN])
def test_a_broken_graph_is_noticed(fact: str, broken: Graph) -> None:
    with pytest.raises(BrokenProgram) as failure:
        verify_graph(broken, "a pass")
    assert failure.value.stage == "a pass"
    assert any(fact in found for found in failure.value.facts), failure.value.facts


def test_a_fault_inside_of_a_called_graph_is_noticed() -> None:
    bad = graph(layer((2,), (1,), "a"), layer((0,), (2,), "b"))
    with pytest.raises(BrokenProgram, match="before it is computed"):
        verify_graph(graph(CallNode(bad, (0,), (1,), "call", ORIGIN)), "a pass")


DECISION = Decision("d", "op", ("a", "b"), ORIGIN)
EDGES = Decision("e", "edges", ("s[0]", "s[1]"), ORIGIN, None)


def program(
    node: Node, *decisions: Decision, constraints: tuple[Constraint, ...] = (), size: TensorType = IMAGE
) -> Program:
    return Program("net", graph(node), {d.path: d for d in decisions}, constraints, size, False)


MIX = MixNode("d", ("a", "b"), (0, 0), (1,), "m", ORIGIN)
UNSOUND: list[tuple[str, Callable[[], Program]]] = [
    ("decision `d` is unknown", lambda: program(MIX)),
    ("are no candidates", lambda: program(replace(MIX, labels=("a", "z")), DECISION)),
    ("are no candidates", lambda: program(GateNode("d", "a", (0,), (1,), "g", ORIGIN), DECISION)),
    ("the input is [1, 8, 8], not [3, 8, 8]", lambda: program(MIX, DECISION, size=TensorType((3, 8, 8)))),
    ("is no candidate of a decision", lambda: program(MIX, replace(DECISION, parent=("e", "s[0]")))),
    ("is no candidate of a decision", lambda: program(MIX, replace(DECISION, parent=("e", "s[7]")), EDGES)),
    ("guard of `d` mentions unknown", lambda: program(MIX, replace(DECISION, guard=Sym("ref", ("n",))))),
    ("the guard mentions unknown", lambda: program(replace(MIX, guard=Sym("ref", ("n",))), DECISION)),
    (
        "constraint `n > 1` mentions unknown",
        lambda: program(MIX, DECISION, constraints=(Constraint(Sym("ref", ("n",)), ORIGIN, "n > 1"),)),
    ),
]


@pytest.mark.parametrize(("fact", "make"), UNSOUND, ids=[f"{i}: {fact}" for i, (fact, _) in enumerate(UNSOUND)])
def test_an_unsound_program_is_noticed(fact: str, make: Callable[[], Program]) -> None:
    with pytest.raises(BrokenProgram) as failure:
        verify_program(make(), "a pass")
    assert any(fact in found for found in failure.value.facts), failure.value.facts


def test_a_sound_program_passes() -> None:
    verify_program(program(MIX, DECISION), "a pass")
