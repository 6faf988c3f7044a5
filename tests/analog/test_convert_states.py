"""From clean weights to programmed to drifted and back: what goes wrong with aihwkit's own tiles cannot happen."""

from __future__ import annotations

import dataclasses
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from nascompile.analog.device import Device, HardwareAware, load_device, with_bits
from nascompile.backends.pytorch import build
from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.ir.program import Program

pytest.importorskip("aihwkit", reason="make analog installs it")
from nascompile.backends.analog import grid, selftest
from nascompile.backends.analog.network import AnalogNetwork, analog

BODY = (
    "x -> conv(6, 3) -> batch_norm -> relu -> conv(6, 3, groups = 6) -> conv_transpose(3, 2, stride = 2, bias = true)"
)
MONTH = 2592000.0
AWARE = HardwareAware(noise=0.1, clip_sigma=1.5, remap=True)


def small(device: Device) -> Device:
    return dataclasses.replace(device, tile=(24, 16))


def program(body: str = BODY) -> Program:
    text = Compilation.from_text(f"nas 1\nimport std.layers\nspace net(x: image = [4, 8, 8]) {{\n{body}\n}}\n", "n.nas")
    return text.program(text.call("net"), binding={}, is_fixed=True)


def network(name: str = "pcm", **options: Any) -> AnalogNetwork:
    made = program()
    return analog(build(made), made, small(load_device(name)), **options).eval()


X = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def run(on_tiles: torch.nn.Module) -> Tensor:
    with torch.no_grad():
        return on_tiles(X)  # type: ignore[no-any-return]


def held(on_tiles: AnalogNetwork) -> list[Tensor]:
    """Everything that stands on the tiles, and the scales of their outputs."""
    return [part for layer in on_tiles.layers() for one in layer.held or [] for part in (one.weights, one.scales)]


def code(error: pytest.ExceptionInfo[NasError]) -> str:
    return error.value.diagnostics[0].code


