"""Optuna's samplers as a strategy: each ask replays the history in memory and asks a freshly seeded sampler.

So a sampler is a function of (seed, trial number, history) like every other strategy (`search.optuna_samplers`). What
it proposes is brought into the space along the table: a value that is not possible there becomes the nearest number, or
is drawn.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nascompile.ir.program import Decision
from nascompile.search.distributions import Distributions
from nascompile.search.optuna_samplers import CONSTRAINTS, GENERATION, GENETIC, make_genetic, make_sampler, sobol
from nascompile.search.strategy import Problem, Trial, first_new
from nascompile.space.genotype import Genotype
from nascompile.space.vary import NONE

PROPOSALS = 10
"""After so many proposals that are known or too expensive, the last one is mutated instead."""


@dataclass(slots=True)
class OptunaSampler:
    """The first `startup` trials are drawn; `lag` trials can run at once. `sampler` is one of `NAMES`.

    The genetic ones draw the first generation of `population` trials, and a generation can run at once; `qmc` draws
    nothing and knows no results, so all its trials can.
    """

    problem: Problem
    sampler: str = "tpe"
    startup: int = 10
    lag: int = 4
    population: int = 20
    _mapping: Distributions | None = field(default=None)

    def seen(self, number: int) -> int:
        if self.sampler in GENETIC:
            return number - number % self.population
        if self.sampler == "qmc" or number < self.startup:
            return 0
        return max(number - self.lag + 1, 0)

    def ask(self, number: int, history: Sequence[Trial], known: Collection[str]) -> Genotype | None:
        problem = self.problem
        rng = problem.rng(number)
        done = [t for t in history if t.state == "complete"]
        if self.sampler == "qmc":
            paths = sorted(problem.space.decisions)
            point = sobol(number, paths, problem.rng(0, "sobol").getrandbits(32))
            start = problem.variation.stratified(rng, lambda path: point[path])
            return first_new(problem, _mutants(problem, lambda rng: start, 1), rng, known)
        study = self._study(number, done, rng.getrandbits(32))
        if study is None:
            return first_new(problem, problem.variation.sample, rng, known)
        return first_new(problem, _mutants(problem, lambda rng: self._propose(study, rng), PROPOSALS), rng, known)

    def _study(self, number: int, done: Sequence[Trial], seed: int) -> optuna.Study | None:
        """A study that holds the history, with the sampler; None while trials are drawn."""
        is_genetic = self.sampler in GENETIC
        if number < (self.population if is_genetic else self.startup) or not done:
            return None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        mapping = self._distributions()
        study = optuna.create_study(
            directions=["minimize"] * self.problem.objectives,
            sampler=None if is_genetic else make_sampler(self.sampler, seed),
        )
        for trial in done:
            params, distributions = mapping.trial(trial.genotype.values)
            frozen = optuna.trial.create_trial(
                params=params, distributions=distributions, values=list(trial.losses),
                system_attrs={CONSTRAINTS: (trial.violation,)},
                user_attrs={GENERATION: trial.number // self.population},
            )  # fmt: skip
            study.add_trial(frozen)
        if is_genetic and not make_genetic(
            self.sampler, study, self.population, number // self.population, seed,
            lambda generation: self.problem.rng(generation, "parents").getrandbits(32),
        ):  # fmt: skip
            return None
        return study

    def _propose(self, study: optuna.Study, rng: random.Random) -> Genotype:
        mapping = self._distributions()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = study.ask()

            def prefer(decision: Decision, possible: Sequence[Any]) -> Any:
                distribution = mapping.of(decision.path)
                if distribution is None:
                    return NONE
                value = mapping.value(decision.path, _suggest(trial, decision.path, distribution))
                if decision.interval is not None or value in possible:
                    return value
                if decision.kind == "number":
                    return min(possible, key=lambda other: abs(other - value))
                return NONE

            found = self.problem.variation.walk(rng, prefer)
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return found

    def _distributions(self) -> Distributions:
        if self._mapping is None:
            self._mapping = Distributions(self.problem.space)
        return self._mapping


def _mutants(
    problem: Problem, propose: Callable[[random.Random], Genotype], count: int
) -> Callable[[random.Random], Genotype]:
    """Draws `count` proposals, then mutants of the last one."""
    proposed: list[Genotype] = []

    def draw(rng: random.Random) -> Genotype:
        if len(proposed) < count:
            proposed.append(propose(rng))
            return proposed[-1]
        return problem.variation.mutate(proposed[-1], rng)

    return draw


def _suggest(trial: optuna.Trial, path: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, FloatDistribution):
        return trial.suggest_float(path, distribution.low, distribution.high)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(path, distribution.low, distribution.high, step=distribution.step)
    if not isinstance(distribution, CategoricalDistribution):
        raise TypeError(f"{type(distribution).__name__} is none of the mapping's")
    return trial.suggest_categorical(path, distribution.choices)


STRATEGY = OptunaSampler
