"""The rules of decoding, each on a space small enough to see the answer."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from nascompile.diagnostics import NasError
from nascompile.space.decode import decode
from nascompile.space.space import SearchSpace

Open = Callable[..., SearchSpace]

EXTRA = "ops three(c) = a: conv(c, 1) | b: conv(c, 3) | c: conv(c, 5)\n"


def edges(written: Open, rule: str, never: str = "") -> SearchSpace:
    body = f"""
  t[0] = x -> conv(4, 1)
  t[1] = x -> conv(4, 1)
  t[2] = x -> conv(4, 1)
  y[0] = pick 2 of [t[0] via two(4) {never}, t[1] via two(4) {never}, t[2] via three(4) {never}] decode {rule}
  sum(y[0])"""
    return written(body, extra=EXTRA)


def weights(a: list[float], b: list[float], c: list[float]) -> dict[str, list[float]]:
    return {"y[0].t[0]": a, "y[0].t[1]": b, "y[0].t[2]": c}


def test_top_keeps_the_edges_with_the_strongest_operators(written: Open) -> None:
    genotype = decode(edges(written, "top"), weights([0.4, 0.6], [0.3, 0.7], [0.05, 0.45, 0.5]))
    assert genotype.values == {"y[0]": ("t[0]", "t[1]"), "y[0].t[0]": "b", "y[0].t[1]": "b"}


def test_gain_lets_lists_of_different_length_compete(written: Open) -> None:
    genotype = decode(edges(written, "gain"), weights([0.4, 0.6], [0.3, 0.7], [0.05, 0.45, 0.5]))
    assert genotype.values == {"y[0]": ("t[1]", "t[2]"), "y[0].t[1]": "b", "y[0].t[2]": "c"}


def test_never_counts_neither_as_strength_nor_as_operator(written: Open) -> None:
    space = edges(written, "top", "never b")
    genotype = decode(space, weights([0.4, 0.6], [0.3, 0.7], [0.05, 0.45, 0.5]))
    assert genotype.values == {"y[0]": ("t[0]", "t[2]"), "y[0].t[0]": "a", "y[0].t[2]": "c"}


def test_ties_go_to_the_first_in_text_order(written: Open) -> None:
    even = weights([0.5, 0.5], [0.5, 0.5], [1 / 3, 1 / 3, 1 / 3])
    assert decode(edges(written, "top"), even).values == {"y[0]": ("t[0]", "t[1]"), "y[0].t[0]": "a", "y[0].t[1]": "a"}


def test_likeliest_number_yields_to_a_condition(written: Open) -> None:
    space = written("a = pick one of [1, 2, 3]\nb = pick one of [1, 2, 3]\nwhere a < b\nx -> conv(a * b, 1)")
    # P(a=3) P(b=1) is largest but illegal; the best legal pair is (1, 3) with 0.3 * 0.35, not (2, 3) with 0.1 * 0.35
    genotype = decode(space, {"a": [0.3, 0.1, 0.6], "b": [0.4, 0.25, 0.35]})
    assert genotype.values == {"a": 1, "b": 3}


def test_depth_does_not_suffer_from_the_widths_it_brings(written: Open) -> None:
    space = written("repeat n in 1 .. 2 as i {\n  w[i] = pick one of [4, 8]\n  x = x -> conv(w[i], 1)\n}\nx")
    genotype = decode(space, {"n": [0.45, 0.55], "w[0]": [0.6, 0.4], "w[1]": [0.3, 0.7]})
    assert genotype.values == {"n": 2, "w[0]": 4, "w[1]": 8}


def test_some_edges_by_their_own_probabilities(written: Open) -> None:
    body = """
  t[0] = x -> conv(4, 1)
  t[1] = x -> conv(4, 1)
  t[2] = x -> conv(4, 1)
  y[0] = pick some of [t[0], t[1], t[2]]
  sum(y[0])"""
    space = written(body)
    assert decode(space, {"y[0]": [0.6, 0.4, 0.9]}).values == {"y[0]": ("t[0]", "t[2]")}
    # at least one edge is kept
    assert decode(space, {"y[0]": [0.1, 0.3, 0.2]}).values == {"y[0]": ("t[1]",)}


def test_an_unlikely_subset_is_as_good_as_another(written: Open) -> None:
    """DiNTS adds 1e-5 to the probability of a block, so the other block's odds decide where one is hopeless."""
    text = """
  for o in 0 ..< 2 { node[0, o] = x -> conv(4, 1) }
  for b in 0 ..< 2 {
    for o in 0 ..< 2 { edge[b, o] = node[b, o] -> conv(4, 3) }
    kept[b] = pick some of edge[b, *]
    for o in 0 ..< 2 { node[b + 1, o] = sum(kept[b][o]) }
  }
  where connected(kept)
  sum([node[2, 0]?, node[2, 1]?])"""
    space = written(text)
    # both blocks keep the same edges. P is 1 and 1e-10 for the first edge, 1e-11 and 0.9 for the second, and 1e-5 and
    # 0.1 for both: the product is largest for both, the sum of log(P + 1e-5) for the first
    odds = {"kept[0]": [1 - 1e-6, 1e-5], "kept[1]": [0.1, 1 - 1e-9]}
    assert decode(space, odds).values["kept[0]"] == ("edge[0, 0]",)


def test_certain_weights_are_no_trouble(written: Open) -> None:
    space = written("a = pick one of [1, 2]\nx -> conv(a, 1)")
    assert decode(space, {"a": [0.0, 1.0]}).values == {"a": 2}
    narrowed = space.restricted({"a": [1]})
    assert decode(narrowed, {}).values == {"a": 1}


def test_decoded_genotype_is_the_most_probable_legal_one(shipped: Open) -> None:
    space = shipped("dints", (1, 16, 16), blocks=2, depths=2)
    keep = {"kept[0]": [0.2, 0.9, 0.7, 0.1], "kept[1]": [0.6, 0.3, 0.2, 0.8]}
    operators = {path: [0.5, 0.5] for path in space.decisions if path.startswith("edge")}
    best = decode(space, {**keep, **operators})

    def probability(genotype: object) -> float:
        values = genotype.values  # type: ignore[attr-defined]
        return math.prod(
            p if edge in values[path] else 1 - p
            for path, chances in keep.items()
            for edge, p in zip(space.decisions[path].candidates, chances, strict=True)
        )

    assert probability(best) == pytest.approx(max(map(probability, space.enumerate())))
    assert space.contains(best) == []


def test_missing_and_wrong_weights_are_named(written: Open) -> None:
    space = written("a = pick one of [1, 2]\nb = pick one of [1, 2]\nu = pick one of 0.0 .. 1.0\nx -> conv(a * b, 1)")
    with pytest.raises(NasError) as failure:
        decode(space, {"b": [0.1, 0.2, 0.7]})
    assert [(d.code, d.primary.span.text) for d in failure.value.diagnostics if d.primary] == [
        ("missing-weights", "pick one of [1, 2]"),
        ("weight-count", "pick one of [1, 2]"),
        ("cannot-decode", "pick one of 0.0 .. 1.0"),
    ]
