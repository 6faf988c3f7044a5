"""The model of energy and latency: published figures of a full tile, and how a network adds up."""

from __future__ import annotations

import dataclasses

import pytest

from nascompile.analog.device import Device, load_device
from nascompile.analog.estimate import estimate_of, total_of
from nascompile.analog.figures import tile_figures
from nascompile.analog.mapping import Placement, mapping_of
from nascompile.compilation import Compilation
from nascompile.ir.program import Program
from nascompile.resources import resource

OPERATIONS = 2 * 256 * 256  # of a product on a full tile, as chips are rated


@pytest.fixture(scope="module")
def pcm() -> Device:
    return load_device("pcm")


def full(uses: int = 1, **changes: object) -> Placement:
    """A layer that fills a tile."""
    p = Placement("a", "linear", "matrix", "", 256, 256, ((256, 256),), 1.0, 65536 * uses, uses)
    return dataclasses.replace(p, **changes)  # type: ignore[arg-type]


def published(spec: str, name: str) -> Program:
    text = Compilation.from_path(resource(f"specs/genotypes/{spec}.nas"))
    return text.network(text.genotype(name))


def test_a_full_tile_is_as_published(pcm: Device) -> None:
    """63.1 TOPS on 64 tiles, 9.76 TOPS/W: Le Gallo et al., Nature Electronics 2023."""
    found = estimate_of(full(), pcm)
    assert 64 * OPERATIONS / found.latency == pytest.approx(63.1e12, rel=0.01)
    assert OPERATIONS / found.energy == pytest.approx(9.76e12, rel=0.01)


def test_the_resistive_tile_is_read_bit_by_bit() -> None:
    """8 bits of 100 ns; 8 conversions an output at 1.67 pJ; 1024 DACs of 4 mW: ISAAC, table I."""
    reram = load_device("reram")
    found = estimate_of(full(), reram)
    assert found.latency == pytest.approx(8 * 100e-9)
    assert reram.costs.output_energy == pytest.approx(8 * 2e-3 / 1.2e9, rel=0.01)
    assert reram.costs.input_energy == pytest.approx(4e-3 / 1024 * 800e-9, rel=0.01)
    assert reram.costs.weight_energy == pytest.approx(2 * 2.4e-3 / (8 * 128 * 128) * 800e-9, rel=0.01)
    assert reram.costs.tile_energy == pytest.approx(4 * 1.67e-3 / 8 * 800e-9, rel=0.01)


def test_every_part_has_its_price(pcm: Device) -> None:
    base = estimate_of(full(), pcm)
    costs = dataclasses.replace(
        pcm.costs, input_energy=1.0, output_energy=10.0, weight_energy=1e-3, tile_energy=1e4, add_energy=1e6
    )
    device = dataclasses.replace(pcm, costs=costs)
    p = full(3, tiles=((10, 4), (9, 4)), inputs=19, outputs=4, sums=4)
    assert estimate_of(p, device).energy == pytest.approx(3 * (19 + 80 + 0.076 + 2e4 + 4e6))
    assert estimate_of(p, device).latency == pytest.approx(3 * base.latency)


def test_a_digital_layer_costs_its_multiply_accumulates(pcm: Device) -> None:
    p = Placement("a", "conv", "digital", "why", 0, 0, (), 0.0, 128_000, 0)
    found = estimate_of(p, pcm)
    assert found.energy == pytest.approx(128_000 * 0.87e-12)
    assert found.latency == pytest.approx(1e-6)


def test_a_network_is_the_sum_of_its_layers(pcm: Device) -> None:
    placements = [full(4), full(2), Placement("b", "conv", "digital", "why", 0, 0, (), 0.0, 1000, 0)]
    total, parts = total_of(placements, pcm), [estimate_of(p, pcm) for p in placements]
    assert (total.layers, total.analog_layers, total.tiles, total.products) == (3, 2, 2, 6)
    assert total.energy == pytest.approx(sum(e.energy for e in parts))
    assert total.latency == pytest.approx(sum(e.latency for e in parts))
    assert total.interval == pytest.approx(4 * 133e-9)
    assert total.share == 6 * 65536 / (6 * 65536 + 1000)
    assert total.utilisation == 1.0


def test_a_network_without_layers_is_nothing(pcm: Device) -> None:
    total = total_of([], pcm)
    assert (total.energy, total.interval, total.share, total.utilisation) == (0, 0, 0, 0)


def test_figures_of_a_published_net(pcm: Device) -> None:
    program = published("nas_lung", "model_d")
    found = tile_figures(program, pcm)
    assert found["tiles"] == sum(row["tiles"] for row in found["layers"])
    assert found["macs"] == sum(p.macs for p in mapping_of(program, pcm))
    assert found["estimate"]["energy_uj"] == pytest.approx(sum(row["energy_uj"] for row in found["layers"]))
    assert found["layers_digital"] == 1 and found["layers"][-1]["form"] == "digital"
    assert "Le Gallo" in found["estimate"]["source"]
