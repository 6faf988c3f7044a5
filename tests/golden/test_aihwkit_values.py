"""aihwkit's recorded numbers: through a device, its configuration and our layers where they have the thing, else
against aihwkit as it is used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from originals import reference
from torch import Tensor, nn

from nascompile.analog.device import Device, load_device
from nascompile.analog.mapping import split_sizes
from nascompile.compilation import Compilation

pytest.importorskip("aihwkit", reason="make analog installs it")
from nascompile.backends.analog import config, grid, programming
from nascompile.backends.analog.network import AnalogNetwork
from nascompile.backends.analog.periphery import Periphery

DATA = reference("analognas_aihwkit")
FORWARD = DATA["AnalogLinear_forward_eval"]
W = torch.tensor(FORWARD["W(4x6) = 0.4*sin((i+1)^2)"], dtype=torch.float64).view(4, 6)
B = torch.tensor(FORWARD["b"], dtype=torch.float64)
X = torch.tensor(FORWARD["X(5x6)"], dtype=torch.float64).view(5, 6)
PCM = DATA["PCMLikeNoiseModel(g_max=25)"]


def device(**changes: Any) -> Device:
    """PCM without noise of its outputs, as the numbers were recorded."""
    return dataclasses.replace(load_device("pcm"), output_noise=0.0, **changes)


def linear(on: Device, dtype: torch.dtype = torch.float64) -> AnalogNetwork:
    """The recorded matrix as a network on tiles."""
    text = Compilation.from_text(
        "nas 1\nimport std.layers\nspace net(x: image = [6, 1, 1]) {\n"
        "global_avg_pool(x) -> linear(4, bias = true)\n}\n", "net.nas"
    )  # fmt: skip
    from nascompile.backends.analog.network import analog
    from nascompile.backends.pytorch import build

    program = text.program(text.call("net"), binding={}, is_fixed=True)
    network = build(program).to(dtype)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(W if parameter.dim() == 2 else B)
    return analog(network, program, on).eval()


def run(network: AnalogNetwork, dtype: torch.dtype = torch.float64) -> Tensor:
    with torch.no_grad():
        return network(X.to(dtype)[:, :, None, None])  # type: ignore[no-any-return]


def worst(found: Tensor) -> float:
    """The largest error against the digital product."""
    return float((found.double() - nn.functional.linear(X, W, B)).abs().max())


def recorded(name: str) -> Tensor:
    (case,) = [case for case in FORWARD["cases"] if case["name"] == name]
    return torch.tensor(case["y"], dtype=torch.float64).view(5, 4)


def directly(**io: Any) -> Any:
    """aihwkit's own configuration of the recorded cases that no device of ours has."""
    from aihwkit.simulator.configs import TorchInferenceRPUConfig
    from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType, RPUDataType

    rpu = TorchInferenceRPUConfig()
    rpu.runtime.data_type = RPUDataType.DOUBLE
    rpu.drift_compensation = None
    omega = io.pop("omega", 0.0)
    rpu.mapping.weight_scaling_omega, rpu.mapping.weight_scaling_columnwise = omega, omega > 0
    rpu.mapping.learn_out_scaling = False
    rpu.forward.out_noise = 0.0
    rpu.forward.noise_management = NoiseManagementType[io.pop("noise", "ABS_MAX")]
    rpu.forward.bound_management = BoundManagementType[io.pop("bound", "NONE")]
    for name, value in io.items():
        setattr(rpu.forward, name, value)
    return rpu


