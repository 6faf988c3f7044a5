"""Spaces as sets: size, samples, rank and membership agree with each other and with brute force."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import pytest

from nascompile.diagnostics import NasError
from nascompile.ir.program import Decision
from nascompile.space.genotype import Genotype
from nascompile.space.options import values
from nascompile.space.space import SearchSpace

Open = Callable[..., SearchSpace]

WIDTHS = """
  repeat n in 1 .. 3 as i {
    w[i] = pick one of [4, 8, 12]
    x = x -> conv(w[i], 1)
  }
  where rising(w)
  x"""

GRID = """
  for i in 0 ..< 2 { a[0, i] = x -> conv(4, 1) }
  for b in 0 ..< 2 {
    for o in 0 ..< 2, i in 0 ..< 2 { edge[b, i, o] = a[b, i] -> pick one of two(4) }
    kept[b] = pick some of edge[b, *, *]
    for o in 0 ..< 2 { a[b + 1, o] = sum(kept[b][*, o]) }
  }
  where connected(kept)
  sum([a[2, 0]?, a[2, 1]?])"""

REALS = """
  u = pick one of 0.5 .. 1.0
  v = pick one of 0.5 .. 1.0
  c = pick one of [4, 8]
  where u < v
  x -> conv(c, 1)"""


def brute_force(space: SearchSpace) -> Iterator[Mapping[str, Any]]:
    """Every assignment of every decision, existing or not, that `contains` takes once cut down to what exists."""
    seen = set()
    choices: list[Decision] = list(space.decisions.values())
    for combination in product(*(values(d) for d in choices)):
        every = dict(zip(space.decisions, combination, strict=True))
        cut = {path: every[path] for path in space.exists(every)}
        key = tuple(cut.items())
        if key not in seen:
            seen.add(key)
            if not space.contains(space.genotype(cut)):
                yield cut


@pytest.mark.parametrize(("body", "size"), [(WIDTHS, 3 + 6 + 10), (GRID, None)])
def test_size_is_the_number_of_legal_genotypes(written: Open, body: str, size: int | None) -> None:
    space = written(body)
    legal = {Genotype("s", {}, cut).digest() for cut in brute_force(space)}
    listed = [genotype.digest() for genotype in space.enumerate()]
    assert space.size() == len(legal) == len(listed) == len(set(listed))
    assert set(listed) == legal
    assert size is None or size == space.size()


@pytest.mark.parametrize("body", [WIDTHS, GRID])
def test_rank_inverts_unrank(written: Open, body: str) -> None:
    space = written(body)
    for rank, genotype in enumerate(space.enumerate()):
        assert space.rank(genotype) == rank
        assert space.contains(genotype) == []
    with pytest.raises(IndexError):
        space.unrank(space.size())


def test_order_is_that_of_the_text(written: Open) -> None:
    shown = [tuple(g.values.values()) for g in written(WIDTHS).enumerate(7)]
    assert shown == [(1, 4), (1, 8), (1, 12), (2, 4, 4), (2, 4, 8), (2, 4, 12), (2, 8, 8)]


def test_samples_are_uniform(written: Open) -> None:
    space = written(WIDTHS)
    rng = random.Random(3)
    counts = Counter(space.sample(rng).digest() for _ in range(19 * 400))
    assert len(counts) == 19
    # 400 expected each, standard deviation 19.5
    assert all(400 - 5 * 20 < count < 400 + 5 * 20 for count in counts.values())


def test_samples_repeat_with_their_seed(shipped: Open) -> None:
    space = shipped("nas_unet", (1, 64, 64))
    a, b, c = (space.sample(random.Random(seed)) for seed in (5, 5, 6))
    assert a == b
    assert a != c


def test_reals_are_drawn_and_their_conditions_kept(written: Open) -> None:
    space = written(REALS)
    assert space.size() == 2
    assert space.reals == ("u", "v")
    rng = random.Random(0)
    drawn = [space.sample(rng).values for _ in range(200)]
    assert all(0.5 <= v["u"] < v["v"] <= 1.0 for v in drawn)
    assert max(v["u"] for v in drawn) > 0.85
    assert [d.code for d in space.contains(space.genotype({"u": 0.9, "v": 0.6, "c": 4}))] == ["violated-constraint"]


def test_condition_that_nothing_fulfils(written: Open) -> None:
    space = written("c = pick one of [4, 8]\nwhere c > 8\nx -> conv(c, 1)")
    assert space.size() == 0
    with pytest.raises(NasError, match="empty-space"):
        space.sample(random.Random(0))
    reals = written("u = pick one of 0.0 .. 1.0\nwhere u > 2.0\nc = pick one of [1, 2]\nx -> conv(c, 1)")
    with pytest.raises(NasError, match="sampling-failed"):
        reals.sample(random.Random(0))


def test_sampling_ten_thousand_takes_seconds(shipped: Open) -> None:
    space = shipped("nas_unet", (1, 64, 64))
    rng = random.Random(0)
    drawn = {space.sample(rng).digest() for _ in range(10_000)}
    assert len(drawn) > 9_990


def test_membership_names_what_is_wrong(shipped: Open) -> None:
    space = shipped("nas_lung", (1, 32, 32, 32))
    legal = space.unrank(0)
    assert space.contains(legal) == []

    def codes(**change: Any) -> list[str]:
        changed = {**legal.values, **{k.replace("__", "[") + "]": v for k, v in change.items()}}
        return [d.code for d in space.contains(space.genotype(changed))]

    assert codes(n__0=8) == ["not-a-candidate"]
    assert codes(n__0=2) == ["missing-decision"]
    assert codes(q__0=2) == ["unknown-decision"]
    assert codes(**{"w__0, 1": 4}) == ["absent-decision"]
    assert codes(**{"w__0, 0": 128}) == ["violated-constraint"]
    assert [d.code for d in space.contains(Genotype("other", {}, legal.values))] == ["wrong-space"]


def test_existence_follows_the_values(shipped: Open) -> None:
    space = shipped("nas_lung", (1, 32, 32, 32))
    assert space.exists({"n[0]": 2, "n[1]": 1, "n[2]": 1}) == [
        "n[0]", "w[0, 0]", "w[0, 1]", "n[1]", "w[1, 0]", "n[2]", "w[2, 0]",
    ]  # fmt: skip


def test_restriction_keeps_text_order(shipped: Open) -> None:
    space = shipped("nasbench201", (3, 32, 32))
    path = next(iter(space.decisions))
    restricted = space.restricted({path: ["avg_pool_3x3", "none"]})
    assert restricted.decisions[path].candidates == ("none", "avg_pool_3x3")
    assert restricted.size() == space.size() // 5 * 2
    with pytest.raises(NasError, match="did you mean `none`"):
        space.restricted({path: ["non"]})
    with pytest.raises(NasError, match="unknown-decision"):
        space.restricted({"nb.q[1][0]": ["none"]})


def test_too_many_edges_are_refused(written: Open) -> None:
    space = written("k = pick some of [x -> conv(1, 1) for i in 0 ..< 18]\nsum(k)")
    with pytest.raises(NasError, match="too-many-edges"):
        space.size()


def test_decisions_nested_in_a_candidate_count_only_there(written: Open) -> None:
    extra = """
