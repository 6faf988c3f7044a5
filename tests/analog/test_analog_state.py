"""States of networks on tiles: always clean, of one network and device, and nothing in a file is ever run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_bench import Bench

from nascompile.analog.device import load_device, shipped_devices, with_bits
from nascompile.analog.device_file import read_device
from nascompile.analog.device_text import device_text
from nascompile.backends.analog.network import AnalogNetwork, analog
from nascompile.backends.analog.state import kind_of, put_state, read_state, state_bytes
from nascompile.diagnostics import NasError

MONTH = 2592000.0


def made(bench: Bench, device: str = "pcm", genotype: str = "one") -> AnalogNetwork:
    plan = bench.plan(genotype, device)
    return plan.converted(plan.network(), None)


def image(bench: Bench) -> torch.Tensor:
    return torch.as_tensor(bench.data.val[0]["image"])[None, :, :16, :16].float()


def saved(bench: Bench, network: AnalogNetwork, name: str = "state.safetensors") -> Path:
    plan = bench.plan()
    path = bench.folder / name
    path.write_bytes(state_bytes(network, plan.digest, "a genotype"))
    return path


def code_of(path: Path) -> str:
    with pytest.raises(NasError) as caught:
        read_state(path)
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize("name", sorted(shipped_devices()))
def test_a_device_written_as_text_is_the_same_device(name: str) -> None:
    shipped = load_device(name)
    for device in (shipped, replace(with_bits(shipped, 5), out_bound=3.0)):
        assert read_device(device_text(device), "text") == device


def test_a_state_comes_back_with_its_device_and_programs_alike(bench: Bench) -> None:
    network = made(bench)
    with torch.no_grad():
        network.layers()[0].weight.mul_(1.5)
    path = saved(bench, network)
    assert path.read_bytes() == state_bytes(network, bench.plan().digest, "a genotype")
    state = read_state(path)
    assert state.device == network.device and state.genotype == "a genotype"
    assert kind_of(path) == "analog"
    again = made(bench)
    put_state(state, again, digest=bench.plan().digest)
    for each in (network, again):
        each.program(3)
        each.drift(MONTH, 4)
    assert torch.equal(network(image(bench)), again(image(bench)))


def test_what_was_drifted_is_not_saved_and_does_not_compound(bench: Bench) -> None:
    network = made(bench)
    clean = saved(bench, network).read_bytes()
    network.program(1)
    network.drift(MONTH, 2)
    drifted = network(image(bench))
    path = saved(bench, network, "after.safetensors")
    assert path.read_bytes() == clean
    again = made(bench)
    put_state(read_state(path), again)
    again.program(1)
    again.drift(MONTH, 2)
    assert torch.equal(again(image(bench)), drifted)
    again.drift(MONTH, 2)  # a second drift starts at what was programmed, too
    assert torch.equal(again(image(bench)), drifted)
    again.drift(1.0, 2)
    assert not torch.equal(again(image(bench)), drifted)


def test_programming_again_leaves_no_scale_of_an_earlier_drift(bench: Bench) -> None:
    network, fresh = made(bench), made(bench)
    network.program(1)
    network.drift(10 * MONTH, 2)
    for each in (network, fresh):
        each.program(5)
    assert torch.equal(network(image(bench)), fresh(image(bench)))
    for each in (network, fresh):
        each.drift(1.0, 6)
    assert torch.equal(network(image(bench)), fresh(image(bench)))


def test_weights_for_training_are_never_programmed_ones(bench: Bench) -> None:
    network = made(bench)
    before = {name: value.clone() for name, value in network.clean_state().items()}
    network.program(1)
    with pytest.raises(NasError) as caught:
        network.train()
    assert caught.value.diagnostics[0].code == "programmed-weights"
    network.clean()
    network.train()
    assert all(torch.equal(before[name], value) for name, value in network.clean_state().items())


class _Payload:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.target, "run")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_is_not_opened(bench: Bench, zipped: bool) -> None:
    target, path = bench.folder / "was_run", bench.folder / "checkpoint.pth"
    torch.save({"x": _Payload(target)}, path, _use_new_zipfile_serialization=zipped)
    assert code_of(path) == "not-a-clean-state"
    assert not target.exists()


def test_a_drifted_checkpoint_of_aihwkit_is_refused(bench: Bench) -> None:
    from aihwkit.nn.conversion import convert_to_analog
    from aihwkit.simulator.configs import TorchInferenceRPUConfig

    digital = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Conv2d(4, 3, 1))
    foreign = convert_to_analog(digital, TorchInferenceRPUConfig()).eval()
    foreign.drift_analog_weights(MONTH)
    tensors = {n: t.clone() for n, t in foreign.state_dict().items() if isinstance(t, torch.Tensor)}
    path = bench.folder / "foreign.safetensors"
    save_file(tensors, path)
    assert any(name.endswith("alpha") for name in tensors)
    with pytest.raises(NasError, match="compound"):
        read_state(path)
    torch.save(foreign.state_dict(), bench.folder / "foreign.pth")
    assert code_of(bench.folder / "foreign.pth") == "not-a-clean-state"


def test_files_that_are_no_states_are_told_apart(bench: Bench) -> None:
    plan = bench.plan()
    path = saved(bench, plan.converted(plan.network(), None))
    tensors = load_file(path)
    header = path.read_bytes()
    damaged = bench.folder / "damaged.safetensors"
    damaged.write_bytes(header[: len(header) // 2])
    assert code_of(damaged) == "not-a-clean-state"
    from nascompile.jobs.networks import save_weights

    digital = bench.folder / "digital.safetensors"
    save_weights(digital, plan.weights, {"digest": plan.digest, "genotype": ""})
    assert kind_of(digital) == "digital"
    with pytest.raises(NasError, match="digital weights"):
        read_state(digital)
    assert code_of(bench.folder / "none.safetensors") == "missing-file"
    # The same header over weights that another program changed.
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata()
    first = next(iter(tensors))
    save_file({**tensors, first: tensors[first] * 0.9}, bench.folder / "changed.safetensors", metadata)
    with pytest.raises(NasError, match="changed after"):
        read_state(bench.folder / "changed.safetensors")
    assert json.loads(metadata["nascompile"])["device"].startswith("format: nascompile analog device")


def refused(bench: Bench, network: AnalogNetwork, digest: str | None = None) -> str:
    state = read_state(saved(bench, made(bench)))
    before = {name: value.clone() for name, value in network.clean_state().items()}
    with pytest.raises(NasError) as caught:
        put_state(state, network, digest=digest)
    assert all(torch.equal(before[name], value) for name, value in network.clean_state().items())
    return caught.value.diagnostics[0].code


def test_a_state_of_another_network_or_device_is_refused(bench: Bench) -> None:
    assert refused(bench, made(bench, genotype="other")) == "state-of-another-network"
    assert refused(bench, made(bench), bench.plan("other").digest) == "state-of-another-network"
    assert refused(bench, made(bench, "reram")) == "state-of-another-device"


def test_a_state_may_be_looked_at_with_other_converters(bench: Bench) -> None:
    plan = bench.plan()
    state = read_state(saved(bench, made(bench)))
    coarse = analog(plan.network(), plan.program, with_bits(plan.device, 4))
    put_state(state, coarse, digest=plan.digest)
    assert coarse.device.dac_bits == 4
