"""What is shared: decisions of a cell, weights of a module, architecture parameters that are tied."""

from __future__ import annotations

from collections.abc import Callable

from nascompile.ir.program import CallNode, Program
from nascompile.passes.flatten import flatten
from nascompile.profile.cost import cost_of, weights

Elaborate = Callable[..., Program]

CELL = """
ops normal(c) = identity | conv: conv(c, 3)
cell block(a; c) {
  y = a -> pick one of normal(c)
  y
}
"""


def test_a_module_is_counted_once_however_often_it_is_applied(elaborated: Elaborate) -> None:
    text = "space net(x: image; t) {\n module f = conv(1, 3, bias = true)\n y = x\n repeat t as i { y = y -> f }\n y\n}"
    once, often = elaborated(text, t=1), elaborated(text, t=5)
    assert cost_of(once).registered == cost_of(often).registered == 10
    assert cost_of(often).macs == 5 * cost_of(once).macs


def test_a_module_holds_all_weights_of_an_op(elaborated: Elaborate) -> None:
    text = """
op cna(c) = conv(c, 3) -> batch_norm -> relu
space net(x: image = [8, 16, 16]) {
  module f = cna(8) -> conv(8, 1)
  (x -> f) + (x -> relu -> f)
}"""
    found = elaborated(text, (8, 16, 16))
    names = [name for name in weights(flatten(found.graph)) if name.endswith(".w")]
    assert sorted(names) == ["f.cna.batch_norm.w", "f.cna.conv.w", "f.conv.w"]


def test_two_modules_of_one_op_do_not_share(elaborated: Elaborate) -> None:
    text = "space net(x: image) {\n module f = conv(1, 3)\n module g = conv(1, 3)\n x -> f -> g\n}"
    assert cost_of(elaborated(text)).registered == 18


def test_a_module_in_a_loop_is_one_for_each_turn(elaborated: Elaborate) -> None:
    text = "space net(x: image) {\n y = x\n for i in 0 ..< 3 {\n  module f = conv(1, 3)\n  y = y -> f -> f\n }\n y\n}"
    assert cost_of(elaborated(text)).registered == 27


def test_decisions_of_a_cell_are_shared_by_its_instances(elaborated: Elaborate) -> None:
    text = CELL + "space net(x: image; c = 8) {\n a = x -> conv(c, 1)\n b = block(a; c)\n d = block(b; c)\n d\n}"
    assert list(elaborated(text).decisions) == ["block.y"]


def test_fresh_instances_have_decisions_of_their_own(elaborated: Elaborate) -> None:
    text = (
        CELL
        + "space net(x: image; c = 8) {\n a = x -> conv(c, 1)\n b = fresh block(a; c)\n d = fresh block(b; c)\n d\n}"
    )
    found = elaborated(text)
    assert list(found.decisions) == ["b.block.y", "d.block.y"]
    bound = elaborated(text, binding={"b.block.y": "conv", "d.block.y": "identity"})
    assert [name for name in weights(flatten(bound.graph)) if "block" in name] == ["b.block.y.conv.conv.w"]


def test_an_alias_is_a_cell_of_its_own(elaborated: Elaborate) -> None:
    text = CELL + "cell other = block()\nspace net(x: image; c = 1) {\n b = block(x; c)\n d = other(b; c)\n d\n}"
    assert list(elaborated(text).decisions) == ["block.y", "other.y"]


def test_tied_decisions_share_parameters_and_stay_decisions(elaborated: Elaborate) -> None:
    text = """
ops normal(c) = identity | conv: conv(c, 3)
space net(x: image) {
  s[0] = x
  for i in 0 ..< 2 { s[i + 1] = sum(pick 1 of [s[i] via normal(1) tied alphas[0]]) }
  s[2]
}"""
    slots = [d for d in elaborated(text).decisions.values() if d.slot]
    assert [d.path for d in slots] == ["s[1].s[0]", "s[2].s[1]"]
    assert {d.parameters for d in slots} == {"alphas[0]"}


def test_templates_are_elaborated_once_per_argument_types(elaborated: Elaborate) -> None:
    text = CELL + (
        "space net(x: image; c = 8, n = 20) {\n y = x -> conv(c, 1)\n for i in 0 ..< n { y = block(y; c) }\n"
        " y = y -> conv(2 * c, 1)\n for i in 0 ..< n { y = block(y; 2 * c) }\n y\n}"
    )
    calls = [node for node in elaborated(text).graph.nodes if isinstance(node, CallNode)]
    assert len(calls) == 40
    assert len({id(node.graph) for node in calls}) == 2
