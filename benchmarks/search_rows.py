"""What a black-box search costs beside evaluation: NSGA-II a trial, ours and Optuna's, and hypervolumes.

`python benchmarks/search_rows.py [--trials 200]` writes `benchmarks/results/search.json`. Evaluation is
a sum over labels in both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import record
from optuna._hypervolume import compute_hypervolume

from nascompile.compilation import Compilation
from nascompile.search.loop import Loop
from nascompile.search.pareto import hypervolume
from nascompile.search.strategy import Problem, Trial, make_strategy
from nascompile.search.study import Study, file_url
from nascompile.space.genotype import Genotype
from nascompile.space.vary import Variation

OUT = Path(__file__).parent / "results" / "search.json"
DECISIONS, POPULATION = 28, 20
LABELS = ("a", "b", "c", "d", "e")

TEXT = f"""\
nas 1
import std.layers
ops five(c) = a: conv(c, 1) | b: conv(c, 3) | c: conv(c, 5) | d: max_pool(3, stride = 1, padding = 1) | e: identity
space chain(x: image = [4, 16, 16]) {{
  y[0] = x
  for i in 0 ..< {DECISIONS} {{
    y[i + 1] = y[i] -> pick one of five(4)
  }}
  y[{DECISIONS}]
}}
"""


def objectives(values: Iterable[str]) -> tuple[float, float]:
    """Two sums that pull apart."""
    places = [LABELS.index(v) for v in values]
    return float(sum(p * (k % 3) for k, p in enumerate(places))), float(sum((4 - p) ** 2 for p in places))


class Nowhere:
    """A record that keeps nothing."""

    def begin(self, number: int, genotype: Genotype, seed: int) -> None: ...
    def reject(self, trial: Trial) -> None: ...
    def finish(self, trial: Trial) -> None: ...


@dataclass
class Sums:
    """The evaluation."""

    capacity: int = 1
    given: list[tuple[int, Genotype, int]] = field(default_factory=list)

    def submit(self, number: int, genotype: Genotype, seed: int) -> None:
        self.given.append((number, genotype, seed))

    def wait(self) -> Iterable[Trial]:
        number, genotype, seed = self.given.pop()
        return [Trial(number, genotype, "complete", objectives(genotype.values.values()), seed=seed)]


def own(url: str | None, trials: int) -> None:
    space = Compilation.from_text(TEXT).space()
    problem = Problem(space, Variation(space), 0, 2)
    strategy = make_strategy("nsga2", problem, {"population": POPULATION})
    where: Any = Nowhere() if url is None else Study.open(url, "own", space, (1, 1), ("a", "b"), {})

    def price(genotype: Genotype) -> tuple[Mapping[str, float], float]:
        return {}, 0.0

    loop = Loop(problem, strategy, where, [], [], lambda number: number, price)
    done = loop.run(Sums(), lambda number, ended: number >= trials, lambda trial: None)
    assert len(done) == trials


def optunas(url: str | None, trials: int) -> None:
    sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=0)
    study = optuna.create_study(storage=url, directions=["minimize", "minimize"], sampler=sampler)

    def evaluate(trial: optuna.Trial) -> tuple[float, float]:
        return objectives([trial.suggest_categorical(f"y[{k}]", LABELS) for k in range(DECISIONS)])

    study.optimize(evaluate, n_trials=trials)


def per_trial(run: Callable[[str | None, int], None], is_stored: bool, trials: int) -> float:
    """Milliseconds of a trial; opening a study and the first generation, which is drawn, are left out."""
    times = []
    for count in (POPULATION, POPULATION, POPULATION + trials):  # the first one warms up
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            url = file_url(Path(folder) / "study.db") if is_stored else None
            start = time.perf_counter()
            run(url, count)
            times.append(time.perf_counter() - start)
    return (times[2] - times[1]) / trials * 1e3


def volumes() -> dict[str, float]:
    """Seconds for 2,000 points of a front in three dimensions, medians of five."""
    drawn = np.random.default_rng(0).random((2000, 3))
    front = 1.5 - drawn / np.linalg.norm(drawn, axis=1)[:, None]
    listed, reference = front.tolist(), np.full(3, 2.0)
    found: dict[str, list[float]] = {"own": [], "optuna": []}
    for _ in range(5):
        start = time.perf_counter()
        mine = hypervolume(listed, reference.tolist())
        found["own"].append(time.perf_counter() - start)
        start = time.perf_counter()
        theirs = compute_hypervolume(front, reference)
        found["optuna"].append(time.perf_counter() - start)
        assert abs(mine - theirs) < 1e-9 * theirs
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows: dict[str, Any] = {"trials": options.trials, "decisions": DECISIONS, "population": POPULATION}
    for place, is_stored in (("memory", False), ("sqlite", True)):
        found: dict[str, list[float]] = {"own": [], "optuna": []}
        for _ in range(options.repeats):  # taking turns, so that both meet the same machine
            count = options.trials if is_stored else 5 * options.trials
            found["own"].append(per_trial(own, is_stored, count))
            found["optuna"].append(per_trial(optunas, is_stored, count))
        rows[f"nsga2 {place}, ms a trial"] = {name: statistics.median(times) for name, times in found.items()}
        print(place, rows[f"nsga2 {place}, ms a trial"], flush=True)
    rows["hypervolume 2000 x 3, s"] = volumes()
    print(rows["hypervolume 2000 x 3, s"])
    record.write(OUT, {"machine": record.fingerprint(), **rows})


if __name__ == "__main__":
    main()