EIGHT = {"inp_res": 1 / 254, "out_res": 1 / 254, "out_bound": 10.0}
OURS: dict[str, Callable[[], Device]] = {
    "perfect": lambda: load_device("ideal"),
    "omega1_layerwise_8b_absmax": lambda: device(scaling="per_tile"),
    "omega1_columnwise_8b_absmax": device,
    "omega1_col_outbound1_nobm(saturates)": lambda: device(out_bound=1.0),
    "input_range_1.5": lambda: device(input_range="calibrated"),
    "tiled_max_input4_output3_omega1_col": lambda: device(tile=(4, 3)),
}
THEIRS: dict[str, dict[str, Any]] = {
    "defaults_no_noise(7b DAC,9b ADC,ABS_MAX,ITERATIVE,inp_bound1,out_bound12)": {"bound": "ITERATIVE"},
    "8b_absmax_nobm": EIGHT,
    "8b_none_nobm(clips inputs at 1)": {**EIGHT, "noise": "NONE"},
    "8b_const_nm_thres2": {**EIGHT, "noise": "CONSTANT", "nm_thres": 2.0},
    "omega1_col_outbound1_iterative": {**EIGHT, "out_bound": 1.0, "bound": "ITERATIVE", "omega": 1.0},
}


def test_every_recorded_product_is_compared() -> None:
    assert {case["name"] for case in FORWARD["cases"]} == {*OURS, *THEIRS}