@pytest.mark.parametrize("name", ["pcm", "reram", "cmo"])
def test_programming_forgets_what_was_compensated(name: str) -> None:
    first, second = network(name), network(name)
    first.program(1)
    first.drift(86400.0, 2)
    scaled = held(first)
    first.program(3)
    second.program(3)
    assert all(torch.equal(a, b) for a, b in zip(held(first), held(second), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(held(first), scaled, strict=True))
    assert torch.equal(run(first), run(second))


def test_drift_never_compounds() -> None:
    once, often = network(), network()
    for on_tiles in (once, often):
        on_tiles.program(1)
    for seconds in (1.0, 3600.0, 86400.0, MONTH, MONTH):
        often.drift(seconds, 7)
    once.drift(MONTH, 7)
    assert torch.equal(run(once), run(often))


def test_drift_makes_weights_smaller_and_compensation_gives_them_back() -> None:
    on_tiles, plain = network(), network()
    plain.compensation = None
    sums = []
    for tested in (on_tiles, plain):
        tested.program(1)
        before = sum(float(part.abs().sum()) for part in held(tested)[::2])
        tested.drift(MONTH, 2)
        parts = held(tested)
        sums.append((sum(float(part.abs().sum()) for part in parts[::2]) / before, float(parts[1].mean())))
    assert sums[0][0] < 0.75 and sums[1][0] < 0.75
    assert 1.4 < sums[0][1] / sums[1][1] < 2.2


@pytest.mark.parametrize("kind", ["none", "global", "global_exact", "per_column"])
def test_every_compensation(kind: str) -> None:
    made = program()
    on_tiles = analog(build(made), made, dataclasses.replace(small(load_device("pcm")), compensation=kind))
    on_tiles.program(0)
    clean = [part.clone() for part in held(on_tiles)[1::2]]
    on_tiles.drift(MONTH, 0)
    ratios = [after / before for after, before in zip(held(on_tiles)[1::2], clean, strict=True)]
    if kind == "none":
        assert all(torch.equal(ratio, torch.ones_like(ratio)) for ratio in ratios)
        return
    assert all(float(ratio.min()) > 1.2 for ratio in ratios)
    (layer, *_) = on_tiles.layers()
    first_tile = ratios[0][0][: layer.blocks[0].column_parts[0]]
    assert (float(first_tile.std()) < 1e-5) == (kind != "per_column")


def test_results_are_functions_of_the_seeds() -> None:
    on_tiles, other = network(), network()
    before = torch.get_rng_state()
    on_tiles.program(5)
    on_tiles.drift(MONTH, 6)
    found = run(on_tiles)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(100)
    other.program(4)
    other.drift(1.0, 6)
    other.program(5)
    other.drift(MONTH, 6)
    assert torch.equal(run(other), found)
    other.drift(MONTH, 7)
    assert not torch.equal(run(other), found)


def test_a_state_is_clean_whatever_was_done(tmp_path: Path) -> None:
    made = program()
    digital = build(made)
    on_tiles = analog(digital, made, small(load_device("pcm")))
    clean = on_tiles.clean_state()
    on_tiles.program(1)
    on_tiles.drift(MONTH, 1)
    save_file(on_tiles.clean_state(), tmp_path / "state.safetensors")
    loaded = load_file(tmp_path / "state.safetensors")
    assert set(loaded) == set(digital.state_dict()) and all(torch.equal(loaded[n], clean[n]) for n in clean)
    drifted = run(on_tiles)
    fresh = analog(build(made, seed=9), made, small(load_device("pcm")))
    fresh.load_clean(loaded)
    assert not fresh.is_programmed
    fresh.program(1)
    fresh.drift(MONTH, 1)
    assert torch.equal(run(fresh), drifted)
    assert not any("rpu" in name or "config" in name for name in on_tiles.state_dict())


def test_clean_gives_the_clean_network_back() -> None:
    on_tiles = network()
    before = run(on_tiles)
    on_tiles.program(1)
    on_tiles.drift(MONTH, 1)
    assert not torch.equal(run(on_tiles), before)
    on_tiles.clean()
    on_tiles.train()
    on_tiles.eval()
    assert torch.equal(run(on_tiles), before)


def test_no_training_on_programmed_weights_and_no_drift_of_clean_ones() -> None:
    on_tiles = network()
    with pytest.raises(NasError) as error:
        on_tiles.drift(1.0, 0)
    assert code(error) == "not-programmed"
    on_tiles.program(0)
    with pytest.raises(NasError) as error:
        on_tiles.train()
    assert code(error) == "programmed-weights"


def test_times_that_nobody_measured() -> None:
    on_tiles = network("reram")
    on_tiles.program(0)
    with pytest.raises(NasError) as error:
        on_tiles.drift(MONTH, 0)
    assert code(error) == "unknown-time" and "86400 s" in str(error.value)
    on_tiles = network("pcm")
    on_tiles.program(0)
    on_tiles.drift(0.0, 0)
    with pytest.raises(NasError) as error:
        on_tiles.drift(-1.0, 0)
    assert code(error) == "unknown-time"


def test_no_numbers_where_a_model_has_none() -> None:
    """Times shorter than a reading have the root of a negative logarithm in the model of `cmo`."""
    on_tiles = network("cmo")
    on_tiles.program(0)
    on_tiles.drift(0.0, 0)
    with pytest.raises(NasError) as error:
        on_tiles.drift(1e-9, 0)
    assert code(error) == "unknown-time"


@pytest.mark.parametrize("value", [0.0, 0.7])
@pytest.mark.parametrize("name", ["pcm", "reram", "cmo"])
def test_a_tile_of_equal_weights_has_a_range_of_conductances(name: str, value: float) -> None:
    """Single cells spread the weights of a tile over their range: of equal ones aihwkit divides by their difference."""
    made = program("x -> conv(3, 1)")
    digital = build(made)
    digital.get_submodule("conv").weight.data.fill_(value)  # type: ignore[union-attr]
    device = dataclasses.replace(load_device(name), cells="single", compensation="none", output_noise=0.0)
    on_tiles = analog(digital, made, device)
    expected = run(digital.eval())
    on_tiles.program(0)
    written = run(on_tiles)
    on_tiles.drift(1.0, 0)
    for found in (written, run(on_tiles)):
        assert found.isfinite().all()
        assert (found - expected).abs().max() < 0.2 * X.abs().max()
        assert value == 0 or not torch.equal(found, expected)


def test_cells_that_fell_below_zero_are_at_the_floor() -> None:
    device = dataclasses.replace(load_device("cmo"), g_min=0.0, g_max=5.0, drift=4.0)
    made = program()
    on_tiles = analog(build(made), made, small(device))
    on_tiles.program(0)
    on_tiles.drift(MONTH, 0)
    assert all(part.isfinite().all() for part in held(on_tiles))


def test_a_column_of_zeros_learns_without_remapping() -> None:
    made = program("x -> conv(3, 1)")
    digital = build(made)
    digital.get_submodule("conv").weight.data[1] = 0  # type: ignore[index, union-attr]
    device = load_device("ideal")
    on_tiles = analog(digital, made, device, training=dataclasses.replace(AWARE, clip_sigma=None, remap=False)).train()
    weight = on_tiles.layers()[0].weight
    on_tiles(X).square().sum().backward()
    with torch.no_grad():
        weight[1] = 0.5
    found = run(on_tiles.eval())
    digital.get_submodule("conv").weight.data.copy_(weight)  # type: ignore[operator, union-attr]
    assert torch.allclose(found, run(digital.eval()), atol=1e-5)


def test_ideal_cells_behind_converters() -> None:
    digital = run(network("ideal"))
    device = dataclasses.replace(small(load_device("ideal")), dac_bits=2)
    made = program()
    on_tiles = analog(build(made), made, device).eval()
    on_tiles.load_clean(network("ideal").clean_state())
    on_tiles.program(0)
    coarse = run(on_tiles)
    assert not torch.allclose(coarse, digital, atol=1e-3)
    on_tiles.drift(MONTH, 1)
    assert torch.equal(run(on_tiles), coarse)


def test_states_of_other_networks() -> None:
    on_tiles = network()
    state = on_tiles.clean_state()
    name = next(name for name in state if name.endswith("weight"))
    for changed in ({**state, "other.weight": X}, {n: v for n, v in state.items() if n != name}, {**state, name: X}):
        with pytest.raises(NasError) as error:
            on_tiles.load_clean(changed)
        assert code(error) == "state-of-another-network"
    with pytest.raises(NasError) as error:
        analog(build(program("x -> conv(7, 3)")), program(), small(load_device("pcm")))
    assert code(error) == "not-that-network"


@pytest.mark.parametrize("remap", [True, False])
def test_no_optimiser_can_leave_out_clipping(remap: bool) -> None:
    on_tiles = network(training=dataclasses.replace(AWARE, remap=remap))
    (first, *_) = on_tiles.layers()
    on_tiles.train()
    optimiser = torch.optim.SGD(on_tiles.parameters(), lr=0.5)
    on_tiles(X).square().mean().backward()
    optimiser.step()

    def widest() -> float:
        (loaded, *_), block = first.load(), first.blocks[0]
        return max(float(t.abs().max() / t[t != 0].std()) for t in grid.tiles_of(loaded.weights, block))

    unclipped = first.weight.detach().clone()
    state = on_tiles.clean_state()
    assert (
        float((unclipped - first.weight.detach()).abs().max()) > 0.01 and widest() < 2.1
    )  # the bound, over a smaller deviation
    again = network(training=dataclasses.replace(AWARE, remap=remap))
    again.load_clean(state)
    again.train()
    assert all(torch.equal(v, state[n]) for n, v in again.clean_state().items()), (
        "what was clipped is not clipped twice"
    )
    for tested in (on_tiles.train(), again):  # goes on as if it had not been saved
        tested.zero_grad()
        torch.manual_seed(3)
        tested(X).square().mean().backward()
    gradients = [[p.grad for p in tested.parameters()] for tested in (on_tiles, again)]
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_training_noise() -> None:
    noisy, quiet = network(training=AWARE), network(training=dataclasses.replace(AWARE, noise=0.0))
    deviations = []
    for on_tiles in (quiet, noisy):
        on_tiles.train()
        torch.manual_seed(0)
        with torch.no_grad():
            deviations.append(float(torch.stack([on_tiles(X) for _ in range(20)]).std(0).mean()))
    assert deviations[1] > 1.5 * deviations[0] > 0


def test_more_bits_are_nearer() -> None:
    errors = []
    made = program()
    digital = build(made).eval()
    for bits in (4, 6, 8):
        device = dataclasses.replace(with_bits(small(load_device("pcm")), bits), output_noise=0.0)
        errors.append(float((run(analog(digital, made, device).eval()) - run(digital)).norm() / run(digital).norm()))
    assert errors[0] > 2 * errors[1] > 4 * errors[2] > 0


@pytest.mark.parametrize("kind", ["calibrated", "learned"])
def test_input_ranges(kind: str) -> None:
    made = program()
    digital = build(made).eval()
    device = dataclasses.replace(small(load_device("pcm")), input_range=kind, output_noise=0.0)
    on_tiles = analog(digital, made, device).eval()
    with pytest.raises(NasError) as error:
        run(on_tiles)
    assert code(error) == "not-calibrated"
    on_tiles.calibrate([X])
    assert float((run(on_tiles) - run(digital)).norm() / run(digital).norm()) < 0.2
    other = analog(digital, made, device).eval()
    other.load_clean(on_tiles.clean_state())
    assert torch.equal(run(other), run(on_tiles))
    other.load_clean(digital.state_dict())  # a digital state has no ranges, and leaves them
    assert torch.equal(run(other), run(on_tiles))
    on_tiles.train()
    on_tiles(X).square().mean().backward()
    learned = [p for n, p in on_tiles.named_parameters() if "input_range" in n]
    assert len(learned) == (3 if kind == "learned" else 0)
    assert all(p.grad is not None and bool(p.grad != 0) for p in learned)


def test_back_ends_of_tiles() -> None:
    found = selftest.tile_backends()
    assert set(found) == {"torch", "cpp"} and found["torch"] == ""
    selftest.require_tiles("torch")
    if found["cpp"]:
        with pytest.raises(NasError) as error:
            network(tiles="cpp")
        assert code(error) == "broken-tiles" and found["cpp"] in str(error.value)
    with pytest.raises(NasError) as error:
        network(tiles="fpga")
    assert code(error) == "unknown-tiles"


def test_a_wrong_product_fails_the_self_test() -> None:
    assert selftest._problem(lambda w, x: x @ w.T) == ""
    assert "wrong" in selftest._problem(lambda w, x: 1.01 * (x @ w.T))
    assert "wrong" in selftest._problem(lambda w, x: x)
    assert selftest._problem(lambda w, x: x @ w) != ""


def test_without_aihwkit_the_command_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "aihwkit" else real(name))
    with pytest.raises(NasError) as error:
        network()
    assert code(error) == "missing-package" and "make analog" in str(error.value)


def test_nothing_imports_torchvision() -> None:
    """aihwkit names it among its requirements, and it does not import beside every torch."""
    script = (
        "import sys\nsys.path.insert(0, sys.argv[1])\n"
        "sys.modules['torchvision'] = None\nsys.modules['sklearn'] = None\n"
        "import test_convert_states as t\non_tiles = t.network()\non_tiles.program(0)\n"
        "on_tiles.drift(1.0, 0)\nt.run(on_tiles)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(Path(__file__).parent)], check=True, timeout=300)
