"""What a training holds of its network: ordinary modules give their state, those on analog tiles their clean one.

A module may bring four methods of its own, and then they are used: `clean_state()` (tensors by name; never of
programmed or drifted devices), `load_clean(tensors)`, `after_step()`, which every step of an optimiser is followed by,
and `clean()`, which every validation begins with. So no optimiser can skip what the hardware asks for, no checkpoint
holds what a device did to the weights, and the noise of a validation does not depend on earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch


def take_weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors that training changes."""
    own = getattr(module, "clean_state", None)
    found: Mapping[str, torch.Tensor] = module.state_dict() if own is None else own()
    return dict(found)


def put_weights(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what `take_weights` gave."""
    own = getattr(module, "load_clean", None)
    if own is None:
        module.load_state_dict(dict(tensors))
    else:
        own(tensors)


def after_step(module: torch.nn.Module) -> None:
    """What the module does to its weights after a step: clipping and remapping on tiles, else nothing."""
    own = getattr(module, "after_step", None)
    if own is not None:
        own()


def before_validation(module: torch.nn.Module) -> None:
    """Clean weights and noise from its start, on tiles; else nothing."""
    own = getattr(module, "clean", None)
    if own is not None:
        own()
