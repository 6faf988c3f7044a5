"""Conductances of weights: they give the weights back, agree with aihwkit's, and are written whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nascompile.analog.conductances import COLUMNS, conductances, write_conductances
from nascompile.analog.device import Device, load_device
from nascompile.analog.mapping import Placement, mapping_of
from nascompile.backends.pytorch import build
from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError

BODY = """
  a = x -> conv(300, 3)
  b = a -> conv(300, 3, groups = 100) -> conv_transpose(6, 2, stride = 2)
  c = b -> conv_transpose(6, 3, groups = 3) -> global_avg_pool -> linear(3)
"""
TEXT = f"nas 1\nimport std.layers\nspace net(x: image = [40, 4, 4]) {{{BODY}  c -> relu\n}}\n"


@pytest.fixture(scope="module")
def network() -> Any:
    text = Compilation.from_text(TEXT, "net.nas")
    program = text.program(text.call("net"), binding={}, is_fixed=True)
    return program, {name: t.numpy() for name, t in build(program).state_dict().items()}


def given_back(placement: Placement, shape: tuple[int, ...], tiles: list[Any], device: Device) -> NDArray[Any]:
    """The weight tensor that conductances stand for."""
    groups = sum(placement.packs) or 1
    whole = np.zeros((groups * placement.inputs, groups * placement.outputs))
    for tile in tiles:
        if tile.minus is None:
            weights = tile.low + tile.span * (tile.plus - device.g_min) / (device.g_max - device.g_min)
        else:
            weights = (tile.plus - tile.minus) / (device.g_max - device.g_min)
        rows, columns = weights.shape
        top, left = tile.first
        whole[top : top + rows, left : left + columns] = np.where(tile.is_used, weights * tile.scale, 0)
    blocks = [
        whole[g * placement.inputs : (g + 1) * placement.inputs, g * placement.outputs : (g + 1) * placement.outputs]
        for g in range(groups)
    ]
    turned = blocks if placement.layer == "conv_transpose" else [b.T for b in blocks]
    return np.stack(turned).reshape(shape)


@pytest.mark.parametrize("name", ["pcm", "reram", "cmo", "ideal"])
@pytest.mark.parametrize("scaling", ["per_column", "per_tile"])
def test_conductances_stand_for_the_weights(name: str, scaling: str, network: Any) -> None:
    program, weights = network
    device = dataclasses.replace(load_device(name), scaling=scaling)
    forms = set()
    for placement in mapping_of(program, device):
        weight = weights[f"{placement.path}.weight"]
        tiles = list(conductances(placement, weight, device))
        assert [t.plus.shape for t in tiles] == list(placement.tiles)
        assert sum(int(t.is_used.sum()) for t in tiles) == weight.size
        for tile in tiles:
            assert tile.plus.min() >= device.g_min - 1e-9 and tile.plus.max() <= device.g_max + 1e-9
            assert tile.plus.max() == pytest.approx(device.g_max) or tile.minus.max() == pytest.approx(device.g_max)
        assert given_back(placement, weight.shape, tiles, device) == pytest.approx(weight, abs=1e-7)
        forms.add((placement.layer, placement.form))
    assert len(forms) == 5


def test_every_column_of_a_tile_fills_the_range(network: Any) -> None:
    program, weights = network
    device = load_device("pcm")
    first = mapping_of(program, device)[0]
    for tile in conductances(first, weights[f"{first.path}.weight"], device):
        assert tile.minus is not None
        assert np.maximum(tile.plus, tile.minus).max(axis=0) == pytest.approx(25.0)
        assert (np.minimum(tile.plus, tile.minus) == 0).all()


@pytest.mark.parametrize("name", ["pcm", "cmo"])
def test_they_are_aihwkits(name: str, network: Any) -> None:
    converters = pytest.importorskip("aihwkit.inference.converter.conductance")
    import torch

    program, weights = network
    device = load_device(name)
    kind = {"pair": "SinglePairConductanceConverter", "single": "SingleDeviceConductanceConverter"}[device.cells]
    converter = getattr(converters, kind)(g_max=device.g_max, g_min=device.g_min)
    first = mapping_of(program, device)[0]
    matrix = weights[f"{first.path}.weight"].reshape(300, -1).T
    for tile in conductances(first, weights[f"{first.path}.weight"], device):
        top, left = tile.first
        piece = matrix[top : top + tile.plus.shape[0], left : left + tile.plus.shape[1]]
        theirs, _ = converter.convert_to_conductances(torch.from_numpy(piece / np.abs(piece).max(axis=0)))
        plus, *minus = theirs if device.cells == "pair" else [theirs]
        assert tile.plus == pytest.approx(plus.numpy(), abs=1e-4)
        if minus:
            assert tile.minus == pytest.approx(minus[0].numpy(), abs=1e-4)


def test_a_file_a_layer_on_tiles(tmp_path: Path, network: Any) -> None:
    program, weights = network
    device = load_device("pcm")
    placements = mapping_of(program, device)
    written = write_conductances(tmp_path / "out", placements, weights, device)
    assert [path.stem for path in written] == [p.path for p in placements]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(path.name for path in written)
    lines = written[0].read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# layer {placements[0].path}: conv, matrix, 360 inputs, 300 outputs, 4 tiles")
    assert "pcm" in lines[1] and "25 uS" in lines[1]
    assert lines[2] == COLUMNS
    rows = list(csv.DictReader(lines[2:]))
    weight = weights[f"{placements[0].path}.weight"].reshape(300, -1)
    assert len(rows) == weight.size
    for row in rows[:: len(rows) // 50]:
        pair = float(row["g_plus_uS"]) - float(row["g_minus_uS"])
        value = float(row["scale"]) * pair / 25
        assert value == pytest.approx(weight[int(row["output"]), int(row["input"])], rel=1e-4, abs=1e-7)


def test_weights_that_do_not_fit_are_told_and_leave_no_file(tmp_path: Path, network: Any) -> None:
    program, weights = network
    device = load_device("pcm")
    placements = mapping_of(program, device)
    name = f"{placements[0].path}.weight"
    with pytest.raises(NasError, match=r"weights-of-another-genotype.*108,000"):
        write_conductances(tmp_path / "out", placements, {**weights, name: weights[name][:7]}, device)
    with pytest.raises(NasError, match=rf"weights-of-another-genotype.*{name}"):
        write_conductances(tmp_path / "out", placements, {}, device)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, weights = network
    device = load_device("pcm")
    last = mapping_of(program, device)[-1:]
    (path,) = write_conductances(tmp_path, last, weights, device)
    before = path.read_bytes()

    def full_disk(*_: Any) -> Iterator[str]:
        yield "# layer"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nascompile.analog.conductances._lines", full_disk)
    with pytest.raises(NasError, match=r"cannot-write.*No space left"):
        write_conductances(tmp_path, last, weights, device)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_appear_whole(tmp_path: Path, network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program, weights = network
    device = load_device("pcm")
    renamed: list[tuple[str, int]] = []
    rename = Path.replace

    def noted(path: Path, target: Path) -> Path:
        renamed.append((target.name, path.stat().st_size))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    (path,) = write_conductances(tmp_path, mapping_of(program, device)[-1:], weights, device)
    assert renamed == [(path.name, path.stat().st_size)]


def test_a_folder_that_is_a_file_is_told(tmp_path: Path, network: Any) -> None:
    program, weights = network
    device = load_device("pcm")
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(NasError, match="cannot-write"):
        write_conductances(tmp_path / "out", mapping_of(program, device), weights, device)


def test_a_column_of_zeros_has_scale_zero(network: Any) -> None:
    program, weights = network
    device = load_device("pcm")
    last = mapping_of(program, device)[-1]
    weight = weights[f"{last.path}.weight"].copy()
    weight[1] = 0
    (tile,) = conductances(last, weight, device)
    assert tile.scale[1] == 0 and (tile.plus[:, 1] == 0).all()


@pytest.mark.parametrize("name", ["pcm", "cmo"])
def test_scales_that_training_kept_are_those_of_the_tiles(name: str, network: Any) -> None:
    program, weights = network
    device = load_device(name)
    for placement in mapping_of(program, device):
        weight = weights[f"{placement.path}.weight"]
        free = list(conductances(placement, weight, device))
        columns = [tile.scale for tile in free]
        kept = np.concatenate(columns) * 1.5
        tiles = list(conductances(placement, weight, device, kept))
        assert given_back(placement, weight.shape, tiles, device) == pytest.approx(weight, abs=1e-7)
        for tile, other in zip(tiles, free, strict=True):
            assert tile.plus == pytest.approx(other.plus)  # the largest weight is at g_max either way
        with pytest.raises(NasError, match="tile_scales"):
            list(conductances(placement, weight, device, kept[:-1]))


def test_kept_scales_come_from_the_state(tmp_path: Path, network: Any) -> None:
    program, weights = network
    device = load_device("pcm")
    last = mapping_of(program, device)[-1]
    scales = np.array([0.5, 1.0, 2.0])
    (path,) = write_conductances(tmp_path, [last], {**weights, f"{last.path}.tile_scales": scales}, device)
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {int(row["column"]): float(row["scale"]) for row in csv.DictReader(lines[2:])}
    assert [found[c] / found[0] for c in range(3)] == pytest.approx([1, 2, 4])
