"""Narrowed spaces: what a narrowing drops is not built, and what is left is the same set of genotypes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nascompile.diagnostics import NasError
from nascompile.ir.program import CallNode, GateNode, Graph, LayerNode, MixNode, Node, Program
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.semantics.relaxation import unrelaxable
from nascompile.source import Source
from nascompile.space.space import SearchSpace


def shipped(spec: str, input_: tuple[int, ...], left: dict[str, tuple[Any, ...]], **arguments: Any) -> Program:
    path = resource(f"specs/{spec}.nas")
    library = load(Source(path.name, path.read_text(encoding="utf-8")), path.parent)
    return elaborate(library, Request(library.own_spaces()[0], arguments, input_, candidates=left))


def written(body: str, **left: tuple[Any, ...]) -> Program:
    text = f"nas 1\nimport std.layers\nops two(c) = a: conv(c, 1) | b: conv(c, 3)\nspace s(x: image) {{\n{body}\n}}\n"
    return elaborate(load(Source("s.nas", text)), Request("s", {}, (1, 8, 8), candidates=left))


def nodes(graph: Graph) -> list[Node]:
    """The nodes of a graph and of all that it calls."""
    inner = [n for node in graph.nodes if isinstance(node, CallNode) for n in nodes(node.graph)]
    return [*graph.nodes, *inner]


def test_a_dropped_edge_goes_with_its_operator_and_its_decision() -> None:
    kept = {"kept[1]": ("edge[1, 0, 0]", "edge[1, 1, 0]")}
    whole = shipped("dints", (1, 16, 16), {}, blocks=2, depths=2)
    left = shipped("dints", (1, 16, 16), kept, blocks=2, depths=2)
    gates = {(n.decision, n.label) for n in nodes(left.graph) if isinstance(n, GateNode)}
    assert {label for path, label in gates if path == "kept[1]"} == set(kept["kept[1]"])
    assert set(whole.decisions) - set(left.decisions) == {"edge[1, 0, 1]", "edge[1, 1, 1]"}
    paths = {n.path.split(".")[0] for n in left.graph.nodes if isinstance(n, MixNode)}
    assert "edge[1, 0, 1]" not in paths


def test_both_ways_to_narrow_give_the_same_set() -> None:
    whole = SearchSpace(shipped("dints", (1, 16, 16), {}, blocks=2, depths=2))
    kept: dict[str, tuple[Any, ...]] = {
        "kept[1]": ("edge[1, 0, 0]", "edge[1, 0, 1]"),  # nothing leaves node 1, so nothing may end there
        "edge[0, 0, 0]": whole.decisions["edge[0, 0, 0]"].candidates[-1:],
    }
    built = SearchSpace(shipped("dints", (1, 16, 16), kept, blocks=2, depths=2))
    assert built.size() == whole.restricted(kept).size() < whole.size()
    rng = random.Random(0)
    for _ in range(20):
        assert whole.contains(built.sample(rng)) == []


def test_a_dropped_edge_takes_its_slot_along() -> None:
    kept = {"down_sc.s[3]": ("s[0]", "s[2]")}
    left = shipped("nas_unet", (1, 64, 64), kept, nodes=2)
    assert "down_sc.s[3].s[1]" not in left.decisions
    assert left.decisions["down_sc.s[3].s[2]"].operators == "normal"
    mixed = {n.decision for n in nodes(left.graph) if isinstance(n, MixNode)}
    assert "down_sc.s[3].s[1]" not in mixed
    assert {"down_sc.s[3].s[0]", "up_sc.s[3].s[1]"} <= mixed


def test_numbers_with_one_value_left_can_be_relaxed() -> None:
    body = "w = pick one of [4, 8]\nk = pick one of [1, 3]\ny = x -> conv(w, k)\ny -> pick one of two(2) as last"
    assert {d.message.split("`")[1] for d in unrelaxable(written(body))} == {"w", "k"}
    left = written(body, w=(8,), k=(1,), last=("b",))
    assert unrelaxable(left) == []
    assert [n.layer for n in nodes(left.graph) if isinstance(n, LayerNode)].count("conv") == 2


def test_tied_decisions_are_narrowed_alike_or_not_at_all() -> None:
    body = "y = x -> pick one of two(2) tied row\ny -> pick one of two(2) tied row as z"
    assert written(body, y=("a",), z=("a",)).decisions["z"].candidates == ("a",)
    with pytest.raises(NasError, match="tied-differ"):
        written(body, y=("a",), z=("b",))


def test_an_edge_too_few_is_a_mistake() -> None:
    body = "t[0] = x -> conv(2, 1)\nt[1] = x -> conv(2, 1)\ny = sum(pick 2 of [t[0], t[1]])\ny"
    with pytest.raises(NasError, match="pick-count"):
        written(body, y=("t[0]",))
