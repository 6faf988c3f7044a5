"""The time of kernels of one family, learned from measured ones: physics first, then a Gaussian process.

The mean is a weighted sum of amounts of work with weights of at least 0 (Lawson and Hanson, 1974, chapter 23); what is
left, as a logarithm, is interpolated by a Gaussian process with a Matern 5/2 covariance and one length a feature
(Rasmussen and Williams, 2006, eq. 2.25, 2.26, 4.17), which also says how sure it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nascompile.profile.kernels import Kernel
from nascompile.profile.latency_features import matrix

CALL = 2.0
"""Microseconds added to every time before its logarithm is taken: below them the runtime's clock sees only noise."""

FITTED = 200
"""Kernels that lengths are fitted on; the rest only take part in the interpolation."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is fitted of a family and kept in the table: weights of the mean, lengths, and two standard deviations
    of the logarithm: how far kernels stray from the mean, and how far one measurement from its kernel."""

    mean: tuple[float, ...]
    lengths: tuple[float, ...]
    signal: float
    noise: float


class Regression:
    """Kernels of one family, ready to predict others. A class because it keeps the factor of the covariance."""

    def __init__(self, kernels: Sequence[Kernel], times: Sequence[float], shape: Shape, block: int):
        x, amounts = matrix(list(kernels), block)
        self.block, self.shape = block, shape
        self._x = x
        self._y = np.log(np.asarray(times) + CALL) - np.log(amounts @ np.asarray(shape.mean))
        covariance = _covariance(x, x, shape) + np.eye(len(x)) * (shape.noise**2 + 1e-8)
        self._inverse = np.linalg.inv(covariance)
        self._alpha = self._inverse @ self._y

    def predict(self, kernels: Sequence[Kernel]) -> tuple[Any, Any]:
        """Microseconds, and the standard deviation of the logarithm of these and `CALL`, for each kernel."""
        x, amounts = matrix(list(kernels), self.block)
        between = _covariance(x, self._x, self.shape)
        left = between @ self._alpha
        variance = self.shape.signal**2 - np.einsum("ij,jk,ik->i", between, self._inverse, between)
        times = amounts @ np.asarray(self.shape.mean) * np.exp(left)
        return np.maximum(times - CALL, 0.1), np.sqrt(np.maximum(variance, 0) + self.shape.noise**2)

    def left_out(self) -> Any:
        """The logarithmic error of each measured kernel, predicted from all others (eq. 5.12)."""
        return self._alpha / np.diag(self._inverse)


def fit(kernels: Sequence[Kernel], times: Sequence[float], block: int, seed: int = 0) -> Shape:
    """Fit a family. Deterministic in its arguments."""
    from scipy.optimize import minimize

    x, amounts = matrix(list(kernels), block)
    seconds = np.asarray(times, float) + CALL
    mean = _weights(amounts, seconds)
    y = np.log(seconds) - np.log(amounts @ mean)
    scale = np.maximum(x.std(0), 1e-3)
    chosen = np.random.default_rng(seed).permutation(len(x))[:FITTED]
    near, target = x[chosen] / scale, y[chosen]
    varies = x[chosen].std(0) > 1e-9
    count = int(varies.sum())
    start = np.concatenate([np.full(count, np.log(3.0)), [np.log(max(float(y.std()), 0.05))], [np.log(0.05)]])

    def lengths_of(point: Any) -> Any:
        full = np.full(len(scale), 1e3)
        full[varies] = np.exp(point[:count])
        return full

    def loss(point: Any) -> tuple[float, Any]:
        return _likelihood(near[:, varies], target, point, count)

    bounds = [(np.log(0.3), np.log(100.0))] * count + [(np.log(0.02), np.log(3.0)), (np.log(0.01), np.log(0.3))]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 60}).x
    lengths = lengths_of(found) * scale
    return Shape(_floats(mean), _floats(lengths), float(np.exp(found[-2])), float(np.exp(found[-1])))


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)


def _weights(amounts: Any, times: Any) -> Any:
    """Weights of at least 0 that make the relative errors small."""
    from scipy.optimize import nnls

    rows = amounts / times[:, None]
    size = np.maximum(np.abs(rows).max(0), 1e-30)
    weights, _ = nnls(rows / size, np.ones(len(times)))
    weights = weights / size
    if not (amounts @ weights > 0).all():
        weights[0] = max(weights[0], float(times.min()) / 2)
    return weights


def _distance(a: Any, b: Any) -> Any:
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


def _covariance(a: Any, b: Any, shape: Shape) -> Any:
    lengths = np.asarray(shape.lengths)
    r = np.sqrt(5) * _distance(a / lengths, b / lengths)
    return shape.signal**2 * (1 + r + r**2 / 3) * np.exp(-r)


def _likelihood(x: Any, y: Any, point: Any, count: int) -> tuple[float, Any]:
    """The negative log marginal likelihood with a weak prior on lengths, and its gradient."""
    lengths, signal, noise = np.exp(point[:count]), np.exp(point[-2]), np.exp(point[-1])
    r = np.sqrt(5) * _distance(x / lengths, x / lengths)
    decay = np.exp(-r)
    plain = signal**2 * (1 + r + r**2 / 3) * decay
    covariance = plain + np.eye(len(x)) * (noise**2 + 1e-8)
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(point)
    inverse = np.linalg.inv(covariance)
    alpha = inverse @ y
    prior = (point[:count] - np.log(3.0)) / 1.5
    value = 0.5 * y @ alpha + np.log(np.diag(factor)).sum() + 0.5 * (prior**2).sum()
    outer = inverse - np.outer(alpha, alpha)
    common = outer * (signal**2 * (5 / 3) * (1 + r) * decay)
    gradient = np.empty_like(point)
    for axis in range(count):
        difference = (x[:, axis, None] - x[None, :, axis]) / lengths[axis]
        gradient[axis] = 0.5 * (common * difference**2).sum() + prior[axis] / 1.5
    gradient[-2] = (outer * plain).sum()
    gradient[-1] = np.trace(outer) * noise**2
    return float(value), gradient
