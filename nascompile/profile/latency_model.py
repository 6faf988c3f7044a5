"""Predicted latency: the kernels of a network, each from the table of a target, and what the network adds.

No torch and no runtime is loaded: a network is priced in about a millisecond once its kernels are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from nascompile.ir.program import Program
from nascompile.profile.fusion import Placed, kernels
from nascompile.profile.kernels import Kernel
from nascompile.profile.latency_features import family
from nascompile.profile.operations import Operations, operations_of

if TYPE_CHECKING:
    from nascompile.profile.latency_regression import Regression
    from nascompile.profile.latency_table import Table

UNSURE = 0.35
"""A kernel whose time is known only within this standard deviation of its logarithm counts as unknown."""

SIDES = 1.645
"""Standard deviations on each side of an interval of 90%."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A kernel with its predicted milliseconds, the standard deviation of their logarithm, and its layers."""

    kernel: Kernel
    ms: float
    spread: float
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Milliseconds a call, with an interval that should hold the median in nine of ten networks.

    `unknown` are kernels that the table says next to nothing about; `kernels` add up to `ms` but for `start_ms`.
    """

    ms: float
    low: float
    high: float
    unknown: tuple[Kernel, ...] = ()
    kernels: tuple[Priced, ...] = ()
    start_ms: float = 0.0


@dataclass(eq=False)
class LatencyModel:
    """A loaded table. It remembers the kernels that it has priced, which is why it is a class."""

    table: Table
    _families: dict[str, Regression] = field(default_factory=dict, repr=False)
    _known: dict[Kernel, tuple[float, float]] = field(default_factory=dict, repr=False)
    _by_family: dict[str, list[Kernel]] = field(default_factory=dict, repr=False)

    @classmethod
    def from_target(cls, name: str, folder: Path | None = None) -> LatencyModel:
        """The model of a table's file, or of a target that ships (`latency_table.find`). Raises NasError."""
        from nascompile.profile.latency_table import find, load

        return cls(load(find(name, folder)))

    @classmethod
    def from_file(cls, path: Path) -> LatencyModel:
        """The model of a table's file. Raises NasError (`bad-latency-table`)."""
        from nascompile.profile.latency_table import load

        return cls(load(path))

    def predict(self, program: Program) -> Prediction:
        """The latency of a network whose decisions are all bound."""
        return self.predict_operations(operations_of(program))

    def predict_operations(self, network: Operations) -> Prediction:
        """The latency of a network by its operations."""
        return self.predict_kernels(kernels(network, self.table.block))

    def predict_kernels(self, placed: Sequence[Placed]) -> Prediction:
        """The latency of a network by its kernels."""
        from nascompile.profile.latency_regression import CALL

        correction = self.table.correction
        self.price(p.kernel for p in placed)
        priced, variance, unknown = [], 0.0, dict[Kernel, None]()
        for p in placed:
            time, spread = self._known[p.kernel]
            us = correction.kernel + time * correction.scale.get(group(p.kernel), 1.0)
            priced.append(Priced(p.kernel, us / 1e3, spread, p.paths))
            variance += ((us + CALL) * spread) ** 2
            if spread > UNSURE:
                unknown[p.kernel] = None
        total = correction.start + 1e3 * sum(p.ms for p in priced)
        wide = SIDES * sqrt(correction.spread**2 + variance / max(total, 1e-9) ** 2)
        ms = total / 1e3
        return Prediction(ms, ms * exp(-wide), ms * exp(wide), tuple(unknown), tuple(priced), correction.start / 1e3)

    def price(self, wanted: Iterable[Kernel]) -> Mapping[Kernel, tuple[float, float]]:
        """Microseconds of kernels, before the correction, and the standard deviation of their logarithm."""
        missing: dict[str, list[Kernel]] = {}
        for kernel in dict.fromkeys(wanted):
            if kernel not in self._known:
                missing.setdefault(family(kernel, self.table.block), []).append(kernel)
        for name, members in missing.items():
            self._price(name, members)
        return self._known

    def _price(self, name: str, members: list[Kernel]) -> None:
        regression = self._regression(name)
        if name == "Free":
            self._known.update((kernel, (0.0, 0.0)) for kernel in members)
        elif regression is None:
            for kernel in members:  # nothing is known but what it moves
                self._known[kernel] = (1.0 + kernel.bytes / 4e3 + kernel.macs / 2e4, 1.0)
        else:
            times, spreads = regression.predict(members)
            self._known.update((k, (float(t), float(s))) for k, t, s in zip(members, times, spreads, strict=True))

    def _regression(self, name: str) -> Regression | None:
        from nascompile.profile.latency_regression import Regression

        if name not in self.table.shapes:
            return None
        if name not in self._families:
            if not self._by_family:
                for kernel in self.table.times:
                    self._by_family.setdefault(family(kernel, self.table.block), []).append(kernel)
            members = self._by_family.get(name, [])
            if not members:
                return None
            times = [self.table.times[kernel] for kernel in members]
            self._families[name] = Regression(members, times, self.table.shapes[name], self.table.block)
        return self._families[name]


def group(kernel: Kernel) -> str:
    """The group of families that share one scale in the correction."""
    if kernel.kind in ("Conv", "Gemm"):
        return "blocked" if kernel.layout else "product"
    if kernel.kind == "ConvTranspose":
        return "product"
    return "memory"
