"""Strategies of black-box search: what they are asked, what they know, and finding them by name.

A strategy is a pure function: the genotype of trial `n` follows from the seed, `n`, the results of the first `seen(n)`
trials and the genotypes of those after them. It never depends on which trial ended first, so one seed gives the same
trials with any number of workers, and after any interruption.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from nascompile.diagnostics import did_you_mean, error
from nascompile.search.pareto import crowding, fronts
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace
from nascompile.space.vary import Variation

State = Literal["complete", "rejected", "failed"]

ATTEMPTS = 500
"""How often an ask draws before it gives up on a new genotype that fulfils the static conditions."""

LISTED = 20_000
"""A space of up to so many genotypes is searched through for one that is left."""

FILES = {"random": "random_search", "optuna": "optuna_sampler"}
"""Names whose file is called otherwise, because a package has that name."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A genotype with what came of it.

    `losses` are the objectives, each so that smaller is better; empty unless the trial is complete. `violation` says
    how far the conditions are broken (0: not at all). `measures` holds everything measured, by name. `state` is
    `rejected` where a cheap measure already broke a condition, `failed` where `error` came up. `machine` names the one
    that measured a latency, if one was measured.
    """

    number: int
    genotype: Genotype
    state: State
    losses: tuple[float, ...] = ()
    violation: float = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    seconds: float = 0.0
    error: str = ""
    machine: str = ""


@dataclass(frozen=True)
class Problem:
    """What is searched: `violation` and `cost` price a genotype without training; `objectives` is their number."""

    space: SearchSpace
    variation: Variation
    seed: int
    objectives: int
    violation: Callable[[Genotype], float] = lambda genotype: 0.0
    cost: Callable[[Genotype], Mapping[str, float]] = lambda genotype: {}

    def rng(self, number: int, purpose: str = "") -> random.Random:
        """The generator of a trial; `purpose` gives others that are unrelated."""
        return random.Random(f"{self.seed}/{number}/{purpose}")


class Strategy(Protocol):
    """See the module. `known` holds the digests of all earlier genotypes, also of those whose results are not seen."""

    def seen(self, number: int) -> int:
        """How many of the first trials must have ended before trial `number` can be asked for."""
        ...

    def ask(self, number: int, history: Sequence[Trial], known: Collection[str]) -> Genotype | None:
        """The genotype of trial `number`; None when the space is exhausted. `history` has `seen(number)` trials."""
        ...


def make_strategy(name: str, problem: Problem, options: Mapping[str, Any]) -> Strategy:
    """The strategy of that name: the class `STRATEGY` of its file. Raises NasError (`unknown-strategy`)."""
    import pkgutil

    from nascompile.search import strategies

    files = {module.name for module in pkgutil.iter_modules(strategies.__path__)}
    names = sorted((files - set(FILES.values())) | set(FILES))
    if name not in names:
        hint = did_you_mean(name, names) or f"there are {', '.join(names)}"
        raise error("unknown-strategy", f"there is no strategy `{name}`", hint=hint)
    module = importlib.import_module(f"{strategies.__name__}.{FILES.get(name, name)}")
    made: Strategy = module.STRATEGY(problem, **options)
    return made


def first_new(
    problem: Problem, draw: Callable[[random.Random], Genotype], rng: random.Random, known: Collection[str]
) -> Genotype | None:
    """The first drawn genotype that is new and fulfils the static conditions.

    After 500 draws: of the new ones the one that breaks the conditions least; without any, the first in text order that
    is left of a space of up to 20,000; else None for a small space and a repetition for a large one.
    """
    best: tuple[float, Genotype] | None = None
    drawn: set[str] = set()
    genotype = None
    for _ in range(ATTEMPTS):
        genotype = draw(rng)
        digest = genotype.digest()
        if digest in known or digest in drawn:
            continue
        drawn.add(digest)
        violation = problem.violation(genotype)
        if violation <= 0:
            return genotype
        if best is None or violation < best[0]:
            best = (violation, genotype)
    if problem.space.size() <= LISTED and not problem.space.reals:
        for left in problem.space.enumerate():
            if left.digest() not in known and problem.violation(left) <= 0:
                return left
        return None
    return best[1] if best is not None else genotype


def ranking(trials: Sequence[Trial]) -> list[tuple[float, ...]]:
    """A key a trial, smaller is better: what keeps the conditions by front and crowding, others by violation, failures.

    These are the constrained domination and the crowded comparison of NSGA-II (Deb et al., IEEE TEVC 6(2), 2002).
    """
    keys: list[tuple[float, ...]] = [
        (2.0, 0.0, 0.0) if t.state == "failed" else (1.0, t.violation, 0.0) for t in trials
    ]
    legal = [i for i, t in enumerate(trials) if t.state == "complete" and t.violation <= 0]
    points = [trials[i].losses for i in legal]
    for rank, front in enumerate(fronts(points)):
        distances = crowding([points[i] for i in front])
        for place, distance in zip(front, distances, strict=True):
            keys[legal[place]] = (0.0, float(rank), -distance)
    return keys
