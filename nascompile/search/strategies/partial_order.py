"""Partial-order pruning as a strategy: random networks, but for those that cannot be on the front of score and cost.

Li, Zhou, Pan, Feng, "Partial Order Pruning", CVPR 2019; Jiang, Shen, Gao, Li, arXiv 2101.07429.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from nascompile.search import partial_order
from nascompile.search.strategy import Problem, Trial, first_new
from nascompile.space.genotype import Genotype
from nascompile.space.order import Order


@dataclass(slots=True)
class PartialOrder:
    """The score is the first objective; `cost` names a static or predicted measure. `lag` trials can run at once, with
    less pruning.

    What is narrower or shallower than a trained network is left out if it costs more than another trained network that
    scores at least as well and keeps the conditions. When 500 draws find nothing else, the search is over.
    """

    problem: Problem
    cost: str = "macs"
    lag: int = 1
    _order: Order | None = field(default=None)

    def seen(self, number: int) -> int:
        return max(number - self.lag + 1, 0)

    def ask(self, number: int, history: Sequence[Trial], known: Collection[str]) -> Genotype | None:
        problem = self.problem
        if self._order is None:
            self._order = Order(problem.space)
        order = self._order
        done = [
            partial_order.Trial(t.genotype, -t.losses[0], t.measures[self.cost], t.violation <= 0)
            for t in history
            if t.state == "complete"
        ]
        pruning = partial_order.limits(done)

        def price(genotype: Genotype) -> float:
            # What breaks another condition has no predicted latency; nothing is known to be as costly.
            return problem.cost(genotype).get(self.cost, float("inf"))

        def violation(genotype: Genotype) -> float:
            return problem.violation(genotype) + partial_order.is_pruned(genotype, order, price, pruning)

        found = first_new(replace(problem, violation=violation), problem.variation.sample, problem.rng(number), known)
        return None if found is None or partial_order.is_pruned(found, order, price, pruning) else found


STRATEGY = PartialOrder
