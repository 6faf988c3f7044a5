"""Optuna's samplers by name, so that each is a function of (seed, trial number, history).

Most keep no state but their generator, which is seeded anew for every trial. The two genetic ones keep generations and
chosen parents in a study; here both follow from the numbers of trials and a seed for each generation. Samplers: Akiba
et al., "Optuna", KDD 2019; `tpe`: Bergstra et al., NIPS 2011; `nsga2`: Deb et al., IEEE TEVC 6(2), 2002; `nsga3`: Deb,
Jain, IEEE TEVC 18(4), 2014; `qmc`: Bergstra, Bengio, JMLR 13, 2012.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler
from optuna.trial import FrozenTrial, TrialState

from nascompile.diagnostics import error

NAMES = ("tpe", "gp", "random", "nsga2", "nsga3", "qmc")

GENETIC = ("nsga2", "nsga3")
"""Samplers that work in generations of `population` trials."""

CONSTRAINTS = "constraints"  # where Optuna keeps them
GENERATION = "generation"
"""The attribute of a replayed trial that holds its generation."""

Seeds = Callable[[int], int]
"""The seed with which the parents of a generation are chosen."""


class _Generations:
    """Generations by the attribute of replayed trials; the trial that is asked for is of generation `asked`.

    Optuna would count complete trials instead, and so depend on which ended first.
    """

    asked: int

    def get_trial_generation(self, study: optuna.Study, trial: FrozenTrial) -> int:
        found: int = trial.user_attrs.get(GENERATION, self.asked)
        return found

    def get_population(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        ended = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        return [trial for trial in ended if trial.user_attrs.get(GENERATION) == generation]


class _Nsga2(_Generations, NSGAIISampler):
    pass


class _Nsga3(_Generations, NSGAIIISampler):
    pass


def make_sampler(name: str, seed: int) -> BaseSampler:
    """A sampler that knows nothing but the study that it is asked with. Raises NasError (`unknown-sampler`)."""
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
    raise error("unknown-sampler", f"there is no sampler `{name}`", hint=f"there are {', '.join(NAMES)}")


def make_genetic(name: str, study: optuna.Study, population: int, generation: int, seed: int, parents: Seeds) -> bool:
    """Give a study of replayed trials the sampler `nsga2` or `nsga3`, for a trial of a generation from 1 on.

    The parents of each generation are chosen with a seed of their own, so that all its trials have the same. False, and
    another sampler has to do, where fewer than two trials can be parents.
    """
    kind = _Nsga2 if name == "nsga2" else _Nsga3
    chosen: list[FrozenTrial] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for earlier in range(1, generation + 1):  # the study keeps them
            sampler: Any = kind(population_size=population, seed=parents(earlier), constraints_func=_violation)
            sampler.asked = earlier
            chosen = sampler.get_parent_population(study, earlier)
        study.sampler = kind(population_size=population, seed=seed, constraints_func=_violation)
        study.sampler.asked = generation
    return len(chosen) >= 2


def sobol(number: int, names: Sequence[str], seed: int) -> dict[str, float]:
    """Point `number` of a scrambled Sobol sequence, as shares from 0 to 1 by name; a function of its arguments.

    The sequence is SciPy's, as in Optuna's `QMCSampler`, whose own counter is a state of the study.
    """
    from scipy.stats.qmc import Sobol

    if not names:
        return {}
    engine = Sobol(len(names), scramble=True, rng=seed)
    if number:
        engine.fast_forward(number)
    return dict(zip(names, map(float, engine.random(1)[0]), strict=True))


def _violation(trial: FrozenTrial) -> Sequence[float]:
    found: Sequence[float] = trial.system_attrs.get(CONSTRAINTS, (0.0,))
    return found
