"""The columns that a surrogate sees: a genotype as numbers, totals over like decisions, and static measures."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

COSTS = ("params", "macs", "activations")
"""Static measures, as logarithms to the base 2; the last columns."""

_INDEX = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Encoder:
    """From genotypes of one space to rows.

    First come the columns of `SearchSpace.encode`; then totals, which trees cannot add up: `sum r` of all `r[i]`, and
    `count conv` of the decisions that take `conv`; last `log2 params` and the like.
    """

    space: SearchSpace
    names: tuple[str, ...]
    totals: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(space: SearchSpace) -> Encoder:
        """The encoder of a space; equal spaces have equal ones."""
        groups: dict[str, list[int]] = {}
        for place, column in enumerate(space.columns):
            if column.kind == "number":
                groups.setdefault(f"sum {_INDEX.sub('', column.path)}", []).append(place)
            elif column.kind == "operator":
                groups.setdefault(f"count {column.candidate}", []).append(place)
        groups = {name: places for name, places in groups.items() if len(places) > 1}
        names = (*(c.name for c in space.columns), *groups, *(f"log2 {name}" for name in COSTS))
        return Encoder(space, names, tuple(map(tuple, groups.values())))

    def row(self, genotype: Genotype, measures: Mapping[str, float]) -> tuple[float, ...]:
        """The row of a genotype with its static measures. Raises KeyError for one of `COSTS` that is missing."""
        own = self.space.encode(genotype)
        totals = (sum(own[place] for place in places) for places in self.totals)
        return (*own, *totals, *(math.log2(max(measures[name], 1.0)) for name in COSTS))
