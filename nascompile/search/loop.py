"""The loop of a black-box search: ask, evaluate, record; the same trials with any number of workers and processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nascompile.search.claims import POLL, Lost
from nascompile.search.strategy import Problem, Strategy, Trial
from nascompile.space.genotype import Genotype

IsOver = Callable[[int, Sequence[Trial]], bool]
Told = Callable[[Trial], None]


class Record(Protocol):
    """Where trials are written as they begin and end. A write raises `Lost` if the trial is another process's now.

    The last three are asked in a shared search only: for a trial, to give one up, and for what other processes did.
    """

    def begin(self, number: int, genotype: Genotype, seed: int) -> None: ...
    def reject(self, trial: Trial) -> None: ...
    def finish(self, trial: Trial) -> None: ...
    def take(self, number: int) -> bool: ...
    def drop(self, number: int) -> None: ...
    def news(self) -> list[tuple[int, Trial | None, Genotype]]: ...


class Evaluation(Protocol):
    """What evaluates trials, up to `capacity` at once; `wait` gives at least one that has ended, or none in time."""

    @property
    def capacity(self) -> int: ...

    def submit(self, number: int, genotype: Genotype, seed: int) -> None: ...
    def wait(self, timeout: float | None = None) -> Iterable[Trial]: ...


@dataclass(slots=True)
class Loop:
    """A search over `problem`.

    `trials` holds what is known by number; None for what was begun and has not ended. `first` are genotypes that come
    before those of the strategy. `seed_of` gives the seed of a trial, `price` its static measures and how far they
    break the conditions. With `is_shared`, other processes run the same loop over the same record: each does the trials
    that it can take, and all know all results.
    """

    problem: Problem
    strategy: Strategy
    record: Record
    trials: list[Trial | None]
    asked: list[Genotype]
    seed_of: Callable[[int], int]
    price: Callable[[Genotype], tuple[Mapping[str, float], float]]
    first: Sequence[Genotype] = ()
    is_shared: bool = False
    _digests: set[str] = field(default_factory=set)
    _mine: set[int] = field(default_factory=set)
    _ended: int = 0

    def run(self, evaluation: Evaluation, is_over: IsOver, told: Told) -> list[Trial]:
        """Go on until `is_over(number, ended trials)` says before an ask that there is no more to do.

        What was begun and has not ended is evaluated again first. Returns the trials by number.
        """
        self._digests = {genotype.digest() for genotype in self.asked}
        while True:
            self._catch_up(told)
            self._adopt(evaluation, told)
            is_done = self._ask_more(evaluation, is_over, told)
            if self._mine:
                spare = self.is_shared and len(self._mine) < evaluation.capacity
                for trial in evaluation.wait(POLL) if spare else evaluation.wait():
                    self._finish(trial, told)
            elif is_done and None not in self.trials:
                return [t for t in self.trials if t is not None]
            elif self.is_shared:
                time.sleep(POLL)

    def _ask_more(self, evaluation: Evaluation, is_over: IsOver, told: Told) -> bool:
        """Begin new trials while there is room; whether there are no more to begin."""
        while len(self._mine) < evaluation.capacity:
            number = len(self.trials)
            if not self._can_ask() or is_over(number, [t for t in self.trials if t is not None]):
                return True
            if not self._take(number, told):
                return False
            if number < len(self.trials):  # another process did it before this one could take it
                self.record.drop(number)
                continue
            genotype = self._ask(number)
            if genotype is None:
                self._drop(number)
                return True
            self._start(number, genotype, evaluation, told)
        return False

    def _adopt(self, evaluation: Evaluation, told: Told) -> None:
        """Evaluate what was begun and has not ended, unless another process does."""
        for number in [n for n in range(self._prefix(), len(self.trials)) if self.trials[n] is None]:
            if len(self._mine) >= evaluation.capacity:
                return
            if number in self._mine or not self._take(number, told):
                continue
            if self.trials[number] is None:
                self._mine.add(number)
                evaluation.submit(number, self.asked[number], self.seed_of(number))
            else:
                self._drop(number)

    def _take(self, number: int, told: Told) -> bool:
        """Whether this process does a trial; if so, all that was written before is known."""
        if not self.is_shared:
            return True
        if not self.record.take(number):
            return False
        self._catch_up(told)
        return True

    def _drop(self, number: int) -> None:
        if self.is_shared:
            self.record.drop(number)

    def _catch_up(self, told: Told) -> None:
        """Read what other processes have done."""
        if not self.is_shared:
            return
        for number, trial, genotype in self.record.news():
            if number == len(self.trials):
                self.trials.append(None)
                self.asked.append(genotype)
                self._digests.add(genotype.digest())
            if trial is not None and self.trials[number] is None:
                self.trials[number] = trial
                told(trial)

    def _prefix(self) -> int:
        """How many of the first trials have ended."""
        while self._ended < len(self.trials) and self.trials[self._ended] is not None:
            self._ended += 1
        return self._ended

    def _can_ask(self) -> bool:
        number = len(self.trials)
        return number < len(self.first) or self.strategy.seen(number) <= self._prefix()

    def _ask(self, number: int) -> Genotype | None:
        if number < len(self.first):
            return self.first[number]
        history = [t for t in self.trials[: self.strategy.seen(number)] if t is not None]
        return self.strategy.ask(number, history, self._digests)

    def _start(self, number: int, genotype: Genotype, evaluation: Evaluation, told: Told) -> None:
        """Begin a trial, or record that its price rules it out."""
        seed = self.seed_of(number)
        measures, violation = self.price(genotype)
        rejected = Trial(number, genotype, "rejected", (), violation, measures, seed) if violation > 0 else None
        try:
            if rejected is None:
                self.record.begin(number, genotype, seed)
            else:
                self.record.reject(rejected)
        except Lost:
            return
        self.asked.append(genotype)
        self._digests.add(genotype.digest())
        self.trials.append(rejected)
        if rejected is None:
            self._mine.add(number)
            evaluation.submit(number, genotype, seed)
        else:
            self._drop(number)
            told(rejected)

    def _finish(self, trial: Trial, told: Told) -> None:
        self._mine.discard(trial.number)
        try:
            self.record.finish(trial)
        except Lost:  # another process took it over, and its result counts
            return
        self.trials[trial.number] = trial
        self._drop(trial.number)
        told(trial)
