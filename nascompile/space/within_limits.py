"""The best genotype that keeps the limits of its space on costs, which the space's table does not know."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from nascompile.diagnostics import error
from nascompile.ir.program import Decision
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace
from nascompile.space.vary import Variation

LISTED = 2_000
"""A space of up to so many genotypes is searched through."""

CHANGES = 500
"""So many single changes are tried in a larger one."""


def best_within(space: SearchSpace, best: Genotype, score: Callable[[Decision, Any], float]) -> Genotype:
    """`best`, or where it costs too much, the genotype within the limits with the largest sum of scores.

    In a space of more than 2,000 genotypes that is the result of 500 single changes, each kept if it scores higher,
    from a genotype that is like `best` where the limits let it; always the same one. Raises NasError (`empty-space`,
    and `sampling-failed` where 1,000 draws find none in a larger space).
    """
    if not space.limits or not space.broken(best.values):
        return best

    def total(genotype: Genotype) -> float:
        return math.fsum(score(space.decisions[path], value) for path, value in genotype.values.items())

    if space.size() <= LISTED:
        found = max(space.enumerate(), key=total, default=None)
        if found is None:
            (first, *_) = space.broken(best.values)
            limit = space.limits[0]
            message = f"no genotype of `{space.name}` fulfils `where {limit.text}`"
            raise error("empty-space", message, limit.origin.span, hint=f"of the best one: {first.hint}")
        return found
    variation, rng = Variation(space), random.Random(0)
    current = variation.walk(rng, lambda decision, possible: _value(best, decision, possible))
    for _ in range(CHANGES):
        child = variation.mutate(current, rng)
        if total(child) > total(current):
            current = child
    return current


def _value(best: Genotype, decision: Decision, possible: Any) -> Any:
    """The value of `best`, if it is possible here; else the first that is."""
    value = best.values.get(decision.path)
    return value if value in possible else possible[0]
