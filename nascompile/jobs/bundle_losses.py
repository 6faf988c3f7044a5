"""Losses, optimisers and schedules of a text as components of torch and MONAI, in the form of a bundle's configs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from nascompile.config.loss import LossTerm
from nascompile.config.search import Optimiser
from nascompile.jobs.bundle_steps import Component, component
from nascompile.jobs.training import plain
from nascompile.train.losses import LOSSES, PAIR_LOSSES
from nascompile.train.optimisers import OPTIMISERS, SCHEDULES, make_optimiser

Weighted = list[tuple[float, Component]]


def loss_of(terms: Sequence[LossTerm], main: str, channels: int) -> Component | None:
    """The terms of the output `main`, which has `channels` channels, as one component; None if there is none.

    Terms of other outputs are left out, as the bundle's network has one output.
    """
    parts: Weighted = []
    for term in terms:
        if term.choice.name not in PAIR_LOSSES and term.output in (None, "main", main):
            options = _options(LOSSES[term.choice.name], term.choice.options)
            parts += [(term.weight * w, c) for w, c in _LOSSES[term.choice.name](options, channels)]
    if not parts:
        return None
    return component("scripts.losses.WeightedSum", losses=[c for _, c in parts], weights=[w for w, _ in parts])


def _options(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, and the defaults of the rest."""
    parameters = inspect.signature(function).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return {**defaults, **plain(given)}


def _ce(options: Mapping[str, Any], channels: int) -> Weighted:
    if channels == 1:
        return _bce({"positive_weight": 1.0}, channels)
    made = component("torch.nn.CrossEntropyLoss", ignore_index=options["ignore_index"])
    if options["weight"] is not None:
        made["weight"] = f"$torch.tensor({[float(w) for w in options['weight']]})"
    if options.get("label_smoothing"):
        made["label_smoothing"] = options["label_smoothing"]
    return [(1.0, made)]


def _bce(options: Mapping[str, Any], channels: int) -> Weighted:
    made = component("torch.nn.BCEWithLogitsLoss")
    if options["positive_weight"] != 1:
        made["pos_weight"] = f"$torch.tensor({float(options['positive_weight'])})"
    return [(1.0, made)]


def _dice(options: Mapping[str, Any], channels: int) -> Weighted:
    single, background = channels == 1, bool(options["background"])
    sigmoid = single or bool(options.get("sigmoid"))
    made = component(
        "DiceLoss", include_background=background or single, sigmoid=sigmoid, softmax=not sigmoid,
        squared_pred=options["squared"], smooth_nr=options["smooth"], smooth_dr=options["smooth"],
        batch=options["batch"],
    )  # fmt: skip
    weight = options.get("weight")
    if weight is not None and not single:
        counted = [float(w) for w in (weight if background else list(weight)[1:])]
        made["weight"] = [w * len(counted) / sum(counted) for w in counted]
    return [(1.0, made)]


def _focal(options: Mapping[str, Any], channels: int) -> Weighted:
    background = bool(options["background"]) or channels == 1
    return [(1.0, component("FocalLoss", include_background=background, gamma=options["gamma"]))]


def _sum(*parts: tuple[float, Weighted]) -> Weighted:
    return [(weight * inner, made) for weight, found in parts for inner, made in found]


def _dice_ce(options: Mapping[str, Any], channels: int) -> Weighted:
    return _sum((options["ce_weight"], _ce(options, channels)), (options["dice_weight"], _dice(options, channels)))


def _dice_focal(options: Mapping[str, Any], channels: int) -> Weighted:
    focal, dice = _focal(options, channels), _dice(options, channels)
    return _sum((options["focal_weight"], focal), (options["dice_weight"], dice))


def _dice_bce(options: Mapping[str, Any], channels: int) -> Weighted:
    dice = _dice({**options, "background": True, "batch": False, "sigmoid": True}, channels)
    return _sum((options["bce_weight"], _bce({"positive_weight": 1.0}, channels)), (options["dice_weight"], dice))


_LOSSES: dict[str, Callable[[Mapping[str, Any], int], Weighted]] = {
    "bce": _bce,
    "ce": _ce,
    "dice": _dice,
    "dice_bce": _dice_bce,
    "dice_ce": _dice_ce,
    "dice_focal": _dice_focal,
    "focal": _focal,
}
"""By the names of `train.losses.LOSSES`: what each is a weighted sum of."""


def optimiser_of(optimiser: Optimiser) -> Component:
    """torch's class with all options, over the parameters of `network_def`."""
    options = _options(OPTIMISERS[optimiser.name], optimiser.options)
    made = make_optimiser(optimiser.name, [torch.nn.Parameter(torch.zeros(1))], plain(optimiser.options))
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in options.items()}
    return component(f"torch.optim.{type(made).__name__}", params="$@network_def.parameters()", **values)


def schedule_of(optimiser: Optimiser) -> dict[str, Any]:
    """The name of the schedule with its options, as the bundle's `scripts/training.py` takes them."""
    options = _options(SCHEDULES[optimiser.schedule.name], optimiser.schedule.options)
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in options.items()}
    return {"name": optimiser.schedule.name, **values}
