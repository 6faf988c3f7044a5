"""Partial-order pruning: leave out what cannot be better (Li, Zhou, Pan, Feng, CVPR 2019; NAS-Lung, arXiv 2101.07429).

What is narrower or shallower than a trained network is taken to score no better. If it also costs more than another
trained network that scores at least as well, it cannot be on the front of score against cost, and is never trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nascompile.space.genotype import Genotype
from nascompile.space.order import Order


@dataclass(frozen=True, slots=True)
class Trial:
    """A trained network: its score (larger is better) and its cost (smaller is better).

    One that is not `legal`, since its score or another measure breaks a condition, takes nobody's place.
    """

    genotype: Genotype
    score: float
    cost: float
    legal: bool = True


def rival(trials: Sequence[Trial], trial: Trial) -> Trial | None:
    """Among the other legal trials that score at least as well, the cheapest; the first of equals. None without any."""
    others = [t for t in trials if t is not trial and t.legal and t.score >= trial.score]
    return min(others, key=lambda t: t.cost) if others else None


def front(trials: Sequence[Trial]) -> list[Trial]:
    """The trials than which no other is both better and cheaper, in their order."""
    return [t for t in trials if not any(o.score > t.score and o.cost < t.cost for o in trials)]


@dataclass(slots=True)
class Pruning:
    """The state of a pruning: what is left to train, what was trained, what was pruned, in this order of time.

    `cost` prices a genotype without training it.
    """

    order: Order
    left: list[Genotype]
    cost: Callable[[Genotype], float]
    trials: list[Trial] = field(default_factory=list)
    pruned: list[Genotype] = field(default_factory=list)
    _pairs: set[tuple[int, int]] = field(default_factory=set)

    def tell(self, trial: Trial) -> list[Genotype]:
        """Take a trained network and prune with all that is known; returns what was pruned just now."""
        self.trials.append(trial)
        before = len(self.pruned)
        for each in self.trials:
            cheaper = rival(self.trials, each)
            if cheaper is not None and (id(cheaper), id(each)) not in self._pairs:
                self._pairs.add((id(cheaper), id(each)))
                self._prune(each, cheaper.cost)
        return self.pruned[before:]

    def _prune(self, trial: Trial, cost: float) -> None:
        for relation in (self.order.is_narrower, self.order.is_shallower):
            worse = [g for g in self.left if relation(g.values, trial.genotype.values) and self.cost(g) > cost]
            self.pruned += sorted(worse, key=lambda g: self.order.place(g.values))
            gone = {id(g) for g in worse}
            self.left = [g for g in self.left if id(g) not in gone]


def limits(trials: Sequence[Trial]) -> list[tuple[Trial, float]]:
    """For each trained network that has a rival: what is narrower or shallower and costs more than this is pruned.

    `Pruning` after the same trials has pruned no more: the cheapest rival only gets cheaper.
    """
    found = ((trial, rival(trials, trial)) for trial in trials)
    return [(trial, cheaper.cost) for trial, cheaper in found if cheaper is not None]


def is_pruned(
    genotype: Genotype, order: Order, cost: Callable[[Genotype], float], known: Sequence[tuple[Trial, float]]
) -> bool:
    """Whether `limits` leave a genotype out; it is priced only where it is below a trained network."""
    own = genotype.values
    for trial, most in known:
        values = trial.genotype.values
        if (order.is_narrower(own, values) or order.is_shallower(own, values)) and cost(genotype) > most:
            return True
    return False
