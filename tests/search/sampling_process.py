"""A search by trying, in a process to be killed: `python sampling_process.py FOLDER STRATEGY SLEEP [GRACE]`.

Trials are priced, not trained, so that a kill lands anywhere between asking, recording and finishing. With GRACE the
study is shared with other such processes, and a trial is taken over after so many seconds without a sign of life.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from nascompile.compilation import Compilation
from nascompile.profile.pricing import Pricer
from nascompile.search.claims import Claims
from nascompile.search.loop import Loop
from nascompile.search.strategy import Problem, Trial, make_strategy
from nascompile.search.study import Study, file_url
from nascompile.space.genotype import Genotype
from nascompile.space.vary import Variation

LADDER = """\
nas 1
import std.layers
space ladder(x: image = [1, 8, 8]) {
  y = x
  repeat n in 1 .. 4 as i {
    w[i] = pick one of [2, 4, 8, 16]
    y = y -> conv(w[i], 3) -> relu
  }
  y -> conv(2, 1)
}
"""
COUNT = 24


@dataclass
class Pricing:
    """Evaluates by price, one trial after another; numbers that are 4 modulo 7 fail."""

    pricer: Pricer
    sleep: float
    capacity: int = 1
    given: list[tuple[int, Genotype, int]] = field(default_factory=list)

    def submit(self, number: int, genotype: Genotype, seed: int) -> None:
        self.given.append((number, genotype, seed))

    def wait(self, timeout: float | None = None) -> Iterable[Trial]:
        number, genotype, seed = self.given.pop(0)
        time.sleep(self.sleep)
        print(f"evaluated {number}", flush=True)
        price = self.pricer.price(genotype)
        if number % 7 == 4:
            return [Trial(number, genotype, "failed", seed=seed, error="loss-is-nan")]
        losses = (-float(price.macs % 997), float(price.params))
        return [Trial(number, genotype, "complete", losses, 0.0, {"macs": float(price.macs)}, seed, 0.5)]


def prepare(
    folder: Path, strategy: str, evaluation: Pricing | None = None, sleep: float = 0.0, is_shared: bool = False
) -> tuple[Loop, Pricing]:
    """The loop over what the study in `folder` holds."""
    text = Compilation.from_text(LADDER)
    space = text.space()
    problem = Problem(space, Variation(space), 0, 2)
    study = Study.open(file_url(folder / "study.db"), "ladder", space, (-1, 1), ("a", "b"), {"seed": 0})
    trials = study.trials()
    asked = [study.genotype(n) if t is None else t.genotype for n, t in enumerate(trials)]
    name, *sampler = strategy.split()  # "optuna nsga3"
    options: dict[str, Any] = {} if name in ("random", "partial_order") else {"population": 6}
    made = make_strategy(name, problem, options | ({"sampler": sampler[0]} if sampler else {}))
    pricing = evaluation or Pricing(Pricer(text.library, space), sleep)

    def price(genotype: Genotype) -> tuple[dict[str, float], float]:
        return {}, 0.0 if pricing.pricer.price(genotype).params < 3000 else 1.0

    return Loop(problem, made, study, trials, asked, lambda n: 100 + n, price, is_shared=is_shared), pricing


def main(folder: Path, strategy: str, sleep: float, grace: float | None = None) -> None:
    loop, evaluation = prepare(folder, strategy, sleep=sleep, is_shared=grace is not None)
    with ExitStack() as stack:
        if grace is not None:
            study = cast(Study, loop.record)
            study.claims = Claims(study.storage, study.key, alone=False, grace=grace, beat=grace / 10)
            stack.enter_context(study.claims)
        loop.run(evaluation, lambda number, ended: number >= COUNT, lambda trial: print(trial.number, flush=True))
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:]))
