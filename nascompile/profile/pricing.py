"""Pricing many genotypes of one space: parameters, multiply-accumulates and activations without elaborating each."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nascompile.ir.program import Program
from nascompile.ir.symbols import Sym
from nascompile.profile.cost import cost_of
from nascompile.profile.diagrams import Diagrams, NotTabulated
from nascompile.profile.terms import Term, terms_of
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

Values = Mapping[str, Any]

BATCH = 1024
"""Genotypes that are priced together."""

_EXACT = 1 << 53


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
    """Prices of the genotypes of one space: those of `cost_of` on the retrained net, exactly.

    Build it once; `library` is the one that the space was elaborated from. The space becomes a sum of terms
    (`profile.terms`), which is compared with `checks` elaborated genotypes. Where the terms cannot be found or part
    from them, `is_tabulated` is False and every genotype is elaborated: as exact, but slow.
    """

    def __init__(self, library: Library, space: SearchSpace, checks: int = 2):
        self._library = library
        self.space = space
        self._elaborated: dict[Any, Price] = {}
        self.terms: tuple[Term, ...] = ()
        self.diagrams: Diagrams | None = None
        try:
            found = terms_of(self.program())
        except NotTabulated:
            return
        self.terms, self.diagrams = found.terms, found.diagrams
        rng = random.Random(0)
        if space.block.is_possible:
            drawn = [space.sample(rng).values for _ in range(checks)]
            if self.prices(drawn) != [self._by_elaboration(values) for values in drawn]:
                self.diagrams = None

    @property
    def is_tabulated(self) -> bool:
        """Whether prices come from the space's terms instead of from each elaborated network."""
        return self.diagrams is not None

    def price(self, genotype: Genotype | Values) -> Price:
        """The price of a genotype, or of its values; these are not checked."""
        return self.prices([genotype])[0]

    def prices(self, genotypes: Iterable[Genotype | Values]) -> list[Price]:
        """The prices of many genotypes, in their order; together they cost much less than one by one."""
        rows = [g.values if isinstance(g, Genotype) else g for g in genotypes]
        if self.diagrams is None:
            return [self._by_elaboration(values) for values in rows]
        found: list[Price] = []
        for start in range(0, len(rows), BATCH):
            found += self._by_terms(self.diagrams, rows[start : start + BATCH])
        return found

    def program(self, values: Values | None = None) -> Program:
        """The program of the retrained net, with its decisions open or bound."""
        axes = tuple(int(a) for a in self.space.program.input.axes)  # type: ignore[arg-type]
        binding = None if values is None else dict(values)
        return elaborate(self._library, Request(self.space.name, self.space.arguments, axes, binding, True))

    def _by_elaboration(self, values: Values) -> Price:
        key = tuple(values.items())
        if key not in self._elaborated:
            cost = cost_of(self.program(values))
            self._elaborated[key] = Price(cost.live, cost.macs, cost.activations)
        return self._elaborated[key]

    def _by_terms(self, diagrams: Diagrams, rows: Sequence[Values]) -> list[Price]:
        import numpy as np

        from nascompile.profile.columns import Columns

        columns = Columns(diagrams, rows)
        conditions = columns.all_of(term.condition for term in self.terms)
        amounts = [(term.params, term.macs, term.activations) for term in self.terms]
        plain = np.array([[0 if isinstance(a, Sym) else a for a in row] for row in amounts], np.int64)
        kind = np.float64 if plain.sum() < _EXACT else np.int64
        totals = (np.array(conditions, kind).T @ plain.astype(kind)).astype(np.int64)
        with np.errstate(all="ignore"):
            for condition, row in zip(conditions, amounts, strict=True):
                for k, amount in enumerate(row):
                    if isinstance(amount, Sym):
                        totals[:, k] += np.where(condition, columns.number(amount), 0).astype(np.int64)
        return [Price(*row) for row in totals.tolist()]
