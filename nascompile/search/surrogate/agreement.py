"""How well predictions order what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """Rank correlations of `nets` pairs and the mean absolute error; not a number where all values are equal."""

    nets: int
    spearman: float
    kendall: float
    error: float


def agreement(measured: Sequence[float], predicted: Sequence[float]) -> Agreement:
    """Spearman's rho, Kendall's tau-b and the mean absolute error. Raises ValueError for fewer than two pairs."""
    if len(measured) < 2:
        raise ValueError("two nets have an order, fewer have none")
    mean = sum(abs(m - p) for m, p in zip(measured, predicted, strict=True)) / len(measured)
    if len(set(measured)) == 1 or len(set(predicted)) == 1:
        return Agreement(len(measured), math.nan, math.nan, mean)
    from scipy.stats import kendalltau, spearmanr

    rho, tau = spearmanr(measured, predicted).statistic, kendalltau(measured, predicted).statistic
    return Agreement(len(measured), float(rho), float(tau), mean)
