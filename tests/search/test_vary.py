"""Operators on genotypes of shipped spaces: always legal, as near as the conditions allow, equal for equal seeds."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace
from nascompile.space.vary import Variation

SPACES = ["nas_lung", "nas_segnet", "nas_unet", "dints", "mobilenet_v3", "nasbench201"]

SMALL = """\
nas 1
import std.layers
ops two(c) = a: conv(c, 3) | b: conv(c, 1)
space small(x: image = [1, 8, 8]) {
  w[0] = pick one of 1 .. 3
  w[1] = pick one of 1 .. 3
  where rising(w)
  s[0] = x -> conv(w[0], 3) -> conv(w[1], 3) -> conv(2, 1)
  s[1] = s[0] -> conv(2, 1)
  s[2] = s[1] -> conv(2, 1)
  y = sum(pick some of [s[j] via two(2) for j in 0 ..< 3])
  y -> conv(2, 1)
}
"""


@pytest.fixture(scope="module", params=SPACES)
def space(request: pytest.FixtureRequest, root: Path) -> SearchSpace:
    text = Compilation.from_path(root / "specs" / f"{request.param}.nas")
    return text.space(next(name for name in text.library.own_spaces()))


@pytest.fixture(scope="module")
def small() -> SearchSpace:
    return Compilation.from_text(SMALL).space()


def differing(one: Genotype, other: Genotype) -> list[str]:
    return [p for p in {**one.values, **other.values} if one.values.get(p) != other.values.get(p)]


def test_what_the_operators_make_is_legal(space: SearchSpace) -> None:
    variation, rng = Variation(space), random.Random(1)
    first, second = variation.sample(rng), variation.sample(rng)
    for _ in range(30):
        mutant = variation.mutate(first, rng)
        child = variation.cross(mutant, second, rng)
        for made in (mutant, child):
            assert space.contains(made) == []
        assert list(child.values) == space.exists(child.values), "in another order than that of drawn ones"
        assert mutant != first
        first, second = second, child


def test_equal_seeds_make_equal_genotypes(space: SearchSpace) -> None:
    def made() -> list[Genotype]:
        variation, rng = Variation(space), random.Random(3)
        a, b = variation.sample(rng), variation.sample(rng)
        return [a, b, variation.mutate(a, rng), variation.cross(a, b, rng)]

    assert made() == made()


def test_a_child_has_nothing_that_neither_parent_has_without_need(small: SearchSpace) -> None:
    variation, rng = Variation(small), random.Random(0)
    for _ in range(200):
        a, b = variation.sample(rng), variation.sample(rng)
        child = variation.cross(a, b, rng)
        assert child.values["w[0]"] in (a.values["w[0]"], b.values["w[0]"])
        assert child.values["y"] in (a.values["y"], b.values["y"])


def test_a_mutation_changes_one_edge_or_one_value(small: SearchSpace) -> None:
    variation, rng = Variation(small), random.Random(0)
    for _ in range(200):
        genotype = variation.sample(rng)
        mutant = variation.mutate(genotype, rng, "y")
        assert len(set(genotype.values["y"]).symmetric_difference(mutant.values["y"])) == 1
        assert not [p for p in differing(genotype, mutant) if p.startswith("w")]
        value = variation.mutate(genotype, rng, "w[0]").values
        assert value["w[0]"] != genotype.values["w[0]"]
        assert value["w[1]"] == genotype.values["w[1]"] or value["w[0]"] > genotype.values["w[1]"]


def test_a_step_goes_to_the_next_value_and_keeps_the_rest(space: SearchSpace) -> None:
    variation, rng = Variation(space), random.Random(2)
    for _ in range(20):
        genotype = variation.sample(rng)
        path = rng.choice(variation.open_decisions(genotype))
        stepped = variation.mutate(genotype, rng, path, near=True)
        decision = space.decisions[path]
        assert space.contains(stepped) == []
        if decision.kind == "number" and decision.interval is None:
            places = sorted(decision.candidates)
            gone = abs(places.index(stepped.values[path]) - places.index(genotype.values[path]))
            assert gone == 1 or space.constraints, path


def test_a_step_of_depth_copies_the_turn_before() -> None:
    text = (
        "nas 1\nimport std.layers\nspace deep(x: image = [1, 8, 8]) {\n  y = x\n  repeat n in 1 .. 5 as i {\n"
        "    w[i] = pick one of 1 .. 9\n    z[i] = pick one of 0.0 .. 1.0\n    y = y -> conv(w[i], 3)\n"
        "    y = y -> dropout(z[i])\n  }\n  y -> conv(2, 1)\n}\n"
    )
    variation = Variation(Compilation.from_text(text).space())
    start = variation.space.genotype({"n": 2, "w[0]": 3, "z[0]": 0.2, "w[1]": 7, "z[1]": 0.9})
    assert variation.space.contains(start) == []
    found = [variation.mutate(start, random.Random(seed), "n", near=True).values for seed in range(20)]
    shallow = {"n": 1, "w[0]": 3, "z[0]": 0.2}
    deep = {**start.values, "n": 3, "w[2]": 7, "z[2]": 0.9}
    assert all(values in (shallow, deep) for values in found)
    assert shallow in found and deep in found
    reals = [variation.mutate(start, random.Random(seed), "z[0]", near=True).values["z[0]"] for seed in range(50)]
    assert min(reals) >= 0.0 and max(reals) < 0.6 and len(set(reals)) > 40


def test_neighbours_are_all_genotypes_of_one_change(small: SearchSpace) -> None:
    variation = Variation(small)
    genotype = next(g for g in small.enumerate() if g.values["w[0]"] == 1 and g.values["w[1]"] == 2)
    found = list(variation.neighbours(genotype))
    assert genotype not in found
    assert len(found) == len(set(found))
    apart = {tuple(sorted(p for p in differing(genotype, n) if p.startswith("w"))) for n in found}
    assert apart == {(), ("w[0]",), ("w[1]",), ("w[0]", "w[1]")}  # w[0] = 3 takes w[1] with it


def test_draws_are_uniform(small: SearchSpace) -> None:
    variation, rng = Variation(small), random.Random(0)
    count = 20 * small.size()
    drawn = Counter(variation.sample(rng) for _ in range(count))
    assert len(drawn) == small.size()
    squares = sum((drawn[g] - 20) ** 2 / 20 for g in drawn)
    assert squares < small.size() + 4 * (2 * small.size()) ** 0.5


def test_mutations_reach_every_genotype(small: SearchSpace) -> None:
    variation = Variation(small)
    start = small.unrank(0)
    reached, queue = {start}, [start]
    while queue:
        for neighbour in variation.neighbours(queue.pop()):
            if neighbour not in reached:
                reached.add(neighbour)
                queue.append(neighbour)
    assert len(reached) == small.size()


def test_a_space_of_one_genotype_comes_back() -> None:
    text = "nas 1\nimport std.layers\nspace one(x: image = [1, 8, 8]) { x -> conv(pick one of [4] as c, 3) }\n"
    space = Compilation.from_text(text).space()
    variation = Variation(space)
    only = space.unrank(0)
    assert variation.mutate(only, random.Random(0)) == only
    assert list(variation.neighbours(only)) == []
