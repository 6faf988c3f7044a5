"""Regularised evolution: the best of a sample of the youngest is mutated (Real et al., AAAI 2019, arXiv 1802.01548)."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nascompile.search.strategy import Problem, Trial, first_new, ranking
from nascompile.space.genotype import Genotype


@dataclass(frozen=True, slots=True)
class Evolution:
    """The population are the `population` youngest trials that were not rejected; `sample` of them compete.

    Trial n knows the results of all trials but the last `lag - 1` before it, so `lag` trials can run at once. With
    several objectives the order of competitors is that of NSGA-II within the population.
    """

    problem: Problem
    population: int = 20
    sample: int = 5
    lag: int = 4

    def seen(self, number: int) -> int:
        return 0 if number < self.population else max(number - self.lag + 1, 0)

    def ask(self, number: int, history: Sequence[Trial], known: Collection[str]) -> Genotype | None:
        problem = self.problem
        rng = problem.rng(number)
        living = [t for t in history if t.state != "rejected"][-self.population :]
        if number < self.population or not living:
            return first_new(problem, problem.variation.sample, rng, known)
        keys = ranking(living)

        def draw(rng: random.Random) -> Genotype:
            chosen = rng.sample(range(len(living)), min(self.sample, len(living)))
            return problem.variation.mutate(living[min(chosen, key=lambda i: (keys[i], i))].genotype, rng)

        return first_new(problem, draw, rng, known)


STRATEGY = Evolution
