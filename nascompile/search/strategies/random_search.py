"""Random search: every genotype drawn uniformly, none twice (Li and Talwalkar, UAI 2019, as a baseline of NAS)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nascompile.search.strategy import Problem, Trial, first_new
from nascompile.space.genotype import Genotype


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """Needs no result, so any number of trials can run at once."""

    problem: Problem

    def seen(self, number: int) -> int:
        return 0

    def ask(self, number: int, history: Sequence[Trial], known: Collection[str]) -> Genotype | None:
        problem = self.problem
        return first_new(problem, problem.variation.sample, problem.rng(number), known)


STRATEGY = RandomSearch