@pytest.mark.parametrize("name", OURS)
def test_products_of_our_layers(name: str) -> None:
    network = linear(OURS[name]())
    (layer,) = network.layers()
    if layer.input_range is not None:
        layer.input_range.value.fill_(1.5)
    assert torch.allclose(run(network), recorded(name), rtol=0, atol=1e-9)
    (case,) = [case for case in FORWARD["cases"] if case["name"] == name]
    (block,), (loaded,) = layer.blocks, layer.load()
    tiles = grid.tiles_of(loaded.weights, block)
    assert [list(tile.shape) for tile in tiles] == case["tiles"]
    assert worst(run(network)) == pytest.approx(case["max_abs_err_vs_digital"], abs=1e-9)
    if case["mapping_scales"][0] is not None:  # theirs are (input part, output part), each of one or of all columns
        assert close(torch.stack([tile.abs().max() for tile in tiles]), case["tile_weight_absmax"])
        theirs = torch.cat([torch.tensor(scales, dtype=torch.float64) for scales in case["mapping_scales"]])
        ours = loaded.scales.flatten() if len(theirs) > 1 else loaded.scales.flatten()[:1]
        assert torch.allclose(ours, theirs.to(ours), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", THEIRS)
def test_products_of_aihwkit_as_installed(name: str) -> None:
    from aihwkit.nn import AnalogLinear

    layer = AnalogLinear(6, 4, rpu_config=directly(**THEIRS[name])).eval()
    layer.set_weights(W, B)
    with torch.no_grad():
        found = layer(X)
    (case,) = [case for case in FORWARD["cases"] if case["name"] == name]
    (tile,) = layer.analog_tiles()
    assert torch.allclose(found, recorded(name), rtol=0, atol=1e-9)
    assert worst(found) == pytest.approx(case["max_abs_err_vs_digital"], abs=1e-9)
    assert [list(tile.tile.weight.shape)] == case["tiles"]
    assert close(tile.tile.weight.detach().abs().max()[None], case["tile_weight_absmax"])


def test_digital_products() -> None:
    digital = torch.tensor(FORWARD["digital_y"], dtype=torch.float64).view(5, 4)
    assert torch.allclose(nn.functional.linear(X, W, B), digital, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", DATA["UniformQuantize"]["cases"], ids=lambda c: f"{c['res']:.4g}-{c['bound']:g}")
def test_converters(case: dict[str, Any]) -> None:
    from aihwkit.simulator.tiles.utils import UniformQuantize

    x = torch.tensor(DATA["UniformQuantize"]["x"], dtype=torch.float64)
    expected = torch.tensor(case["y"], dtype=torch.float64)
    theirs = UniformQuantize.apply(x, case["res"], case["bound"], False)
    res = 1 / case["res"] if case["res"] > 1 else case["res"]
    ours = Periphery(False, True, 0.0, res * 2 * case["bound"], float("inf"), 0.0, 0.0, 0.0).read_out(x.clone())
    assert torch.allclose(ours, expected, rtol=0, atol=1e-12) and torch.allclose(theirs, expected, rtol=0, atol=1e-12)


# Noise models. `xi` replaces every draw by a constant, so that what is left is mean + xi * sigma.


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    from aihwkit.inference.noise import hermes, pcm, reram

    def constant(xi: float) -> None:
        for module in (pcm, reram, hermes):
            monkeypatch.setattr(module, "randn_like", lambda like: torch.full_like(like, xi))

    return constant


def conductances() -> Tensor:
    return torch.tensor(PCM["g"], dtype=torch.float64)


def test_pcm_programming_and_exponents(draws: Callable[[float], None]) -> None:
    model = config.noise_model(device())
    for xi in (-1.0, 0.0, 1.0):
        draws(xi)
        written = model.apply_programming_noise_to_conductance(conductances())
        exponents = model.generate_drift_coefficients(conductances())
        for name, found in (("g_prog_by_xi", written), ("nu_by_xi", exponents)):
            expected = torch.tensor(PCM[name][str(xi)], dtype=torch.float64)
            assert torch.allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", PCM["drift_with_nu_xi0"], ids=lambda c: f"{c['t_inference']:g}s-xi{c['xi']:g}")
def test_pcm_drift(case: dict[str, Any], draws: Callable[[float], None]) -> None:
    model = config.noise_model(device())
    draws(0.0)
    exponents = model.generate_drift_coefficients(conductances())
    draws(case["xi"])
    found = model.apply_drift_noise_to_conductance(conductances(), exponents, case["t_inference"])
    assert torch.allclose(found, torch.tensor(case["g_final"], dtype=torch.float64), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", DATA["PCM_weights"]["cases"], ids=lambda c: f"xi{c['xi']:g}")
def test_pcm_weights(case: dict[str, Any], draws: Callable[[float], None]) -> None:
    """Programming and drift of a tile, through what a network does with all of its tiles."""
    model, perfect = config.noise_model(device()), Periphery.of(config.io_parameters(load_device("ideal")), 0.0)
    tile = torch.tensor(DATA["PCM_weights"]["w"], dtype=torch.float64).view(2, 3)
    draws(case["xi"])
    (done,) = programming.program([tile, 2 * tile], model, None, perfect)  # the scale of one tile is no other's
    assert close(done.weights[0], case["programmed"]) and close(done.weights[1] / 2, case["programmed"])
    for name, found in (("nu_pos", done.parameters[0]), ("nu_neg", done.parameters[1])):
        assert close(found[:6], case[name])
    for name, expected in case.items():
        if name.startswith("drift_"):
            weights, factors = programming.drift([done], model, None, perfect, float(name.removeprefix("drift_")))
            assert factors is None and close(weights[0], expected) and close(weights[1] / 2, expected)


def close(found: Tensor, expected: Any, tolerance: float = 1e-9) -> bool:
    wanted = torch.tensor(expected, dtype=found.dtype)
    return torch.allclose(found.flatten(), wanted.flatten(), rtol=tolerance, atol=tolerance)


def test_pcm_statistics() -> None:
    recorded_ = DATA["PCM_statistics_seed0_20001_weights"]
    tile = torch.linspace(-1, 1, 20001)
    model, perfect = config.noise_model(device()), Periphery.of(config.io_parameters(load_device("ideal")), 0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        (done,) = programming.program([tile[None]], model, None, perfect)
        assert rms(done.weights[0] - tile) == pytest.approx(recorded_["prog_rms_error"], rel=0.02)
        exponents = done.parameters[0][10000:].mean()
        assert float(exponents) == pytest.approx(recorded_["nu_mean_pos_half"], rel=0.01)
        for case in recorded_["drift"]:
            (drifted,), _ = programming.drift([done], model, None, perfect, case["t"])
            assert rms(drifted - tile) == pytest.approx(case["rms_error"], rel=0.02)
            assert float(drifted.abs().mean() / tile.abs().mean()) == pytest.approx(case["mean_abs_ratio"], rel=0.01)


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


@pytest.mark.parametrize("case", DATA["GlobalDriftCompensation_xi0"]["cases"], ids=lambda c: f"{c['t']:g}s")
def test_compensation_of_drift(case: dict[str, Any], draws: Callable[[float], None]) -> None:
    """A network that is programmed and drifts without noise: its weights, its factor, its outputs."""
    draws(0.0)
    network = linear(device(dac_bits=None, adc_bits=None, out_bound=None), torch.float32)
    network.program(0)
    (layer,) = network.layers()
    assert layer.held is not None and close(layer.held[0].weights, case["programmed"], 1e-5)
    clean = layer.held[0].scales
    network.drift(case["t"], 0)
    assert close(layer.held[0].weights, case["drifted"], 1e-5)
    assert torch.allclose(layer.held[0].scales / clean, torch.tensor(case["alpha"]), rtol=1e-5)
    found = run(network, torch.float32)
    assert close(found, case["y"], 2e-5) and worst(found) == pytest.approx(case["max_abs_err"], abs=3e-5)


def test_hermes(draws: Callable[[float], None]) -> None:
    from aihwkit.inference.noise.hermes import HermesNoiseModel

    data, model = DATA["Hermes2"], HermesNoiseModel(num_devices=2)
    g = torch.tensor(data["g"], dtype=torch.float64)
    draws(1.0)
    assert close(model.apply_programming_noise_to_conductance(g), data["prog_xi1"], 1e-6)
    draws(0.0)
    assert close(model.generate_drift_coefficients(g), data["nu_xi0"], 1e-6)
    assert (model.g_max, model.t_0) == (data["g_max"], data["t_0"])


def test_metal_oxide_cells(draws: Callable[[float], None]) -> None:
    data, cmo = DATA["ReRamCMO"], load_device("cmo")
    exact = dataclasses.replace(cmo, g_max=data["g_max"], g_min=data["g_min"])
    model = config.noise_model(exact)
    assert model.acceptance_range == data["acceptance_range_used"] and cmo.g_max == pytest.approx(
        data["g_max"], rel=1e-3
    )
    g = torch.tensor(data["g"], dtype=torch.float64)
    draws(1.0)
    assert close(model.apply_programming_noise_to_conductance(g), data["prog_xi1"], 1e-6)
    draws(0.0)
    for seconds in (86400, 2592000):
        drifted = torch.as_tensor(np.asarray(model.apply_drift_noise_to_conductance(g, None, float(seconds))))
        assert close(drifted, data[f"drift_{seconds}_xi0"], 1e-6)


def test_state_independent_noise() -> None:
    from aihwkit.inference.noise.custom import StateIndependentNoiseModel

    data, model = DATA["StateIndependent"], StateIndependentNoiseModel()
    assert list(model.prog_coeff) == data["prog_coeff"]
    assert (model.drift_nu_mean, model.drift_nu_std, model.t_0) == (
        data["drift_nu_mean"],
        data["drift_nu_std"],
        data["t_0"],
    )


@pytest.mark.parametrize("case", DATA["tile_split_sizes"], ids=lambda c: f"{c['size']}-{c['max']}")
def test_splits(case: dict[str, Any]) -> None:
    if case["max"]:  # a device's tiles have a size
        assert list(split_sizes(case["size"], case["max"])) == case["split"]
    from aihwkit.simulator.configs import TorchInferenceRPUConfig

    rpu = TorchInferenceRPUConfig()
    rpu.mapping.max_input_size = rpu.mapping.max_output_size = case["max"]
    array = rpu.tile_array_class(1, case["size"], rpu, bias=False)
    assert array.in_sizes == case["split"]


def test_every_part_of_the_record_is_compared() -> None:
    assert set(DATA) - {"source", "note"} == {
        "UniformQuantize", "AnalogLinear_forward_eval", "PCMLikeNoiseModel(g_max=25)", "PCM_weights",
        "PCM_statistics_seed0_20001_weights", "Hermes2", "ReRamCMO", "StateIndependent",
        "GlobalDriftCompensation_xi0", "tile_split_sizes",
    }  # fmt: skip
