"""Exact sizes of the shipped spaces equal published counts, the originals' enumerations, or a closed form."""

from __future__ import annotations

from itertools import combinations
from math import comb, prod
from typing import Any

import pytest
from originals import reference, space

from nascompile.space.space import SearchSpace

LUNG = [c for c in reference("naslung_search")["get_all_search_space"]["cases"] if c["max_len"] >= c["min_len"]]
DINTS = [
    (int(depths), int(blocks), int(count))
    for depths, table in reference("dints_connectivity")["depths"].items()
    if int(depths) <= 4
    for blocks, count in table["num_topologies_by_blocks"].items()
]


def topologies(blocks: int, depths: int) -> SearchSpace:
    """A grid in which every edge has one operator."""
    grid = space("dints", "dints", (1, 32, 32), blocks=blocks, depths=depths)
    return grid.restricted({path: ["skip_connect"] for path in grid.decisions if path.startswith("edge")})


def cell(nodes: int, choices: Any) -> int:
    """Genotypes of a cell in which node i keeps two of the inputs 0 .. i + 1, with choices(j) operators at input j."""
    return prod(sum(choices(a) * choices(b) for a, b in combinations(range(n + 2), 2)) for n in range(nodes))


def test_darts() -> None:
    one_cell = 1_037_664_180  # Liu et al. (ICLR 2019): the product of k (k + 1) / 2 * 7 ^ 2 for k = 1 .. 4
    assert cell(4, lambda j: 7) == one_cell
    assert space("darts", "cifar", (3, 32, 32)).size() == one_cell**2


def test_nasbench201() -> None:
    assert space("nasbench201", "nasbench201", (3, 32, 32)).size() == 15_625  # Dong & Yang, ICLR 2020


@pytest.mark.parametrize("nodes", [2, 3, 4])
def test_nas_unet(nodes: int) -> None:
    # `none` is no choice: six operators at every edge, four where an up cell takes its lower input
    expected = cell(nodes, lambda j: 6) * cell(nodes, lambda j: 4 if j == 1 else 6)
    assert space("nas_unet", "nas_unet", (1, 64, 64), nodes=nodes).size() == expected
    assert nodes != 3 or expected == 304_749_527_040


def test_nas_unet_flexible() -> None:
    # a skip or not at depth + 1 levels; without a searched cell on the way down only the up cell is decided
    expected = sum(
        2 * 2 ** (depth + 1) * ((2**depth - 1) * cell(nodes, lambda j: 6) + 1) * cell(nodes, _on_the_way_up)
        for depth in (2, 3, 4)
        for nodes in (2, 3, 4)
    )
    assert space("nas_unet_flexible", "nas_unet_flexible", (1, 64, 64)).size() == expected


def _on_the_way_up(j: int) -> int:
    return 4 if j == 1 else 6


def test_mixsearch() -> None:
    expected = cell(4, lambda j: 6) ** 2 * cell(4, lambda j: 4 if j == 1 else 6)
    assert space("mixsearch", "wdan", (3, 64, 64)).size() == expected


@pytest.mark.parametrize(("depths", "blocks", "count"), DINTS)
def test_dints_topologies(depths: int, blocks: int, count: int) -> None:
    recorded = reference("dints_connectivity")["depths"][str(depths)]["num_topologies_by_blocks"]
    assert topologies(blocks, depths).size() == count == int(recorded[str(blocks)])


def test_dints_published_grid() -> None:
    assert topologies(12, 4).size() == 1_607_993_224_832_840_742_702_868_269_231


@pytest.mark.parametrize("case", LUNG, ids=lambda c: f"{c['min_len']}-{c['max_len']}-{len(c['channel_range'])}")
def test_nas_lung(case: dict[str, Any]) -> None:
    ladder, shortest, longest = tuple(case["channel_range"]), case["min_len"], case["max_len"]
    searched = space("nas_lung", "nas_lung", (1, 32, 32, 32), ladder=ladder, shortest=shortest, longest=longest)
    k = len(ladder)
    assert searched.size() == case["count"]
    assert case["count"] == sum(comb(d + k - 1, d) * comb(d - 1, 2) for d in range(shortest, longest + 1))


def test_nas_lung_lists_the_same_configurations() -> None:
    checked = 0
    for case in LUNG:
        if "all" not in case:
            continue
        ladder, shortest, longest = tuple(case["channel_range"]), case["min_len"], case["max_len"]
        searched = space("nas_lung", "nas_lung", (1, 32, 32, 32), ladder=ladder, shortest=shortest, longest=longest)
        ours = {
            tuple(tuple(v[f"w[{p}, {i}]"] for i in range(v[f"n[{p}]"])) for p in range(3))
            for v in (genotype.values for genotype in searched.enumerate())
        }
        assert ours == {tuple(map(tuple, config)) for config in case["all"]}
        checked += 1
    assert checked


def test_nas_lung_published() -> None:
    assert space("nas_lung", "nas_lung", (1, 32, 32, 32)).size() == 101_529


def test_analog_nas() -> None:
    # six stems; m groups of four branch counts and 16 repetitions each, 15 in the first; widening factors are reals
    expected = 6 * sum((4 * 15) * (4 * 16) ** (m - 1) for m in range(1, 5))
    searched = space("analog_nas", "analog_nas", (3, 32, 32))
    assert searched.size() == expected == 95_869_800
    assert searched.reals == ("wide[0]", "wide[1]", "wide[2]", "wide[3]")


def test_mobilenet() -> None:
    # each of five stages has 2, 3 or 4 blocks, each with three kernels and three expansions
    assert space("mobilenet_v3", "mobilenet_v3", (3, 64, 64)).size() == (9**2 + 9**3 + 9**4) ** 5
