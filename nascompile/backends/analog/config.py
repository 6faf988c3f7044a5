"""A device as aihwkit's configuration: mapping, converters, noise model, compensation."""

from __future__ import annotations

from typing import Any

from nascompile.analog.device import Device, HardwareAware, outside_model
from nascompile.diagnostics import error


def rpu_config(device: Device, tiles: str = "torch", training: HardwareAware | None = None) -> Any:
    """A `TorchInferenceRPUConfig`, or an `InferenceRPUConfig` for `tiles = "cpp"`, of a device."""
    from aihwkit.simulator.configs import InferenceRPUConfig, TorchInferenceRPUConfig
    from aihwkit.simulator.parameters.enums import WeightClipType, WeightModifierType, WeightRemapType
    from aihwkit.simulator.parameters.mapping import MappingParameter

    config = TorchInferenceRPUConfig() if tiles == "torch" else InferenceRPUConfig()
    config.mapping = MappingParameter(
        digital_bias=True,
        weight_scaling_omega=1.0,
        weight_scaling_columnwise=device.scaling == "per_column",
        max_input_size=device.tile[0],
        max_output_size=device.tile[1],
    )
    config.forward = io_parameters(device, tiles)
    config.noise_model = noise_model(device)
    config.drift_compensation = compensation(device)
    ranges = config.pre_post.input_range
    ranges.enable = device.input_range != "dynamic" and not device.is_ideal
    ranges.learn_input_range = device.input_range == "learned"
    if training is not None:
        if training.noise > 0:
            config.modifier.type = WeightModifierType.ADD_NORMAL
            config.modifier.std_dev = training.noise
            config.modifier.rel_to_actual_wmax = True
        if training.clip_sigma is not None:
            config.clip.type = WeightClipType.LAYER_GAUSSIAN
            config.clip.sigma = training.clip_sigma
        if training.remap:
            config.remap.type = WeightRemapType.CHANNELWISE_SYMMETRIC
    return config


def io_parameters(device: Device, tiles: str = "torch") -> Any:
    """What stands between a tile and the digital world: converters, bounds, noise of inputs and outputs."""
    from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType, WeightNoiseType
    from aihwkit.simulator.parameters.io import IOParameters

    io = IOParameters()
    io.is_perfect = device.is_ideal
    io.inp_bound = 1.0
    io.inp_res = _resolution(device.dac_bits)
    io.out_res = _resolution(device.adc_bits)
    io.out_bound = 0.0 if device.out_bound is None else device.out_bound
    io.inp_noise = device.input_noise
    io.out_noise = device.output_noise
    dynamic = device.input_range == "dynamic"
    io.noise_management = NoiseManagementType.ABS_MAX if dynamic else NoiseManagementType.NONE
    io.bound_management = BoundManagementType.NONE
    if tiles == "cpp" and device.weight_noise > 0:  # torch tiles refuse it: `periphery` adds it
        io.w_noise = device.weight_noise
        io.w_noise_type = WeightNoiseType.ADDITIVE_CONSTANT
    return io


def _resolution(bits: int | None) -> float:
    """The step of a signed converter of so many bits in units of its full range; -1 for none."""
    return -1.0 if bits is None else 1.0 / (2**bits - 2)


def noise_model(device: Device) -> Any:
    """The technology's model of programming, drift and read noise; None for ideal cells.

    PCM: Nandakumar et al., ICECS 2019. ReRAM: Wan et al., Nature 2022. CMO/HfOx ReRAM: Falcone et al., IBM Zurich.
    """
    if device.technology == "ideal":
        return None
    from aihwkit.inference.converter.conductance import SingleDeviceConductanceConverter, SinglePairConductanceConverter
    from aihwkit.inference.noise.pcm import PCMLikeNoiseModel
    from aihwkit.inference.noise.reram import ReRamCMONoiseModel, ReRamWan2022NoiseModel

    scales = {
        "prog_noise_scale": device.programming_noise,
        "read_noise_scale": device.read_noise,
        "drift_scale": device.drift,
    }
    if device.technology == "cmo":
        acceptance = {} if device.acceptance is None else {"acceptance_range": device.acceptance}
        model = ReRamCMONoiseModel(g_max=device.g_max, g_min=device.g_min, **acceptance, **scales)
        model.read_dict = {**model.read_dict, "t_read": device.t_read}
        if device.cells == "pair":
            model.g_converter = SinglePairConductanceConverter(g_max=device.g_max, g_min=device.g_min)
        return model
    store = SinglePairConductanceConverter if device.cells == "pair" else SingleDeviceConductanceConverter
    converter = store(g_max=device.g_max, g_min=device.g_min)
    if device.technology == "reram":
        return ReRamWan2022NoiseModel(g_converter=converter, noise_scale=device.programming_noise)
    return PCMLikeNoiseModel(g_converter=converter, t_0=device.t_0, t_read=device.t_read, **scales)


def compensation(device: Device) -> Any:
    """How drift is compensated when a tile is read out; None for not at all."""
    from aihwkit.inference.compensation import drift

    if device.technology == "ideal" or device.compensation == "none":
        return None
    kinds = {
        "global": drift.GlobalDriftCompensation,
        "global_exact": drift.GlobalDriftCompensationWithExactReference,
        "per_column": drift.PerColumnDriftCompensation,
    }
    return kinds[device.compensation]()


def require_time(device: Device, seconds: float) -> None:
    """Raises NasError `unknown-time` for a time at which the technology is not characterised."""
    if why := outside_model(device, seconds):
        raise error("unknown-time", f"`{device.name}` is not characterised at {seconds:g} s", hint=why)
    if device.times and seconds not in device.times:
        hint = f"its times are {', '.join(f'{t:g} s' for t in device.times)}"
        raise error("unknown-time", f"`{device.name}` is not characterised at {seconds:g} s", hint=hint)
