"""Programs as text: readable, the same every time, each graph once."""

from __future__ import annotations

from pathlib import Path

from nascompile.ir.text import graph_text, program_text
from nascompile.passes.flatten import flatten
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source

TEXT = """nas 1
import std.layers
op cna(c) = conv(c, 3) -> relu
ops normal(c) = identity | conv: cna(c)
space net(x: image; c = 2) {
  s[0] = x -> cna(c)
  s[1] = s[0] -> cna(c)
  s[2] = sum(pick 1 of [s[j] via normal(c) never identity for j in 0 ..< 2])
  n = pick one of [1, 3]
  unused x -> relu
  where n < 3
  s[2] -> conv(n, 1)
}
"""

EXPECTED = Path(__file__).with_name("net.ir").read_text(encoding="utf-8")


def text() -> str:
    return program_text(elaborate(load(Source("test.nas", TEXT)), Request("net", {}, (1, 4, 4))))


def test_a_program_reads_as_expected() -> None:
    assert text() == EXPECTED


def test_it_reads_the_same_every_time() -> None:
    assert text() == text()


def test_a_flat_graph_is_one_block() -> None:
    program = elaborate(load(Source("test.nas", TEXT)), Request("net", {}, (1, 4, 4)))
    shown = graph_text(flatten(program.graph))
    assert shown.count("graph ") == 1
    assert "@s[2].s[1].conv.cna.conv" in shown
