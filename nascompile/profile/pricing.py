"""Pricing many genotypes of one space: parameters, multiply-accumulates and activations without elaborating each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nascompile.profile.cost import cost_of
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Price:
    """What a retrained network costs for one image: live parameters, multiply-accumulates, elements of activations."""

    params: int
    macs: int
    activations: int

    @property
    def flops(self) -> int:
        """Two floating-point operations a multiply-accumulate."""
        return 2 * self.macs


class Pricer:
    """Prices of the genotypes of one space. Build it once; `library` is the one that the space was elaborated from."""

    def __init__(self, library: Library, space: SearchSpace):
        self._library = library
        self._space = space

    def price(self, genotype: Genotype | Values) -> Price:
        """The price of a genotype (or of its values, which are not checked): that of `cost_of`, exactly."""
        values = genotype.values if isinstance(genotype, Genotype) else genotype
        axes = tuple(int(a) for a in self._space.program.input.axes)  # type: ignore[arg-type]
        request = Request(self._space.name, self._space.arguments, axes, dict(values), True)
        cost = cost_of(elaborate(self._library, request))
        return Price(cost.live, cost.macs, cost.activations)

    def prices(self, genotypes: Iterable[Genotype | Values]) -> list[Price]:
        """The prices of many genotypes, in their order."""
        return [self.price(genotype) for genotype in genotypes]
