"""The loss of a text as a function of everything that a network returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from nascompile.config.loss import LossTerm
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean
from nascompile.train.losses import make_loss
from nascompile.train.predict import main_output
from nascompile.train.step import OutputLoss


def output_loss(terms: Sequence[LossTerm], outputs: Sequence[str]) -> OutputLoss:
    """The weighted sum of `terms` for a network with these outputs.

    A term without an output is of the one that counts; so is `main` where the only output has no name. Raises NasError
    (`unknown-output`).
    """
    names = list(outputs)
    parts = []
    problems = []
    for term in terms:
        place = _place(term, names)
        if place is None:
            message = f"the space has no output `{term.output}`"
            hint = did_you_mean(term.output or "", names) or f"its outputs are {', '.join(names)}"
            at = None if term.span is None else Label(term.span)
            problems.append(Diagnostic("unknown-output", message, at, hint=hint))
        else:
            parts.append((term.weight, place, make_loss(term.choice.name, term.choice.options, term.span)))
    if problems:
        raise NasError(problems)

    def loss(returned: Any, target: torch.Tensor) -> torch.Tensor:
        total = None
        for weight, place, function in parts:
            value = weight * function(_logits(returned, place), target)
            total = value if total is None else total + value
        assert total is not None  # a loss has at least one term
        return total

    return loss


_COUNTS = -1
"""The place of the output that counts."""


def _place(term: LossTerm, names: list[str]) -> int | None:
    if term.output is None or (term.output == "main" and len(names) == 1):
        return _COUNTS
    return names.index(term.output) if term.output in names else None


def _logits(returned: Any, place: int) -> torch.Tensor:
    if place == _COUNTS or isinstance(returned, torch.Tensor):
        return main_output(returned)
    found: torch.Tensor = returned[place]
    return found