op deep(x; c) {
  repeat n in 1 .. 2 as i { x = x -> pick one of two(c) as inner }
  x
}
ops shallow_or_deep(c) = plain: conv(c, 1) | deep: deep(c)
"""
    space = written("y = x -> pick one of shallow_or_deep(4)\ny", extra=extra)
    shown = [tuple(g.values.values()) for g in space.enumerate()]
    assert shown == [
        ("plain",), ("deep", 1, "a"), ("deep", 1, "b"),
        ("deep", 2, "a", "a"), ("deep", 2, "a", "b"), ("deep", 2, "b", "a"), ("deep", 2, "b", "b"),
    ]  # fmt: skip
    assert [space.rank(g) for g in space.enumerate()] == list(range(7))


def test_decisions_nested_in_repeated_blocks(written: Open) -> None:
    extra = """
op deep(x; c) {
  repeat n in 1 .. 2 as i { x = x -> pick one of two(c) as inner }
  x
}
ops shallow_or_deep(c) = plain: conv(c, 1) | deep: deep(c)
"""
    body = "repeat m in 1 .. 2 as g { x = x -> pick one of shallow_or_deep(4) as layer }\nx"
    space = written(body, extra=extra)
    assert space.size() == 7 + 7**2
    assert [space.rank(g) for g in space.enumerate()] == list(range(56))
    assert all(space.contains(g) == [] for g in space.enumerate())
