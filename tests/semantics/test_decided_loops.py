"""Loops whose end a decision gives: what their turns assign is absent where they do not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nascompile.ir.program import Program
from nascompile.ir.symbols import evaluate
from nascompile.space.space import SearchSpace

Elaborate = Callable[..., Program]

CELL = """
ops kinds(c) = conv: conv(c, 3) | identity
cell block(a; c, nodes) {
  s[0] = a -> conv(c, 1)
  for i in 0 ..< nodes { s[i + 1] = sum(pick 1 of [s[j] via kinds(c) for j in 0 .. i]) }
  concat(s[1 ..])
}
space net(x: image) {
  nodes = pick one of [1, 2, 3]
  y = block(x; 4, nodes)
  z = block(y; 4, nodes)
  z
}
"""


@pytest.mark.parametrize("nodes", [1, 2, 3])
def test_a_cell_has_as_many_nodes_as_a_decision_says(elaborated: Elaborate, nodes: int) -> None:
    searched = SearchSpace(elaborated(CELL))
    chosen = next(g for g in searched.enumerate() if g.values["nodes"] == nodes)
    assert [p for p in chosen.values if p.count("[") == 1] == [f"block.s[{i + 1}]" for i in range(nodes)]
    bound = elaborated(CELL, binding=chosen.values)
    width = {name: bound.graph.types[value] for name, value in bound.graph.outputs}["out"].channels
    assert width == 4 * nodes


def test_its_width_is_known_before_the_decision(elaborated: Elaborate) -> None:
    """The open program's shape, with the decision put in, is that of every genotype."""
    open_ = elaborated(CELL)
    (width,) = {open_.graph.types[value].channels for _, value in open_.graph.outputs}
    assert [evaluate(width, {"nodes": n}) for n in (1, 2, 3)] == [4, 8, 12]


def test_the_size_of_the_space(elaborated: Elaborate) -> None:
    """Node i picks one of its i inputs and one of two operators."""
    assert SearchSpace(elaborated(CELL)).size() == 2 + 2 * 4 + 2 * 4 * 6


LEVELS = """
space net(x: image) {
  repeat depth in [1, 2, 3] as i { e[i] = (x if i == 0 else e[i - 1]) -> conv(4, 3) }
  sum([e[0]?, e[1]?, e[2]?])
}
"""


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_sum_leaves_out_turns_that_do_not_run(elaborated: Elaborate, depth: int) -> None:
    from nascompile.semantics.presence import present_outputs

    values: dict[str, Any] = {"depth": depth}
    assert present_outputs(elaborated(LEVELS).graph, values) == {"out": True}
    bound = elaborated(LEVELS, binding=values)
    layers = [node.layer for node in bound.graph.nodes if hasattr(node, "layer")]
    assert layers == ["conv"] * depth + ["add"] * (depth > 1)
