"""Optuna's samplers as a strategy: each ask replays the history in memory and asks a freshly seeded sampler.

So a sampler is a function of (seed, trial number, history) like every other strategy, whatever state it keeps. What it
proposes is brought into the space along the table: a value that is not possible there becomes the nearest number, or is
drawn. Samplers: Akiba et al., "Optuna", KDD 2019; Bergstra et al., NIPS 2011, for `tpe`.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler

from nascompile.diagnostics import error
from nascompile.ir.program import Decision
from nascompile.search.distributions import Distributions
from nascompile.search.strategy import Problem, Trial, first_new
from nascompile.space.genotype import Genotype
from nascompile.space.vary import NONE

PROPOSALS = 10
"""After so many proposals that are known or too expensive, the last one is mutated instead."""

_CONSTRAINTS = "constraints"  # where Optuna keeps them


@dataclass(slots=True)
class OptunaSampler:
    """The first `startup` trials are drawn; `lag` trials can run at once. `sampler` is `tpe`, `gp` or `random`."""

    problem: Problem
    sampler: str = "tpe"
    startup: int = 10
    lag: int = 4
    _mapping: Distributions | None = field(default=None)

    def seen(self, number: int) -> int:
        return 0 if number < self.startup else max(number - self.lag + 1, 0)

    def ask(self, number: int, history: Sequence[Trial], known: Collection[str]) -> Genotype | None:
        problem = self.problem
        rng = problem.rng(number)
        done = [t for t in history if t.state == "complete"]
        if number < self.startup or not done:
            return first_new(problem, problem.variation.sample, rng, known)
        study = self._study(done, rng.getrandbits(32))
        proposed: list[Genotype] = []

        def draw(rng: random.Random) -> Genotype:
            if len(proposed) < PROPOSALS:
                proposed.append(self._propose(study, rng))
                return proposed[-1]
            return problem.variation.mutate(proposed[-1], rng)

        return first_new(problem, draw, rng, known)

    def _study(self, done: Sequence[Trial], seed: int) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        mapping = self._distributions()
        study = optuna.create_study(
            directions=["minimize"] * self.problem.objectives, sampler=_sampler(self.sampler, seed)
        )
        for trial in done:
            params, distributions = mapping.trial(trial.genotype.values)
            frozen = optuna.trial.create_trial(
                params=params, distributions=distributions, values=list(trial.losses),
                system_attrs={_CONSTRAINTS: (trial.violation,)},
            )  # fmt: skip
            study.add_trial(frozen)
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


def _suggest(trial: optuna.Trial, path: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, FloatDistribution):
        return trial.suggest_float(path, distribution.low, distribution.high)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(path, distribution.low, distribution.high, step=distribution.step)
    if not isinstance(distribution, CategoricalDistribution):
        raise TypeError(f"{type(distribution).__name__} is none of the mapping's")
    return trial.suggest_categorical(path, distribution.choices)


def _sampler(name: str, seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "tpe":
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=1, multivariate=True, group=True, constraints_func=_violation
            )
        if name == "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=1, constraints_func=_violation)
        if name == "random":
            return optuna.samplers.RandomSampler(seed=seed)
    raise error("unknown-sampler", f"there is no sampler `{name}`", hint="there are tpe, gp, random")


def _violation(trial: optuna.trial.FrozenTrial) -> Sequence[float]:
    found: Sequence[float] = trial.system_attrs.get(_CONSTRAINTS, (0.0,))
    return found


STRATEGY = OptunaSampler
