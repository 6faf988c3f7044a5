"""From a built network to one whose products run on tiles: by the names of modules, as the mapping says."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from nascompile.analog.device import Device, HardwareAware
from nascompile.analog.mapping import Placement
from nascompile.backends.analog.grid import Block, blocks_of
from nascompile.backends.analog.layers import AnalogConvolution, AnalogLayer, AnalogLinear, AnalogTransposed
from nascompile.backends.analog.periphery import Periphery
from nascompile.diagnostics import error

FORMS: dict[type[nn.Module], type[AnalogLayer]] = {
    nn.Linear: AnalogLinear,
    nn.Conv1d: AnalogConvolution,
    nn.Conv2d: AnalogConvolution,
    nn.Conv3d: AnalogConvolution,
    nn.ConvTranspose1d: AnalogTransposed,
    nn.ConvTranspose2d: AnalogTransposed,
    nn.ConvTranspose3d: AnalogTransposed,
}


def converted(
    network: nn.Module, placements: Sequence[Placement], device: Device, periphery: Periphery,
    training: HardwareAware | None,
) -> nn.Module:  # fmt: skip
    """A copy of a network with every layer that is placed on tiles in its analog form.

    A module that is registered under several names is converted once. Raises NasError `not-that-network` where the
    network has no such module, or of another size, and `unknown-layer` for a module that has no form.
    """
    result = copy.deepcopy(network)
    made: dict[int, AnalogLayer] = {}
    for placement in placements:
        if not placement.is_analog:
            continue
        try:
            module = result.get_submodule(placement.path)
        except AttributeError:
            hint = "build it from the same text and genotype"
            raise error("not-that-network", f"the network has no layer `{placement.path}`", hint=hint) from None
        if not isinstance(module, AnalogLayer):
            made[id(module)] = analog_layer(module, placement, device, periphery, training)
    names = [(name, module) for name, module in result.named_modules(remove_duplicate=False) if id(module) in made]
    for name, module in names:
        result.set_submodule(name, made[id(module)])
    return result


def analog_layer(
    module: nn.Module, placement: Placement, device: Device, periphery: Periphery, training: HardwareAware | None
) -> AnalogLayer:
    """The analog form of one torch module. Raises NasError: `unknown-layer`, `not-that-network`."""
    kind = FORMS.get(type(module))
    if kind is None:
        message = f"`{placement.path}` is a `{type(module).__name__}`, which has no analog form"
        raise error("unknown-layer", message, hint="set the device's least utilisation so that it stays digital")
    if getattr(module, "padding_mode", "zeros") != "zeros":
        raise error("unknown-layer", f"`{placement.path}` pads with other than zeros, which has no analog form")
    blocks = _blocks(module, placement, device)
    return kind(module, blocks, device, periphery, training)


def _blocks(module: Any, placement: Placement, device: Device) -> tuple[Block, ...]:
    """Raises NasError `not-that-network` if the module's matrix is not the one that was placed."""
    groups = getattr(module, "groups", 1)
    shape = tuple(module.weight.shape)
    rows, columns = torch.Size(shape[1:]).numel(), shape[0] // groups
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        rows, columns = shape[0] // groups, rows
    packs = placement.packs or (1,)
    if (rows, columns, groups) != (placement.inputs, placement.outputs, sum(packs)):
        message = (
            f"`{placement.path}` has a matrix of {rows} by {columns}, not of {placement.inputs} by {placement.outputs}"
        )
        raise error("not-that-network", message, hint="build it from the same text and genotype")
    return blocks_of(rows, columns, packs, device.tile)
