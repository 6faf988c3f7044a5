"""The loop of a black-box search: ask, evaluate, record; the same trials with any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nascompile.search.strategy import Problem, Strategy, Trial
from nascompile.space.genotype import Genotype


class Record(Protocol):
    """Where trials are written as they begin and end."""

    def begin(self, number: int, genotype: Genotype, seed: int) -> None: ...
    def reject(self, trial: Trial) -> None: ...
    def finish(self, trial: Trial) -> None: ...


class Evaluation(Protocol):
    """What evaluates trials, up to `capacity` at once; `wait` gives at least one that has ended."""

    @property
    def capacity(self) -> int: ...

    def submit(self, number: int, genotype: Genotype, seed: int) -> None: ...
    def wait(self) -> Iterable[Trial]: ...


@dataclass(slots=True)
class Loop:
    """A search over `problem`.

    `trials` holds what is known by number; None for what was begun and has not ended. `first` are genotypes that come
    before those of the strategy. `seed_of` gives the seed of a trial, `price` its static measures and how far they
    break the conditions.
    """

    problem: Problem
    strategy: Strategy
    record: Record
    trials: list[Trial | None]
    asked: list[Genotype]
    seed_of: Callable[[int], int]
    price: Callable[[Genotype], tuple[Mapping[str, float], float]]
    first: Sequence[Genotype] = ()
    _digests: set[str] = field(default_factory=set)
    _ended: int = 0

    def run(
        self, evaluation: Evaluation, is_over: Callable[[int, Sequence[Trial]], bool], told: Callable[[Trial], None]
    ) -> list[Trial]:
        """Go on until `is_over(number, ended trials)` says before an ask that there is no more to do.

        What was begun and has not ended is evaluated again first. Returns the trials by number.
        """
        self._digests = {genotype.digest() for genotype in self.asked}
        waiting = [n for n, trial in enumerate(self.trials) if trial is None]
        running = 0
        exhausted = False
        while True:
            while running < evaluation.capacity and waiting:
                number = waiting.pop(0)
                evaluation.submit(number, self.asked[number], self.seed_of(number))
                running += 1
            while not exhausted and not waiting and running < evaluation.capacity and self._can_ask():
                number = len(self.trials)
                if is_over(number, [t for t in self.trials if t is not None]):
                    exhausted = True
                    break
                genotype = self._ask(number)
                if genotype is None:
                    exhausted = True
                    break
                running += self._start(number, genotype, evaluation, told)
            if not running:
                if exhausted or not self._can_ask():
                    return [t for t in self.trials if t is not None]
                continue
            for trial in evaluation.wait():
                self.record.finish(trial)
                self.trials[trial.number] = trial
                running -= 1
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

    def _start(self, number: int, genotype: Genotype, evaluation: Evaluation, told: Callable[[Trial], None]) -> int:
        """Begin a trial, or record that its price rules it out; returns how many more run."""
        self.asked.append(genotype)
        self._digests.add(genotype.digest())
        seed = self.seed_of(number)
        measures, violation = self.price(genotype)
        if violation > 0:
            trial = Trial(number, genotype, "rejected", (), violation, measures, seed)
            self.trials.append(trial)
            self.record.reject(trial)
            told(trial)
            return 0
        self.trials.append(None)
        self.record.begin(number, genotype, seed)
        evaluation.submit(number, genotype, seed)
        return 1
