"""Which part of a supernet a weight step trains: a genotype drawn with a given number of paths.

The first search code of DiNTS (CVPR 2021; `get_code_a`, `get_code_c`): the first block keeps `count` random paths,
every later one a random feasible set of as many, or of as many as are possible, and every edge one random operator.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nascompile.space.options import labels_of
from nascompile.space.space import SearchSpace
from nascompile.space.table import Filled
from nascompile.train.seed import derive

_STREAM = 2
"""Keeps these draws apart from those of batches, augmentation and dropout."""


@dataclass(frozen=True, slots=True)
class SampledPaths:
    """`draw(n)` is the n-th part, as a genotype's values; each is trained for `steps` weight steps.

    `weights`: `relaxed` leaves what is kept the weight that it has among all candidates, `one` gives it weight 1.
    """

    draw: Callable[[int], Mapping[str, Any]]
    steps: int = 1
    weights: Literal["relaxed", "one"] = "relaxed"

    def at(self, step: int) -> Mapping[str, Any]:
        """The part of a step."""
        return self.draw(step // self.steps)


def path_draws(space: SearchSpace, count: int, seed: int) -> Callable[[int], Mapping[str, Any]]:
    """Draws as a function of (seed, number); see `draw_path`."""
    return lambda number: draw_path(space, count, random.Random(derive(seed, _STREAM, number)))


def draw_path(space: SearchSpace, count: int, rng: random.Random) -> dict[str, Any]:
    """A legal genotype's values with `count` edges in every decision that keeps any number of them.

    Decisions are drawn one after another, each uniformly among the values that the earlier ones allow; where no
    allowed set has `count` edges, among the largest smaller ones, or else the smallest.
    Raises NasError `too-many-edges`.
    """
    found: dict[str, Any] = {}
    _walk(space.counts, count, rng, found)
    return found


def _walk(filled: Filled[int], count: int, rng: random.Random, found: dict[str, Any]) -> None:
    state: tuple[Any, ...] = ()
    for index, stage in enumerate(filled.stages):
        decision = stage.step.nest.decision
        allowed = [(position, target) for position, target in filled.options(index, state)]
        if allowed[0][0] < 0:  # the decision does not exist here
            state = allowed[0][1]
            continue
        if decision.kind == "edges" and decision.count is None and decision.decode != "all":
            sizes = {len(stage.options[position]) for position, _ in allowed}
            wanted = max((n for n in sizes if n <= count), default=min(sizes))
            allowed = [(p, target) for p, target in allowed if len(stage.options[p]) == wanted]
        position, state = allowed[rng.randrange(len(allowed))]
        value = stage.options[position]
        found[decision.path] = value
        for label in labels_of(decision, value):
            if label in stage.children:
                _walk(filled.inner[index][label], count, rng, found)
