"""NSGA-II on genotypes (Deb, Pratap, Agarwal, Meyarivan, IEEE TEVC 6(2), 2002), with the operators of `space.vary`."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from nascompile.search.strategy import Problem, Trial, first_new, ranking
from nascompile.space.genotype import Genotype

Keys = list[tuple[float, ...]]


@dataclass(slots=True)
class Nsga2:
    """Generations of `population` trials; the first is drawn. All trials of a generation can run at once.

    A child is crossed from two parents with probability `crossover`, and mutated in one decision with probability
    `mutation`, or where it would repeat an earlier genotype. Parents win tournaments of two.
    """

    problem: Problem
    population: int = 20
    crossover: float = 0.9
    mutation: float = 0.6
    # What a generation starts from; a cache: it follows from the history.
    _parents: dict[int, tuple[list[Trial], Keys]] = field(default_factory=dict)

    def seen(self, number: int) -> int:
        return number - number % self.population

    def ask(self, number: int, history: Sequence[Trial], known: Collection[str]) -> Genotype | None:
        problem = self.problem
        rng = problem.rng(number)
        if number < self.population:
            return first_new(problem, problem.variation.sample, rng, known)
        parents, keys = self._generation(number // self.population, history)

        def winner(rng: random.Random) -> Genotype:
            one, other = rng.randrange(len(parents)), rng.randrange(len(parents))
            return parents[min(one, other, key=lambda i: (keys[i], i))].genotype

        def draw(rng: random.Random) -> Genotype:
            child = winner(rng)
            if rng.random() < self.crossover:
                child = problem.variation.cross(child, winner(rng), rng)
            if rng.random() < self.mutation or child.digest() in known:
                child = problem.variation.mutate(child, rng)
            return child

        return first_new(problem, draw, rng, known)

    def _generation(self, number: int, history: Sequence[Trial]) -> tuple[list[Trial], Keys]:
        """The parents of a generation from 1 on: the best of those of the one before and of its children."""
        if number not in self._parents:
            own = list(history[(number - 1) * self.population : number * self.population])
            union = own if number == 1 else self._generation(number - 1, history)[0] + own
            keys = ranking(union)
            best = sorted(range(len(union)), key=lambda i: (keys[i], i))[: self.population]
            chosen = [union[i] for i in best]
            self._parents[number] = (chosen, ranking(chosen))
        return self._parents[number]


STRATEGY = Nsga2
