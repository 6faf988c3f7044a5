"""Parameters at settings that no recorded network has: stated counts, and closed forms of the originals' modules."""

from __future__ import annotations

import random
from typing import Any

import pytest
from originals import cell_values, library, program, reference

from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.profile.cost import cost_of
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.space.space import SearchSpace

STATED = reference("stated_counts")
PUBLISHED = {"nas_unet": reference("nasunet_genotypes")["genotypes"], "wdan": reference("wdan_genotypes")["genotypes"]}
BOTH = [(name, number) for name in STATED["wdan"]["params"] for number in range(2)]
NAS_UNETS = [(name, number) for name in STATED["nas_unet"]["params"] for number in range(2)]


def retrained(spec: str, space: str, input_: tuple[int, ...], values: dict[str, Any], **arguments: Any) -> Program:
    """The network that is trained from scratch; what no search decides is kept as a whole."""
    opened = program(spec, space, input_, **arguments)
    kept = {path: d.candidates for path, d in opened.decisions.items() if d.decode == "all"}
    return elaborate(library(spec), Request(space, arguments, input_, {**kept, **values}, True))


@pytest.mark.parametrize(("name", "number"), NAS_UNETS)
def test_published_nas_unets(name: str, number: int) -> None:
    given = STATED["nas_unet"]["settings"][number]
    genotype = PUBLISHED["nas_unet"][name]
    values = cell_values("down_sc", genotype["down"]) | cell_values("up_sc", genotype["up"])
    arguments = {k: v for k, v in given.items() if k != "channels"} | {"nodes": len(genotype["down"]) // 2}
    net = retrained("nas_unet", "nas_unet", (given["channels"], 64, 64), values, **arguments)
    assert cost_of(net).registered == STATED["nas_unet"]["params"][name][number]


@pytest.mark.parametrize(("name", "number"), BOTH)
def test_published_lattices(name: str, number: int) -> None:
    given = STATED["wdan"]["settings"][number]
    genotype = PUBLISHED["wdan"][name]
    values: dict[str, Any] = {}
    for cell in ("normal_down", "normal_up", "normal_normal"):
        values |= cell_values(cell, genotype[cell])
    net = retrained("mixsearch", "wdan", (given["channels"], 64, 64), values, double=given["double"])
    assert cost_of(net).registered == STATED["wdan"]["params"][name][number]


SUPERNETS = [
    ("nas_unet", "nas_unet", 3, {"classes": 21}, 614_091),
    ("nas_unet", "nas_unet", 1, {"nodes": 4, "share": False}, 949_314),
    ("nas_unet", "nas_unet", 1, {"c": 32, "depth": 5}, 2_955_466),
    ("nas_unet", "nas_unet", 3, {"depth": 3, "nodes": 4, "double": True, "classes": 4}, 17_328_606),
    ("nas_unet", "nas_unet", 3, {"double": True, "classes": 21}, 44_883_960 - 153),
    ("mixsearch", "wdan", 3, {"layers": 7}, 13_620_346),
    ("mixsearch", "wdan", 1, {"layers": 7, "double": False}, 1_733_898),
    ("mixsearch", "wdan", 3, {}, 56_579_492),
    ("mixsearch", "wdan", 3, {"double": False}, 2_938_796),
]


@pytest.mark.parametrize(("spec", "space", "channels", "arguments", "expected"), SUPERNETS)
def test_supernets(spec: str, space: str, channels: int, arguments: dict[str, Any], expected: int) -> None:
    assert cost_of(program(spec, space, (channels, 64, 64), **arguments)).registered == expected


# --- closed forms ---


def grid_count(rank: int, channels: int, given: dict[str, Any]) -> int:
    """Weights of a DiNTS supernet, from the shapes of its modules."""
    kernel, depths, is_down = 3**rank, given["depths"], given["downsample"]
    f = [int(32 * 2**d * given["mul"]) for d in range(depths + 1)]
    c = [f[d + is_down] for d in range(depths)]
    total = f[0] ** 2 * kernel + 2 * f[0] + (f[0] + 1) * given["classes"]
    for d in range(depths):
        total += channels * f[d] * kernel + 2 * f[d] + (f[d] * f[d + 1] * kernel + 2 * f[d + 1] if is_down else 0)
        a, b = (f[d + 1], f[d]) if is_down else (f[d], f[max(d - 1, 0)])
        total += a * b * kernel + 2 * b
        for i in range(max(d - 1, 0), min(d + 2, depths)):
            change = 0 if i == d else c[i] * c[d] + 2 * c[d]
            pseudo = 3 * (12 * c[d] ** 2 + 2 * c[d]) if rank == 3 else 0
            total += given["blocks"] * (change + c[d] ** 2 * kernel + 2 * c[d] + pseudo)
    return total


GRIDS = [
    (rank, channels, {"depths": depths, "blocks": blocks, "mul": mul, "downsample": is_down, "classes": classes})
    for rank, channels, depths, blocks, mul, is_down, classes in [
        (2, 1, 2, 1, 0.25, True, 2),
        (2, 3, 3, 5, 1.0, False, 4),
        (2, 4, 5, 2, 0.1, True, 3),
        (2, 2, 4, 7, 0.75, True, 1),
        (3, 1, 2, 4, 0.2, False, 2),
        (3, 4, 3, 2, 0.3, True, 5),
        (3, 2, 5, 1, 0.5, True, 14),
        (3, 1, 4, 12, 0.5, True, 3),
    ]
]


@pytest.mark.parametrize(("rank", "channels", "given"), GRIDS)
def test_grids(rank: int, channels: int, given: dict[str, Any]) -> None:
    side = 2 ** (given["depths"] + 1)
    opened = program("dints", "dints", (channels, *[side] * rank), **given)
    assert cost_of(opened).registered == grid_count(rank, channels, given)
    edges = given["blocks"] * (3 * given["depths"] - 2)
    sizes = [len(d.candidates) for d in opened.decisions.values() if d.kind == "op"]
    assert sizes == [5 if rank == 3 else 2] * edges


def residual_count(stem: list[int], config: list[list[int]], *, attention: bool, angular: bool) -> int:
    """Weights of a NAS-Lung network, from the shapes of its modules."""
    a, last = stem
    total = (27 * a + 3 * a) + (27 * a * last + 3 * last)
    total += (2 * last * (last // 4) + 54) if attention else 0
    for stage in config:
        total += 27 * last**2 + 2 * last
        for c in stage:
            total += 27 * last * c + 27 * c * c + last * c + 9 * c
            last = c
        total += (2 * last * (last // 4) + 54) if attention else 0
    return total + 2 * last + (0 if angular else 2)


def lung(stem: list[int], config: list[list[int]], ladder: list[int], **arguments: bool) -> Program:
    values: dict[str, Any] = {f"n[{part}]": len(stage) for part, stage in enumerate(config)}
    values |= {f"w[{part}, {i}]": c for part, stage in enumerate(config) for i, c in enumerate(stage)}
    given = {"stem": tuple(stem), "ladder": tuple(ladder), "longest": 14, **arguments}
    SearchSpace(program("nas_lung", "nas_lung", (1, 32, 32, 32), **given)).genotype(values)
    return elaborate(library("nas_lung"), Request("nas_lung", given, (1, 32, 32, 32), values, True))


@pytest.mark.parametrize("number", range(len(STATED["nas_lung"]["params"])))
def test_published_classifiers(number: int) -> None:
    stem, config, counts = STATED["nas_lung"]["params"][number]
    ladder = [4, 8, 16, 32, 64, 128, 256, 512]
    assert cost_of(lung(stem, config, ladder, attention=False, angular=False)).registered == counts[0]
    assert cost_of(lung(stem, config, ladder, attention=True, angular=True)).registered == counts[1]


@pytest.mark.parametrize("seed", range(8))
def test_other_classifiers(seed: int) -> None:
    rng = random.Random(seed)
    ladder = [4, 12, 20, 48, 96]
    depth = rng.randint(3, 12)
    first, second = sorted(rng.sample(range(1, depth), 2))
    widths = sorted(rng.choice(ladder) for _ in range(depth))
    config = [widths[:first], widths[first:second], widths[second:]]
    stem, attention, angular = [rng.choice([4, 8]), rng.choice([4, 16])], rng.random() < 0.5, rng.random() < 0.5
    expected = residual_count(stem, config, attention=attention, angular=angular)
    assert cost_of(lung(stem, config, ladder, attention=attention, angular=angular)).registered == expected


def branched_count(config: dict[str, Any], classes: int, channels: int) -> int:
    """Weights of an AnalogNAS network on 32 x 32, with the original's floor division of floating point numbers."""
    last = config["out_channel0"]
    total = 49 * channels * last + 2 * last
    for g in range(config["m"]):
        c = round(last // config[f"wide[{g}]"])
        for _ in range(max(config[f"r[{g}]"], 1)):
            total += config[f"b[{g}]"] * (9 * last * c + 9 * c * c + 4 * c) + (last * c + 2 * c if last != c else 0)
            last = c
    return total + (441 * last + 1) * classes


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("width", [None, 0.5, 0.55, 0.6, 0.7, 0.8])
def test_branched_networks(seed: int, width: float | None) -> None:
    """`8 // 0.8` is 9: the width 0.8 is a little more than that. Both the sampled and the declared ranges."""
    rng = random.Random(seed)
    is_sampled = seed % 2 == 0
    more = 0 if is_sampled else 1
    config: dict[str, Any] = {"out_channel0": rng.choice([8, 12, 16, 32, 48, 64]), "m": rng.randint(1, 4 + more)}
    for g in range(config["m"]):
        config[f"wide[{g}]"] = width or rng.uniform(0.5, 0.8)
        config[f"b[{g}]"] = rng.randint(1, 4 + more)
        config[f"r[{g}]"] = rng.randint(1 if g == 0 else 0, 15 + more)
    given = {"classes": rng.randint(2, 12), "sampled": is_sampled}
    input_ = (rng.randint(1, 4), 32, 32)
    net = elaborate(library("analog_nas"), Request("analog_nas", given, input_, config, True))
    assert cost_of(net).registered == branched_count(config, given["classes"], input_[0])


@pytest.mark.parametrize(
    ("spec", "space", "input_", "arguments", "words"),
    [
        ("mixsearch", "wdan", (3, 64, 64), {"layers": 1}, "`layers` is at least 3, got 1"),
        ("nas_lung", "nas_lung", (1, 32, 32, 32), {"stem": (4,)}, "`stem` is two widths"),
        ("nas_lung", "nas_lung", (1, 32, 32, 32), {"margin": -1}, "above 0, got -1"),
    ],
)
def test_settings_that_mean_nothing(
    spec: str, space: str, input_: tuple[int, ...], arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(NasError, match=words):
        program(spec, space, input_, **arguments)
