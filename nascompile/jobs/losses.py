"""The loss of a text as a function of everything that a network returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from nascompile.config.loss import LossTerm
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean
from nascompile.train.losses import PAIR_LOSSES, make_loss, make_pair_loss
from nascompile.train.predict import main_place
from nascompile.train.step import OutputLoss

_Part = Callable[[Any, torch.Tensor, int], torch.Tensor]
"""(what the network returned, target, step) -> scalar tensor."""


def output_loss(terms: Sequence[LossTerm], outputs: Sequence[str]) -> OutputLoss:
    """The weighted sum of `terms` for a network with these outputs.

    A term without an output is of the one that counts; so is `main` where the only output has no name. Raises NasError
    (`unknown-output`).
    """
    names = list(outputs)
    parts = []
    problems = []
    for term in terms:
        is_pair = term.choice.name in PAIR_LOSSES
        place = _pair(term, names) if is_pair else _place(term, names)
        if place is None:
            message = f"the space has no output `{term.output}`"
            hint = did_you_mean(term.output or "", names) or f"its outputs are {', '.join(names)}"
            at = None if term.span is None else Label(term.span)
            problems.append(Diagnostic("unknown-output", message, at, hint=hint))
        else:
            make = _of_pair if is_pair else _of_one
            parts.append((term.weight, make(term, place)))
    if problems:
        raise NasError(problems)

    return _Sum(tuple(parts))


@dataclass(frozen=True, slots=True)
class _Sum:
    """Terms with their weights, at a step of the training: margins may grow with it."""

    parts: tuple[tuple[float, _Part], ...]
    step: int = 0

    def __call__(self, returned: Any, target: torch.Tensor) -> torch.Tensor:
        total = None
        for weight, function in self.parts:
            value = weight * function(returned, target, self.step)
            total = value if total is None else total + value
        assert total is not None  # a loss has at least one term
        return total

    def at(self, step: int) -> _Sum:
        return _Sum(self.parts, step)


def _of_one(term: LossTerm, place: int) -> _Part:
    function = make_loss(term.choice.name, term.choice.options, term.span)
    return lambda returned, target, step: function(_logits(returned, place), target)


def _of_pair(term: LossTerm, place: int) -> _Part:
    function = make_pair_loss(term.choice.name, term.choice.options, term.span)
    return lambda returned, target, step: function(returned[place], returned[place + 1], target, step)


def _pair(term: LossTerm, names: list[str]) -> int | None:
    """The place of the first of the two tensors that an output is."""
    output = term.output or "logits"
    first, second = f"{output}[0]", f"{output}[1]"
    found = names.index(first) if first in names else -1
    return found if found >= 0 and names[found + 1 : found + 2] == [second] else None


def _place(term: LossTerm, names: list[str]) -> int | None:
    if term.output is None or (term.output == "main" and len(names) == 1):
        return main_place(names)
    return names.index(term.output) if term.output in names else None


def _logits(returned: Any, place: int) -> torch.Tensor:
    if isinstance(returned, torch.Tensor):
        return returned
    found: torch.Tensor = returned[place]
    return found
