"""Genotypes as vectors: every genotype has its own, and every column says what its name says."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from nascompile.compilation import Compilation
from nascompile.space.space import SearchSpace

TEXT = """nas 1
import std.layers
ops kinds(c) = none: zero | conv: conv(c, 3) | identity
space net(x: image = [1, 16, 16]) {
  repeat n in 1 .. 2 as i { w[i] = pick one of [8, 16] }
  q = pick one of 0.5 .. 1.0
  s[0] = x -> conv(4, 1)
  s[1] = s[0] -> relu
  s[2] = sum(pick 1 of [s[j] via kinds(4) never none for j in 0 ..< 2])
  y = s[2] -> pick one of [relu, elu]
  y -> conv(w[0], 3)
}
genotype one : net {
  n = 1
  w = [16]
  q = 0.75
  s[2] = [s[1] via conv]
  y = elu
}
"""
NAMES = [
    "n", "w[0]", "w[1] exists", "w[1]", "q",
    "s[0] in s[2]", "s[1] in s[2]",
    "s[2].s[0] == conv", "s[2].s[0] == identity", "s[2].s[1] == conv", "s[2].s[1] == identity",
    "y == relu", "y == elu",
]  # fmt: skip


def test_columns_and_values() -> None:
    text = Compilation.from_text(TEXT)
    space = text.space()
    assert [column.name for column in space.columns] == NAMES
    assert space.encode(text.genotype("one")) == [1, 16, 0, 0, 0.75, 0, 1, 0, 0, 1, 0, 0, 1]


def test_every_genotype_has_a_vector_of_its_own() -> None:
    space = Compilation.from_text(TEXT).space()
    vectors = [tuple(space.encode(g)) for g in space.enumerate()]
    assert len(set(vectors)) == len(vectors) == space.size()


def test_a_narrowed_space_has_the_columns_that_are_left() -> None:
    space = Compilation.from_text(TEXT).space().restricted({"y": ["elu"]})
    assert [c.name for c in space.columns if c.path == "y"] == ["y == elu"]


Open = Callable[..., SearchSpace]
SPACES = [
    ("nas_unet", "nas_unet", (1, 64, 64)),
    ("mixsearch", "wdan", (3, 64, 64)),
    ("darts", "cifar", (3, 32, 32)),
    ("nasbench201", "nasbench201", (3, 32, 32)),
    ("nas_lung", "nas_lung", (1, 32, 32, 32)),
    ("dints", "dints", (1, 32, 32, 32)),
    ("analog_nas", "analog_nas", (3, 32, 32)),
    ("mobilenet_v3", "mobilenet_v3", (3, 64, 64)),
]


@pytest.mark.parametrize(("spec", "name", "size"), SPACES, ids=lambda v: str(v))
def test_shipped_spaces(shipped: Open, spec: str, name: str, size: tuple[int, ...]) -> None:
    """Names are unique, vectors tell genotypes apart, and an operator or edge decision that exists has a 1."""
    space = shipped(spec, size, name)
    names = [column.name for column in space.columns]
    assert len(set(names)) == len(names)
    seen = {}
    for seed in range(20):
        genotype = space.sample(random.Random(seed))
        vector = space.encode(genotype)
        assert seen.setdefault(tuple(vector), genotype) == genotype
        ones = {c.path for c, v in zip(space.columns, vector, strict=True) if v and c.kind in ("operator", "edge")}
        assert ones == {p for p in genotype.values if space.decisions[p].kind != "number"}
    assert len(seen) > 10
