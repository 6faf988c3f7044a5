"""A search that tries genotypes: from the text to a study, a front and a genotype in the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import torch

from nascompile import __version__
from nascompile.compilation import Compilation
from nascompile.config.measures import STATIC
from nascompile.config.objectives import value_of, violation
from nascompile.config.sampling import Sampling
from nascompile.config.search import SearchConfig
from nascompile.config.settings import from_argument
from nascompile.data.task import Task
from nascompile.diagnostics import error
from nascompile.jobs.analog_trials import AnalogTrials, analog_trials
from nascompile.jobs.forecasting import Forecaster, forecaster_of
from nascompile.jobs.front import Goal, write_outcome
from nascompile.jobs.inheriting import Inheritance, inheritance_of
from nascompile.jobs.predicting import Predictor, predictor_of
from nascompile.jobs.programs import call_for_task, input_for
from nascompile.jobs.searching import declared_narrowing
from nascompile.jobs.trials import Assignment, Recipe, Result, latencies, machine, measures_of
from nascompile.jobs.workers import Workers
from nascompile.profile.measures import PRICED
from nascompile.profile.pricing import Pricer
from nascompile.runs import Run
from nascompile.search.claims import Claims
from nascompile.search.loop import Loop
from nascompile.search.strategy import Problem, Trial, make_strategy
from nascompile.search.study import Study, file_url, reached
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace
from nascompile.space.vary import Variation
from nascompile.train.progress import Report, silent
from nascompile.train.seed import derive

STUDY = "study.db"
SCRATCH = "trials"
_TRIALS = 7  # what tells the seeds of trials from others


@dataclass(frozen=True, slots=True)
class Where:
    """Where the study of a search is, and who else works on it.

    `storage` is its address (by default in the run folder); `join` the name under which several processes share it;
    with `take_over`, those that were at work count as gone. `any_machine` lets latencies of different machines mix.
    """

    storage: str | None = None
    join: str | None = None
    take_over: bool = False
    any_machine: bool = False


IN_RUN = Where()
"""A study in the run folder, that one process works on."""


@dataclass(frozen=True)
class Sampled:
    """A search that is ready to start: its space for the task, and its objectives."""

    text: Compilation
    name: str | None
    config: SearchConfig
    sampling: Sampling
    task: Task
    space: SearchSpace
    goals: tuple[Goal, ...]
    first: tuple[Genotype, ...]
    digest: str
    pricer: Pricer
    priced: tuple[str, ...]
    predictor: Predictor
    forecaster: Forecaster
    analog: AnalogTrials
    _prices: dict[str, tuple[Mapping[str, float], float]] = field(default_factory=dict, repr=False)

    def price(self, genotype: Genotype) -> tuple[Mapping[str, float], float]:
        """Static measures of a genotype, and how far they break the conditions.

        Latencies are predicted later, and not if the others break a condition; so is what surrogates say, last.
        """
        key = genotype.digest()
        if key not in self._prices:
            measures = {name: float(v) for name, v in self.pricer.measures(genotype, self.priced).items()}
            broken = self.broken(measures)
            if broken <= 0 and self.predictor.models:
                measures |= self.predictor.seconds(self.pricer.program(genotype.values))
                broken = self.broken(measures)
            if broken <= 0 and self.forecaster.wanted:
                measures |= self.forecaster.measures(genotype, measures)
                broken = self.broken(measures)
            self._prices[key] = (measures, broken)
        return self._prices[key]

    def broken(self, measures: Mapping[str, float]) -> float:
        """How far measures break the conditions of the search; those that are not known yet break nothing."""
        return float(sum(violation(condition, measures, self.text.library) for condition in self.config.where))

    def trial(self, result: Result, genotype: Genotype, seed: int) -> Trial:
        """What an evaluation gave, with the objectives computed."""
        losses: tuple[float, ...] = ()
        if result.state == "complete":
            losses = tuple(
                g.sign * value_of(g.value, result.measures, self.text.library) for g in self.goals
            )  # fmt: skip
        return Trial(
            result.number, genotype, result.state, losses, result.violation, result.measures, seed, result.seconds,
            result.error, result.machine,
        )  # fmt: skip


def identity(text: Compilation, name: str | None) -> str:
    """A name for what a search means. How many genotypes it tries is no part of it: a finished one can go on."""
    if text.search(name).sampling is None:
        return text.digest_of(name)
    same = replace(text, settings=(*text.settings, from_argument("budget=1 trials")), _programs={}, _spaces={})
    return same.digest_of(name)


def prepare_sampled(text: Compilation, name: str | None, task: Task) -> Sampled:
    """Elaborate the space, read objectives, enqueued genotypes, latency tables, surrogates and analog devices. Raises
    NasError (`wrong-space`, `unknown-target`, `surrogate-of-another-space`, ...)."""
    config = text.search(name)
    sampling = config.sampling
    if sampling is None:
        raise ValueError(f"`{config.name}` tries no genotypes")
    left = declared_narrowing(text, config, task)
    space = text.open_space(call_for_task(text, config.space, task), input_for(task), left)
    text.require_outputs(space)
    goals = tuple(
        Goal(" ".join(o.value.span.text.split()), 1 if o.direction == "minimize" else -1, o.value)
        for o in config.objectives
    )
    goals = goals or (Goal.of_metric(task.metric),)
    if sampling.reference is not None and len(sampling.reference) != len(goals):
        message = f"`reference` has {len(sampling.reference)} values, and there are {len(goals)} objectives"
        raise error("bad-value", message, config.spans.get("reference"))
    first = tuple(_enqueued(text, one, space, config) for one in sampling.enqueue)
    wanted = (*measures_of(config, task), config.strategy.options.get("cost", ""))
    priced = (*PRICED, *dict.fromkeys(m for m in wanted if m in STATIC and m not in PRICED))
    pricer = Pricer(text.library, space)
    return Sampled(
        text, name, config, sampling, task, space, goals, first, identity(text, name), pricer, priced,
        predictor_of(config, text.folder), forecaster_of(config, text.folder, space),
        analog_trials(config, text.folder),
    )  # fmt: skip


def _enqueued(text: Compilation, name: str, space: SearchSpace, config: SearchConfig) -> Genotype:
    declared = text.genotype(name)
    if declared.space != space.name:
        message = f"`{name}` is a genotype of `{declared.space}`, not of `{space.name}`"
        raise error("wrong-space", message, config.spans.get("enqueue"))
    return space.complete(declared.values)


def search_sampled(
    prepared: Sampled,
    run: Run,
    device: torch.device,
    *,
    workers: int = 1,
    where: Where = IN_RUN,
    report: Report = silent,
) -> Genotype:
    """Try genotypes until the budget is spent, going on with what the study of the run, or that at `where`, holds.

    Writes `front.json`, `front.nas`, `metrics.csv`, `timing.csv` and `genotype.nas`. Raises NasError
    (`study-of-another-search`, `study-in-use`, `no-trial-succeeded`, what `inheritance_of` raises), and
    KeyboardInterrupt after Ctrl-C.
    """
    config, sampling, space = prepared.config, prepared.sampling, prepared.space
    mark: dict[str, Any] = {
        "search": prepared.digest,
        "seed": config.seed,
        "threads": sampling.threads,
        "device": device.type,
        "nascompile": __version__,
        "torch": torch.__version__,
    }
    if config.strategy.name == "optuna":
        mark["optuna"] = version("optuna")
    if prepared.predictor.digests:
        mark["tables"] = dict(prepared.predictor.digests)
    if prepared.forecaster.digests:
        mark["surrogates"] = dict(prepared.forecaster.digests)
    if prepared.analog.digests:
        mark["analog devices"] = dict(prepared.analog.digests)
    inherited = inheritance_of(prepared.text, config, prepared.task, space, run.folder.parent)
    if inherited is not None:
        mark["inherited weights"] = inherited.digest
        run.update(inherited={"run": inherited.run, "digest": inherited.digest})
    wanted = measures_of(config, prepared.task)
    if any(name not in prepared.predictor.models for name in latencies(wanted)):
        mark["machine"] = machine(sampling.threads)
    signs = [goal.sign for goal in prepared.goals]
    study = Study.open(
        where.storage or file_url(run.path(STUDY)), where.join or run.name, space, signs,
        [goal.name for goal in prepared.goals], mark, ("machine",) if where.any_machine else (),
        "--name" if where.join is None else "--join",
    )  # fmt: skip
    run.update(study=where.join or run.name)  # from here on there is something to go on with
    claims = Claims(study.storage, study.key, alone=where.join is None, take_over=where.take_over)
    with reached(study), claims as study.claims:
        ended = _tried(prepared, run, device, workers, study, inherited, report, is_shared=where.join is not None)
    return write_outcome(run, ended, prepared.goals, sampling.reference)


def _tried(
    prepared: Sampled,
    run: Run,
    device: torch.device,
    workers: int,
    study: Study,
    inherited: Inheritance | None,
    report: Report,
    *,
    is_shared: bool,
) -> list[Trial]:
    """All trials of the study, by number, when the budget is spent."""
    config, sampling, space = prepared.config, prepared.sampling, prepared.space
    trials = study.trials()
    problem = Problem(
        space, Variation(space), config.seed, len(prepared.goals),
        violation=lambda genotype: prepared.price(genotype)[1], cost=lambda genotype: prepared.price(genotype)[0],
    )  # fmt: skip
    strategy = make_strategy(config.strategy.name, problem, config.strategy.options)
    asked = [study.genotype(n) if trial is None else trial.genotype for n, trial in enumerate(trials)]
    loop = Loop(
        problem, strategy, study, trials, asked, lambda n: derive(config.seed, _TRIALS, n), prepared.price,
        prepared.first, is_shared,
    )  # fmt: skip
    scratch = run.path(SCRATCH)
    shutil.rmtree(scratch, ignore_errors=True)
    recipe = Recipe.of(prepared.text, prepared.name, str(device), scratch, inherited)
    ended = [t for t in trials if t is not None]

    def told(trial: Trial) -> None:
        ended.append(trial)
        report(_done(config, len(ended), ended), {"trial": trial.number, **_shown(trial, prepared.goals)})

    try:
        with Workers(recipe, workers, sampling.limit) as pool:
            return loop.run(_Evaluation(pool, prepared), lambda n, known: _done(config, n, known) >= 1, told)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _done(config: SearchConfig, number: int, ended: Sequence[Trial]) -> float:
    """The share of the budget that is spent; a time is that of the trials, summed up."""
    return config.budget.progress(number, 1, sum(t.seconds for t in ended))


def _shown(trial: Trial, goals: Sequence[Goal]) -> dict[str, float]:
    return {goal.name: loss * goal.sign for goal, loss in zip(goals, trial.losses, strict=False)}


@dataclass(slots=True)
class _Evaluation:
    """The workers as the loop wants them."""

    pool: Workers
    prepared: Sampled
    _given: dict[int, tuple[Genotype, int]] = field(default_factory=dict)

    @property
    def capacity(self) -> int:
        return self.pool.capacity

    def submit(self, number: int, genotype: Genotype, seed: int) -> None:
        self._given[number] = (genotype, seed)
        measures: dict[str, Any] = dict(self.prepared.price(genotype)[0])
        self.pool.submit(Assignment(number, dict(genotype.values), seed, measures))

    def wait(self, timeout: float | None = None) -> Iterable[Trial]:
        ended = self.pool.wait(timeout)
        return [self.prepared.trial(result, *self._given.pop(result.number)) for result in ended]


__all__ = ["IN_RUN", "STUDY", "Sampled", "Where", "identity", "prepare_sampled", "search_sampled"]
