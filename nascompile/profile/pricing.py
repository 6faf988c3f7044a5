"""Pricing many genotypes of one space: parameters, multiply-accumulates and activations without elaborating each."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.ir.symbols import Sym
from nascompile.profile.cost import cost_of
from nascompile.profile.diagrams import NotTabulated
from nascompile.profile.measures import PRICED, measures_of
from nascompile.profile.one import One
from nascompile.profile.terms import Terms, terms_of
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

Values = Mapping[str, Any]

BATCH = 1024
"""Genotypes that are priced together; four times as many where the diagrams are large (`LARGE` nodes)."""

LARGE = 20_000

FEW = 4
"""Genotypes up to which each is looked up for itself."""

FIRST = 4
"""Genotypes that are elaborated before the space's terms are looked for."""

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

    Build it once and keep it; `library` is the one that the space was elaborated from. The first few genotypes are
    elaborated. Then the space becomes a sum of terms (`profile.terms`), which has to agree with `checks` elaborated
    genotypes. Where the terms cannot be found or do not agree, `is_tabulated` is False and every genotype is
    elaborated: as exact, but slow. Prices are remembered.
    """

    def __init__(self, library: Library, space: SearchSpace, checks: int = 3):
        self.space = space
        self._library = library
        self._checks = checks
        self._known: dict[Any, Price] = {}

    @property
    def is_tabulated(self) -> bool:
        """Whether prices come from the space's terms instead of from each elaborated network."""
        return self.found is not None

    @cached_property
    def found(self) -> Terms | None:
        """The space's terms, or None where it has none."""
        try:
            found = terms_of(self.program())
        except (NotTabulated, NasError):
            return None
        if not self.space.block.is_possible:
            return found
        rng = random.Random(0)
        drawn = [self.space.sample(rng).values for _ in range(self._checks)]
        same = all(self._by_terms(found, [values])[0] == self.elaborated(values) for values in drawn)
        return found if same else None

    def price(self, genotype: Genotype | Values) -> Price:
        """The price of a genotype, or of its values; these are not checked."""
        return self.prices([genotype])[0]

    def prices(self, genotypes: Iterable[Genotype | Values]) -> list[Price]:
        """The prices of many genotypes, in their order; together they cost much less than one by one."""
        rows = [g.values if isinstance(g, Genotype) else g for g in genotypes]
        if len(self._known) + len(rows) <= FIRST and "found" not in self.__dict__:
            return [self.elaborated(values) for values in rows]
        found = self.found
        if found is None:
            return [self.elaborated(values) for values in rows]
        prices: list[Price] = []
        batch = BATCH if len(found.diagrams.variable) < LARGE else 4 * BATCH
        for start in range(0, len(rows), batch):
            prices += self._by_terms(found, rows[start : start + batch])
        return prices

    def measures(self, genotype: Genotype | Values, names: Iterable[str] = PRICED) -> dict[str, int]:
        """Static measures by name (`profile.measures`). Only `peak_memory` elaborates the network."""
        wanted = tuple(names)
        price = self.price(genotype)
        found = {name: int(getattr(price, name)) for name in wanted if name in PRICED}
        if len(found) < len(wanted):
            values = genotype.values if isinstance(genotype, Genotype) else genotype
            found |= measures_of(self.program(values), [name for name in wanted if name not in PRICED])
        return {name: found[name] for name in wanted}

    def program(self, values: Values | None = None) -> Program:
        """The program of the retrained net, with its decisions bound, or open with the candidates of the space."""
        axes = tuple(int(a) for a in self.space.program.input.axes)  # type: ignore[arg-type]
        binding = None if values is None else dict(values)
        program = elaborate(self._library, Request(self.space.name, self.space.arguments, axes, binding, True))
        if values is not None:
            return program
        left = {path: d.candidates for path, d in self.space.decisions.items()}
        decisions = {p: replace(d, candidates=left.get(p, d.candidates)) for p, d in program.decisions.items()}
        return replace(program, decisions=decisions)

    def elaborated(self, values: Values) -> Price:
        """The price by elaborating the network: what the space's terms have to agree with."""
        key = tuple(values.items())
        if key not in self._known:
            cost = cost_of(self.program(values))
            self._known[key] = Price(cost.live, cost.macs, cost.activations)
        return self._known[key]

    def _by_terms(self, found: Terms, rows: Sequence[Values]) -> list[Price]:
        if len(rows) <= FEW:
            return [_price_of_one(found, values) for values in rows]
        import numpy as np

        from nascompile.profile.columns import Columns

        columns = Columns(found.diagrams, rows)
        conditions = columns.holds(term.condition for term in found.terms)
        amounts = [(term.params, term.macs, term.activations) for term in found.terms]
        plain = np.array([[0 if isinstance(a, Sym) else a for a in row] for row in amounts], np.int64)
        kind = np.float64 if plain.sum() < _EXACT else np.int64
        totals = (np.array(conditions, kind).T @ plain.astype(kind)).astype(np.int64)
        with np.errstate(all="ignore"):
            for condition, row in zip(conditions, amounts, strict=True):
                for k, amount in enumerate(row):
                    if isinstance(amount, Sym):
                        totals[:, k] += np.where(condition, columns.number(amount), 0).astype(np.int64)
        return [Price(*row) for row in totals.tolist()]


def _price_of_one(found: Terms, values: Values) -> Price:
    one = One(found.diagrams, values)
    params = macs = activations = 0
    for term in found.terms:
        if one.holds(term.condition):
            params += one.number(term.params)
            macs += one.number(term.macs)
            activations += one.number(term.activations)
    return Price(int(params), int(macs), int(activations))
