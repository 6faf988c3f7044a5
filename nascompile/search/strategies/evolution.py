"""Evolution: the best of a sample of the living is varied. Regularised (Real et al., AAAI 2019, arXiv 1802.01548), or
with a Latin-hypercube start, union of two parents, small steps and elitism (Benmeziane et al., arXiv 2305.10459).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from nascompile.search.strategy import Problem, Trial, first_new, ranking
from nascompile.space.genotype import Genotype


@dataclass(frozen=True, slots=True)
class Evolution:
    """`population` trials that were not rejected live; `sample` of them compete to be a parent.

    The living are the `youngest`, or with `survivors = best` the best of all. Their order is that of NSGA-II within the
    population: what keeps the conditions first, then fronts and crowding.

    A child is the union of two parents with probability `crossover` (each decision as in one of them), and then varied:
    with `moves = values` one decision takes any other value; with `moves = steps` one decision or, half as often each
    time, one more, takes a neighbouring value. The first `population` trials are drawn uniformly, or with
    `start = latin` so that each of them is in another stratum of every decision (McKay et al., Technometrics 1979).

    Trial n knows the results of all trials but the last `lag - 1` before it, so `lag` trials can run at once.
    """

    problem: Problem
    population: int = 20
    sample: int = 5
    lag: int = 4
    start: Literal["random", "latin"] = "random"
    crossover: float = 0.0
    moves: Literal["values", "steps"] = "values"
    survivors: Literal["youngest", "best"] = "youngest"

    def seen(self, number: int) -> int:
        return 0 if number < self.population else max(number - self.lag + 1, 0)

    def ask(self, number: int, history: Sequence[Trial], known: Collection[str]) -> Genotype | None:
        problem = self.problem
        rng = problem.rng(number)
        living = self._living(history)
        if number < self.population or not living:
            return self._first(number, rng, known)
        keys = ranking(living)

        def parent(rng: random.Random) -> Genotype:
            chosen = rng.sample(range(len(living)), min(self.sample, len(living)))
            return living[min(chosen, key=lambda i: (keys[i], i))].genotype

        def draw(rng: random.Random) -> Genotype:
            child = parent(rng)
            if self.crossover and rng.random() < self.crossover:
                child = problem.variation.cross(child, parent(rng), rng)
            return self._varied(child, rng)

        return first_new(problem, draw, rng, known)

    def _living(self, history: Sequence[Trial]) -> list[Trial]:
        found = [t for t in history if t.state != "rejected"]
        if self.survivors == "best":
            keys = ranking(found)
            best = sorted(range(len(found)), key=lambda i: (keys[i], i))
            return [found[i] for i in best[: self.population]]
        return found[-self.population :]

    def _varied(self, child: Genotype, rng: random.Random) -> Genotype:
        variation = self.problem.variation
        if self.moves == "values":
            return variation.mutate(child, rng)
        child = variation.mutate(child, rng, near=True)
        while rng.getrandbits(1):
            child = variation.mutate(child, rng, near=True)
        return child

    def _first(self, number: int, rng: random.Random, known: Collection[str]) -> Genotype | None:
        """A genotype of the start. One of a hypercube that breaks the conditions is drawn again, then anywhere."""
        problem, count = self.problem, self.population
        if self.start == "random" or number >= count:
            return first_new(problem, problem.variation.sample, rng, known)
        left = [STRICT]

        def share(path: str) -> float:
            if left[0] < 0:
                return rng.random()
            order = list(range(count))
            random.Random(f"{problem.seed}/latin/{path}").shuffle(order)
            return (order[number] + rng.random()) / count

        def draw(rng: random.Random) -> Genotype:
            left[0] -= 1
            return problem.variation.stratified(rng, share)

        return first_new(problem, draw, rng, known)


STRICT = 20
"""So often a genotype of a Latin hypercube is drawn within its strata before they are given up for it."""

STRATEGY = Evolution
