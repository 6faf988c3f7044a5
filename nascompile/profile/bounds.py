"""The least and the largest cost in a whole space, with a genotype that has it; and what a condition on costs means."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nascompile.ir.symbols import Sym, bounds
from nascompile.profile.diagrams import Diagrams, NotTabulated
from nascompile.profile.frontier import STATE_LIMIT, Frontier, Optimum
from nascompile.profile.pricing import Pricer
from nascompile.profile.terms import Term

MEASURES = ("params", "macs", "flops", "activations")


SAMPLES = 256
"""Genotypes that are drawn for a witness where a bound is not known to be reached."""


@dataclass(frozen=True, slots=True)
class Extreme:
    """One end of the costs in a space.

    No genotype lies beyond `bound`. `witness` is a legal genotype's values and `cost` what it costs; with `is_exact`
    this is the bound itself, else the true end lies between the two.
    """

    bound: int
    cost: int
    witness: Mapping[str, Any]

    @property
    def is_exact(self) -> bool:
        """Whether the witness has the bound."""
        return self.bound == self.cost


@dataclass(frozen=True, slots=True)
class CostRange:
    """Where the costs of all genotypes lie."""

    measure: str
    low: Extreme
    high: Extreme


def cost_range(pricer: Pricer, measure: str, states: int = STATE_LIMIT) -> CostRange | None:
    """The range of `params`, `macs`, `flops` or `activations` over all legal genotypes; None for an empty space.

    Exact by dynamic programming where `states` states behind a decision are enough, else stated bounds. Real numbers
    are tried at their ends.
    Raises NotTabulated where the space has no terms at all (`Pricer.is_tabulated`).
    """
    terms = pricer.found
    if terms is None:
        raise NotTabulated
    diagrams = terms.diagrams
    frontier = Frontier(diagrams, pricer.space.constraints, states)
    ends = []
    for sign in (1, -1):
        functions = [f for term in terms.terms for f in functions_of(diagrams, term, measure, sign)]
        found = frontier.least(functions)
        if found is None:
            return None
        ends.append(_extreme(pricer, measure, found, sign))
    return CostRange(measure, ends[0], ends[1])


def functions_of(
    diagrams: Diagrams, term: Term, measure: str, sign: int = 1, *, with_bounds: bool = True
) -> Iterator[int]:
    """A term times `sign` as functions of the decisions, one a layer where numbers are picked.

    With `with_bounds`, what depends on reals is replaced by its least value (`sign` -1: its largest). Raises
    NotTabulated.
    """
    factor = diagrams.constant(2 * sign if measure == "flops" else sign)
    for amount in addends(getattr(term, "macs" if measure == "flops" else measure)):
        if with_bounds and isinstance(amount, Sym) and not diagrams.reals.isdisjoint(amount.refs):
            amount = _bound(diagrams, amount, sign)
        cost = diagrams.apply("*", factor, diagrams.function(amount))
        yield diagrams.apply("*", term.condition, cost)


def addends(amount: Any) -> list[Any]:
    """The parts of a sum."""
    if not isinstance(amount, Sym) or amount.op != "+":
        return [amount]
    return [part for a in amount.args for part in addends(a)]


def _bound(diagrams: Diagrams, amount: Sym, sign: int) -> int:
    """The least (`sign` 1) or largest value by interval arithmetic."""
    ends: dict[str, tuple[float, float]] = {}
    for path in amount.refs:
        decision = diagrams.decisions[path]
        values = decision.interval or decision.candidates
        ends[path] = (min(values), max(values))
    low, high = bounds(amount, ends)
    return max(int(low), 0) if sign == 1 else int(high)  # costs are never negative


def _extreme(pricer: Pricer, measure: str, found: Optimum, sign: int) -> Extreme:
    """The bound with the better of the genotypes whose reals are all at one end."""
    reals = {p: d.interval for p, d in pricer.space.decisions.items() if d.interval is not None}
    existing = pricer.space.exists(found.values)
    candidates = []
    for end in (0, 1) if reals else (0,):
        values = dict(found.values)
        for path in existing:
            interval = reals.get(path)
            if interval is not None:
                values[path] = float(interval[end])
        candidates.append({p: values[p] for p in pricer.space.decisions if p in values})
    bound = sign * round(found.value)
    if reals or not found.is_whole:  # the optimum of other functions: any genotype may be better
        rng = random.Random(0)
        candidates += [dict(pricer.space.sample(rng).values) for _ in range(SAMPLES)]
    costs = [sign * int(getattr(price, measure)) for price in pricer.prices(candidates)]
    best = min(range(len(costs)), key=costs.__getitem__)
    return Extreme(bound, sign * costs[best], candidates[best])
