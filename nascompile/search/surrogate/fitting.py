"""From evaluated nets to a surrogate: members, rank correlation on held-out nets, interval, limit of novelty."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from nascompile.diagnostics import error
from nascompile.search.surrogate.agreement import agreement
from nascompile.search.surrogate.boosting import boosted
from nascompile.search.surrogate.model import (
    LEVEL,
    Domain,
    HeldOut,
    Surrogate,
    distance,
    mean_and_deviation,
    ranges_of,
)

FEWEST = 12
"""Nets that a fit needs: fewer have no order worth learning."""

FOLDS = 5
_NEAR = 0.95  # the share of fitted nets that are nearer to their neighbours than the limit of novelty


def fit(
    target: str,
    domain: Domain,
    rows: Sequence[tuple[float, ...]],
    values: Sequence[float],
    *,
    seed: int = 0,
    about: Mapping[str, Any] | None = None,
) -> Surrogate:
    """The surrogate of `values` (measured, of the nets with these rows). Equal rows are one net with the mean value.

    Rank correlation and interval are those of `FOLDS` models that each left a fifth of the nets out; the model itself
    is fitted to all. Raises NasError: `too-few-nets`, `missing-package`.
    """
    rows, values = _merged(rows, values)
    if len(rows) < FEWEST:
        hint = f"`nascompile search --resume --set 'budget={4 * FEWEST} trials'` evaluates more"
        if not rows:
            hint = "name a measure that the searches have as an objective or in a condition: `--target dice`"
        message = f"{len(rows)} different nets have `{target}`, and a surrogate needs at least {FEWEST}"
        raise error("too-few-nets", message, hint=hint)
    said, deviations = _held_out(rows, values, seed)
    errors = [abs(v - s) for v, s in zip(values, said, strict=True)]
    floor = max(sorted(errors)[len(errors) // 2] / 2, 1e-9)
    ratios = sorted(e / (d + floor) for e, d in zip(errors, deviations, strict=True))
    ranges = ranges_of(rows)
    apart = sorted(distance(row, [*rows[:i], *rows[i + 1 :]], ranges) for i, row in enumerate(rows))
    return Surrogate(
        target=target,
        domain=domain,
        rows=tuple(rows),
        values=tuple(values),
        members=boosted(rows, values, seed),
        held_out=HeldOut(FOLDS, agreement(values, said), tuple(said)),
        floor=floor,
        factor=_quantile(ratios, LEVEL),
        limit=max(_quantile(apart, _NEAR), 1e-9),
        about=dict(about or {}),
    )


def _merged(rows: Sequence[tuple[float, ...]], values: Sequence[float]) -> tuple[list[tuple[float, ...]], list[float]]:
    found: dict[tuple[float, ...], list[float]] = {}
    for row, value in zip(rows, values, strict=True):
        found.setdefault(row, []).append(value)
    return list(found), [sum(group) / len(group) for group in found.values()]


def _held_out(rows: Sequence[tuple[float, ...]], values: Sequence[float], seed: int) -> tuple[list[float], list[float]]:
    """For each net mean and deviation of a model that was fitted without it."""
    order = list(range(len(rows)))
    random.Random(f"{seed}/folds").shuffle(order)
    said, deviations = [0.0] * len(rows), [0.0] * len(rows)
    for fold in range(FOLDS):
        left = set(order[fold::FOLDS])
        kept = [i for i in range(len(rows)) if i not in left]
        members = boosted([rows[i] for i in kept], [values[i] for i in kept], seed + 1 + fold)
        for i in left:
            said[i], deviations[i] = mean_and_deviation(members, rows[i])
    return said, deviations


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values that at least `share` of one more than all are at most (conformal), or the largest."""
    place = math.ceil(share * (len(ordered) + 1)) - 1
    return ordered[min(place, len(ordered) - 1)]
