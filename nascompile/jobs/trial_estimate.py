"""What a search that tries genotypes will take: a few of them are begun as trials begin them, and scaled up."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch

from nascompile.config.search import Optimiser
from nascompile.config.tables import METRICS, OPTIMISERS
from nascompile.data.dataset import batch_count
from nascompile.jobs.inheriting import inheritance_of
from nascompile.jobs.programs import fixed_program
from nascompile.jobs.sampling import Sampled
from nascompile.jobs.training import Data, train
from nascompile.jobs.trials import Assignment, Bench, Recipe, latencies, latency
from nascompile.profile.memory import peak_memory
from nascompile.space.genotype import Genotype
from nascompile.train.budget import Budget
from nascompile.train.seed import derive

GENOTYPES = 3
"""How many are begun: those that the search enqueues first, then random ones."""

DRAWS = 100
"""Random genotypes that are looked at for some that keep the conditions."""

_STEPS = 3
_CASES = 4
_SEED = 12  # tells these seeds from those of trials


@dataclass(frozen=True, slots=True)
class Begun:
    """One genotype: seconds to make it (and to time it, and to recalibrate inherited weights), seconds a step and a
    validation of all cases, and bytes at the peak of a step in float32 by the static model."""

    making: float
    per_step: float
    validation: float
    memory: int

    def seconds(self, steps: float, validations: int) -> float:
        """Of a whole trial."""
        return self.making + steps * self.per_step + validations * self.validation


@dataclass(frozen=True, slots=True)
class TrialEstimate:
    """What was begun, and for one trial on average: steps (of a training that a time ends, as many as go into it),
    validations, seconds. `seconds` is for the whole budget one trial after another, `trials` how many that is."""

    begun: tuple[Begun, ...]
    steps: int
    validations: int
    per_trial: float
    trials: int
    seconds: float
    is_on_tiles: bool

    @property
    def memory(self) -> int:
        """Bytes, the most of what was begun."""
        return max(b.memory for b in self.begun)


def estimate_trials(prepared: Sampled, device: torch.device, root: Path) -> TrialEstimate | None:
    """Begin a few genotypes with the code that trials use: a few steps, a few validation cases.

    Nothing is left behind. None if none of `DRAWS` random genotypes keeps the conditions on what is known without
    training. `root` is where the runs are. What programming analog tiles takes is not in it (`is_on_tiles`).
    Raises NasError for what would stop such a trial.
    """
    chosen = list(_chosen(prepared))
    if not chosen:
        return None
    config, task = prepared.config, prepared.task
    inherited = inheritance_of(prepared.text, config, task, prepared.space, root)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Recipe.of(prepared.text, prepared.name, str(device), Path(scratch), inherited))
        begun = tuple(_begun(prepared, bench, genotype, number) for number, genotype in enumerate(chosen))
    training, limit = bench.training, prepared.sampling.limit or float("inf")
    if not _scores(bench):
        steps, validations = 0, 0
        each = [b.making for b in begun]
    else:
        per_epoch = batch_count(bench.data.train, training.batch, drop_last=training.drop_last)
        steps, validations = _length(training.budget, training.validate * per_epoch, per_epoch, begun)
        validations += bool(training.budget.amount) and _scores(bench) != [task.metric]
        each = [b.seconds(steps, validations) for b in begun]
    per_trial = sum(min(s, limit) for s in each) / len(each)
    budget = config.budget
    is_timed = budget.unit == "seconds"
    trials = max(1, int(budget.amount / max(per_trial, 1e-3))) if is_timed else int(budget.amount)
    seconds = budget.amount if is_timed else trials * per_trial
    return TrialEstimate(begun, steps, validations, per_trial, trials, seconds, bool(bench.analog.wanted))


def _chosen(prepared: Sampled) -> Iterator[Genotype]:
    """Up to `GENOTYPES` that keep the conditions, each once."""
    draw = random.Random(f"{prepared.config.seed}/estimate")
    seen: set[str] = set()
    candidates = (*prepared.first, *(prepared.space.sample(draw) for _ in range(DRAWS)))
    for genotype in candidates:
        if len(seen) == GENOTYPES:
            return
        if genotype.digest() not in seen and prepared.price(genotype)[1] <= 0:
            seen.add(genotype.digest())
            yield genotype


def _scores(bench: Bench) -> list[str]:
    """The metrics that a trial is trained for."""
    wanted = [name for name in bench.wanted if name in METRICS]
    return wanted or ([bench.task.metric] if bench.analog.wanted else [])


def _begun(prepared: Sampled, bench: Bench, genotype: Genotype, number: int) -> Begun:
    """Begin the trial of a genotype, and time its parts."""
    measures = prepared.price(genotype)[0]
    given = Assignment(number, dict(genotype.values), derive(prepared.config.seed, _SEED, number), measures)
    training, scores = bench.training, _scores(bench)
    program = fixed_program(bench.text, genotype, bench.task)
    is_trained = bool(scores) and training.budget.amount > 0
    memory = peak_memory(
        program, is_training=is_trained, batch=training.batch if is_trained else 1,
        optimiser=_state(training.optimiser) if is_trained else "none",
    ).total  # fmt: skip
    if scores:
        bench.data  # noqa: B018  # images are read once, not by every trial
    start = time.perf_counter()
    network = bench.network(given)[0]
    for name in latencies(bench.wanted):
        if name not in measures:
            latency(program, network, name, bench.task)
    making = time.perf_counter() - start
    if not scores:
        return Begun(making, 0.0, 0.0, memory)
    cases = bench.data.val.selected()
    few = Data(bench.task, bench.data.train, bench.data.val.subset(cases[:_CASES]))
    share = len(cases) / len(few.val.selected())
    marks = [time.perf_counter()]
    if is_trained:
        short = replace(training, budget=Budget(_STEPS, "steps"), validate=_STEPS)
        with tempfile.TemporaryDirectory(dir=bench.scratch) as folder:
            outcome = train(
                network, few, short, Path(folder), digest=str(number), device=bench.device, seed=given.seed,
                resume=False, report=lambda done, values: marks.append(time.perf_counter()),
            )  # fmt: skip
        if not outcome.finished:
            raise KeyboardInterrupt
        steps = [after - before for before, after in pairwise(marks[1:])]
        return Begun(making, min(steps), share * (time.perf_counter() - marks[_STEPS]), memory)
    network.to(bench.device)
    bench.evaluated(network, few, scores)
    return Begun(making, 0.0, share * (time.perf_counter() - marks[0]), memory)


def _state(optimiser: Optimiser) -> Literal["none", "momentum", "adam"]:
    """What the static model calls as many tensors a parameter as the optimiser keeps."""
    momentum = {**OPTIMISERS[optimiser.name], **optimiser.options}.get("momentum", 0.0)
    one = {"adagrad": True, "rmsprop": not momentum, "sgd": bool(momentum)}
    if optimiser.name == "sgd" and not momentum:
        return "none"
    return "momentum" if one.get(optimiser.name) else "adam"


def _length(budget: Budget, between: int, per_epoch: int, begun: tuple[Begun, ...]) -> tuple[int, int]:
    """Steps and validations of a trial; `between` are the steps from one validation to the next."""
    if not budget.amount:
        return 0, 1
    if budget.unit == "seconds":
        one = sum(b.per_step + b.validation / between for b in begun) / len(begun)
        steps = max(1, int(budget.amount / max(one, 1e-6)))
    else:
        steps = max(1, int(budget.amount * (per_epoch if budget.unit == "epochs" else 1)))
    return steps, -(-steps // between)


__all__ = ["DRAWS", "Begun", "TrialEstimate", "estimate_trials"]
