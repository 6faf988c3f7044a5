"""The state of a network on tiles as one safetensors file: its clean weights and the device they are for.

What programming and drift do to weights is never written: a network is programmed after it was loaded, and drifts from
what was programmed then. So a state cannot compound, as a checkpoint that was saved drifted does, and holds no scale of
an earlier compensation. Nothing in a file is executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from nascompile.analog.device import Device
from nascompile.analog.device_file import read_device
from nascompile.analog.device_text import device_text
from nascompile.diagnostics import error

if TYPE_CHECKING:
    from nascompile.backends.analog.network import AnalogNetwork

FORMAT = 1
KIND = "analog"
_KEY = "nascompile"
_PICKLES = (b"PK\x03\x04", b"\x80")
"""How files start that `torch.save` writes, now and in old versions."""


@dataclass(frozen=True, slots=True)
class AnalogState:
    """Clean weights by name, the device, and which network they are of: `digest` and the genotype's text.

    The device's `training` is how the weights were trained; without remapping they keep the scales of their tiles.
    """

    tensors: Mapping[str, torch.Tensor]
    device: Device
    digest: str
    genotype: str


def state_bytes(network: AnalogNetwork, digest: str, genotype: str) -> bytes:
    """The file of a network's clean state; the same state gives the same bytes.

    Raises NasError or whatever `clean_state` raises for a network whose weights are programmed.
    """
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in network.clean_state().items()}
    device = network.device if network.aware is None else replace(network.device, training=network.aware)
    header = {
        "format": FORMAT,
        "kind": KIND,
        "digest": digest,
        "genotype": genotype,
        "device": device_text(device),
        "checksum": checksum(tensors),
    }
    return save(tensors, {_KEY: json.dumps(header, sort_keys=True)})


def checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    """A digest of names, shapes and contents."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        found.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def kind_of(path: Path) -> str:
    """What a file says of itself: `analog` (a state of a network on tiles), `digital` (weights), or `foreign`."""
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            header = _header(file)
    except (SafetensorError, OSError, ValueError):
        return "foreign"
    if header.get("kind") == KIND:
        return KIND
    return "digital" if header else "foreign"


def read_state(path: Path) -> AnalogState:
    """The state in a file that `state_bytes` made.

    Raises NasError: `missing-file`; `not-a-clean-state` for pickles, states that aihwkit saved, and files that were
    changed since; and what a damaged device gives.
    """
    if not path.is_file():
        raise error("missing-file", f"there is no state `{path}`")
    with path.open("rb") as raw:
        if raw.read(4).startswith(_PICKLES):
            message = f"`{path}` is a pickle, which could run code: it was not opened"
            hint = "it may also hold drifted weights; train from digital ones: `nascompile train --analog`"
            raise error("not-a-clean-state", message, hint=hint)
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            header = _header(file)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, ValueError) as cause:
        raise error("not-a-clean-state", f"`{path}` cannot be read: {cause}", hint=_HINT) from cause
    if header.get("kind") != KIND or header.get("format") != FORMAT:
        message = f"`{path}` {_what_else(header, tensors)}"
        raise error("not-a-clean-state", message, hint=_HINT)
    if checksum(tensors) != header["checksum"]:
        message = f"the weights in `{path}` were changed after they were saved"
        raise error("not-a-clean-state", message, hint=_HINT)
    device = read_device(header["device"], f"{path} (device)")
    return AnalogState(tensors, device, header["digest"], header["genotype"])


_HINT = "states are written by `nascompile train --analog`, before anything is programmed"


def _header(file: Any) -> dict[str, Any]:
    found = json.loads((file.metadata() or {}).get(_KEY, "{}"))
    return found if isinstance(found, dict) else {}


def _what_else(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    """What a file is that is no state of ours."""
    if any(name.rpartition(".")[2] in ("alpha", "mapping_scales") for name in tensors):
        return "holds a network of aihwkit, whose weights may be drifted: drifting them again would compound"
    if "genotype" in header:
        return "holds digital weights"
    return "holds no state of a network on tiles"


def put_state(state: AnalogState, network: AnalogNetwork, *, digest: str | None = None) -> None:
    """Load a state into a network that is made for the same program; it is clean then, and not programmed.

    Raises NasError: `state-of-another-network` where the genotype in `digest` or any tensor differs,
    `state-of-another-device` where the network is for another technology, or for tiles that hold weights otherwise.
    """
    if digest is not None and _genotype_of(digest) != _genotype_of(state.digest):
        message = "the state belongs to another genotype"
        hint = "name the run that it was trained in: `--run NAME`"
        raise error("state-of-another-network", message, hint=hint)
    if _kept(state.device) != _kept(network.device):
        message = f"the state was trained for `{state.device.name}`, and the network is on `{network.device.name}`"
        hint = f"measure it on its own device, or train for the other: `train --analog --device {network.device.name}`"
        raise error("state-of-another-device", message, hint=hint)
    wanted = network.clean_state()
    differing = [n for n in wanted if n not in state.tensors or state.tensors[n].shape != wanted[n].shape]
    differing += [n for n in state.tensors if n not in wanted]
    if differing:
        message = (
            f"the state belongs to another network: {len(differing)} of its tensors differ, first `{differing[0]}`"
        )
        raise error("state-of-another-network", message, hint="name the run that it was trained in: `--run NAME`")
    network.load_clean(state.tensors)


def _genotype_of(digest: str) -> str:
    """The middle of SPEC/GENOTYPE/TASK, or all of a digest of another form."""
    parts = digest.split("/")
    return parts[1] if len(parts) == 3 else digest


def _kept(device: Device) -> tuple[object, ...]:
    """What of a device the weights were trained for; converters and strengths of noise may be looked at otherwise."""
    return device.technology, device.tile, device.cells, device.scaling, device.input_range
