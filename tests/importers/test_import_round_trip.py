"""What a genotype is written as is read back as the same genotype: uniform samples of every shipped space."""

from __future__ import annotations

import random
from typing import Any

import pytest
from notations import cells_of, codes_of, imported, record, shipped

SAMPLES = 25


@pytest.mark.parametrize(
    ("spec", "space", "names"),
    [
        ("darts", "cifar", {"normal": "normal", "reduce": "reduce"}),
        ("nas_unet", "nas_unet", {"down_sc": "down", "up_sc": "up"}),
        ("mixsearch", "wdan", {n: n for n in ("normal_down", "normal_up", "normal_normal")}),
    ],
)
def test_cells(spec: str, space: str, names: dict[str, str]) -> None:
    searched, rng = shipped(spec).space(space), random.Random(1)
    drawn = [searched.sample(rng) for _ in range(SAMPLES)]
    text = "\n".join(f"G{i} = {record(cells_of(g, names))}" for i, g in enumerate(drawn))
    assert [one.genotype for one in imported(text, spec, space).genotypes] == drawn


@pytest.mark.parametrize(("blocks", "depths", "input_"), [(2, 3, (1, 32, 32, 32)), (3, 2, (1, 32, 32))])
def test_grid(blocks: int, depths: int, input_: tuple[int, ...]) -> None:
    """In two dimensions there are two operators only, with the same digits."""
    from dataclasses import replace

    from nascompile.importers.importing import import_genotypes
    from nascompile.source import Source

    compilation = replace(shipped("dints"), input=input_, _programs={}, _spaces={})
    searched, rng = compilation.space("dints", {"blocks": blocks, "depths": depths}), random.Random(2)
    order = searched.decisions["edge[0, 0, 0]"].candidates
    assert len(order) == (5 if len(input_) == 4 else 2)
    for _ in range(SAMPLES):
        genotype = searched.sample(rng)
        text = repr(codes_of(genotype, blocks, depths, order))
        (one,) = import_genotypes(Source("original.py", text), compilation).genotypes
        assert one.genotype == genotype


def test_stages() -> None:
    searched, rng = shipped("nas_lung").space("nas_lung"), random.Random(3)
    for _ in range(SAMPLES):
        genotype = searched.sample(rng)
        values = genotype.values
        config = [[values[f"w[{p}, {i}]"] for i in range(values[f"n[{p}]"])] for p in range(3)]
        (one,) = imported(str(config), "nas_lung").genotypes
        assert one.genotype == genotype


def test_groups() -> None:
    searched, rng = shipped("analog_nas").space("analog_nas"), random.Random(4)
    for _ in range(SAMPLES):
        genotype = searched.sample(rng)
        config: dict[str, Any] = {"out_channel0": genotype.values["out_channel0"], "M": genotype.values["m"]}
        for g in range(5):  # as sampled: numbers of groups that are not there are zero
            for key, path in (("R", "r"), ("B", "b"), ("widenfact", "wide")):
                config[f"{key}{g + 1}"] = genotype.values.get(f"{path}[{g}]", 0)
            config[f"convblock{g + 1}"] = rng.choice([1, 2])
        (one,) = imported(repr(config), "analog_nas").genotypes
        assert one.genotype == genotype
