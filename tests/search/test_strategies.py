"""Every strategy: legal and new genotypes that follow from seed, number and history; and each one's own rule."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nascompile.compilation import Compilation
from nascompile.config.sampling import SAMPLED
from nascompile.diagnostics import NasError
from nascompile.profile.pricing import Pricer
from nascompile.search import partial_order
from nascompile.search.strategy import Problem, Trial, make_strategy, ranking
from nascompile.space.genotype import Genotype
from nascompile.space.order import Order
from nascompile.space.vary import Variation

LADDER = """\
nas 1
import std.layers
space ladder(x: image = [1, 8, 8]) {
  y = x
  repeat n in 1 .. 3 as i {
    w[i] = pick one of [2, 4, 8]
    y = y -> conv(w[i], 3) -> relu
  }
  where rising(w)
  y -> conv(2, 1)
}
"""
SINGLE = "nas 1\nimport std.layers\nspace one(x: image = [1, 8, 8]) { x -> conv(pick one of [2, 4] as c, 3) }\n"

Asked = tuple[list[Genotype], list[Trial]]


def problem_of(text: str = LADDER, limit: float | None = None, objectives: int = 2, seed: int = 0) -> Problem:
    compiled = Compilation.from_text(text)
    space = compiled.space()
    pricer = Pricer(compiled.library, space)
    known: dict[str, Mapping[str, float]] = {}

    def cost(genotype: Genotype) -> Mapping[str, float]:
        if genotype.digest() not in known:
            price = pricer.price(genotype)
            known[genotype.digest()] = {"params": float(price.params), "macs": float(price.macs)}
        return known[genotype.digest()]

    def violation(genotype: Genotype) -> float:
        return 0.0 if limit is None else max(0.0, cost(genotype)["params"] / limit - 1)

    return Problem(space, Variation(space), seed, objectives, violation, cost)


def ended(problem: Problem, number: int, genotype: Genotype) -> Trial:
    """A trial whose losses are a known function: the last width is good, parameters are costly; every fifth fails."""
    measures = problem.cost(genotype)
    if number % 5 == 4:
        return Trial(number, genotype, "failed", error="loss-is-nan", measures=measures)
    losses = (-float([v for p, v in genotype.values.items() if p.startswith(("w", "c"))][-1]), measures["params"])
    return Trial(number, genotype, "complete", losses[: problem.objectives], problem.violation(genotype), measures)


def search(name: str, problem: Problem, count: int, **options: Any) -> list[Trial]:
    strategy = make_strategy(name, problem, options)
    trials: list[Trial] = []
    for number in range(count):
        genotype = strategy.ask(number, trials[: strategy.seen(number)], {t.genotype.digest() for t in trials})
        if genotype is None:
            break
        trials.append(ended(problem, number, genotype))
    return trials


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("random", {}),
    ("evolution", {"population": 6, "sample": 3}),
    (
        "evolution",
        {"population": 6, "sample": 3, "start": "latin", "crossover": 0.5, "moves": "steps", "survivors": "best"},
    ),
    ("nsga2", {"population": 6}),
    ("partial_order", {}),
    ("optuna", {"sampler": "tpe", "startup": 5}),
    ("optuna", {"sampler": "gp", "startup": 8}),
    ("optuna", {"sampler": "random", "startup": 5}),
    ("optuna", {"sampler": "nsga2", "population": 4}),
    ("optuna", {"sampler": "nsga3", "population": 4}),
    ("optuna", {"sampler": "qmc"}),
]
each = pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(
            name, options, id="-".join([name, *map(str, options.values())]),
            marks=[pytest.mark.slow] if "gp" in options.values() else [],
        )
        for name, options in OPTIONS
    ],
)  # fmt: skip


def test_every_strategy_is_tested_and_has_the_options_of_the_language() -> None:
    assert {name for name, _ in OPTIONS} == set(SAMPLED)
    for name, options in SAMPLED.items():
        made = make_strategy(name, problem_of(), {})
        parameters = inspect.signature(type(made)).parameters.values()
        own = {p.name: p.default for p in parameters if p.name != "problem" and not p.name.startswith("_")}
        assert own == {name: getattr(value, "name", value) for name, value in options.items()}


@each
def test_genotypes_are_legal_new_and_the_same_again(name: str, options: dict[str, Any]) -> None:
    problem = problem_of()
    trials = search(name, problem, 14, **options)
    assert [problem.space.contains(t.genotype) for t in trials] == [[]] * len(trials)
    assert len({t.genotype for t in trials}) == len(trials)
    assert search(name, problem_of(), 14, **options) == trials
    assert search(name, problem_of(seed=1), 14, **options) != trials


@each
def test_an_ask_knows_nothing_but_its_arguments(name: str, options: dict[str, Any]) -> None:
    """A strategy that was never asked before gives trial 12 as one that was: resumption rests on this."""
    problem = problem_of()
    trials = search(name, problem, 13, **options)
    if len(trials) < 13:
        pytest.skip("pruned to the end before")
    fresh = make_strategy(name, problem, options)
    history = trials[: fresh.seen(12)]
    assert fresh.ask(12, history, {t.genotype.digest() for t in trials[:12]}) == trials[12].genotype


@each
def test_static_conditions_are_kept(name: str, options: dict[str, Any]) -> None:
    problem = problem_of(limit=300)
    assert all(problem.violation(t.genotype) == 0 for t in search(name, problem, 10, **options))


@each
def test_a_small_space_is_exhausted(name: str, options: dict[str, Any]) -> None:
    trials = search(name, problem_of(SINGLE), 9, **options)
    assert sorted(t.genotype.values["c"] for t in trials) == [2, 4]


def test_seen_says_what_can_run_at_once() -> None:
    problem = problem_of()

    def seen(name: str, **options: Any) -> list[int]:
        return [make_strategy(name, problem, options).seen(n) for n in (0, 5, 6, 11, 12)]

    assert seen("random") == [0, 0, 0, 0, 0]
    assert seen("nsga2", population=6) == [0, 0, 6, 6, 12]
    assert seen("evolution", population=6, lag=4) == [0, 0, 3, 8, 9]
    assert seen("partial_order") == [0, 5, 6, 11, 12]
    assert seen("optuna", sampler="nsga3", population=6) == [0, 0, 6, 6, 12]
    assert seen("optuna", sampler="qmc") == [0, 0, 0, 0, 0]


def test_evolution_mutates_one_of_the_youngest() -> None:
    problem = problem_of()
    trials = search("evolution", problem, 16, population=4, sample=4, lag=1)
    for number in range(4, 16):
        living = trials[number - 4 : number]
        best = min((t for t in living if t.state == "complete"), key=lambda t: ranking(living)[living.index(t)])
        apart = {p for p in best.genotype.values if best.genotype.values[p] != trials[number].genotype.values.get(p)}
        assert len(apart) <= 3, "more than a mutation and what it takes with it"


def test_a_latin_start_takes_every_value_of_a_decision_equally_often() -> None:
    trials = search("evolution", problem_of(), 6, population=6, start="latin")
    for path in ("n", "w[0]"):
        values = [t.genotype.values[path] for t in trials]
        assert sorted(values) == sorted(2 * sorted(set(values))), f"{path}: {values}"
        assert len(set(values)) == 3
    drawn = sorted(t.genotype.values["n"] for t in search("evolution", problem_of(), 6, population=6))
    assert drawn != [1, 1, 2, 2, 3, 3], "or uniform draws would do"


def test_steps_change_numbers_by_one_place() -> None:
    problem = problem_of(LADDER.replace("[2, 4, 8]", "1 .. 40"))

    def near(moves: str) -> int:
        trials = search("evolution", problem, 16, population=4, sample=4, lag=1, moves=moves, survivors="best")
        found = 0
        for number in range(4, 16):
            keys = ranking(trials[:number])
            best = trials[min(range(number), key=lambda i: (keys[i], i))].genotype.values
            child = trials[number].genotype.values
            found += sum(abs(child.get(p, v) - v) for p, v in best.items()) == 1
        return found

    assert near("steps") >= 3, "half of the children take one step"
    assert near("values") <= 1


def test_the_best_survive() -> None:
    problem = problem_of(objectives=1)
    trials = search("evolution", problem, 12, population=3, lag=1)
    strategy: Any = make_strategy("evolution", problem, {"population": 3, "survivors": "best"})
    losses = sorted(t.losses[0] for t in trials if t.state == "complete")
    assert [t.losses[0] for t in strategy._living(trials)] == losses[:3]


def test_nsga2_keeps_what_is_best_of_parents_and_children() -> None:
    problem = problem_of(objectives=1)
    trials = search("nsga2", problem, 18, population=6)
    strategy: Any = make_strategy("nsga2", problem, {"population": 6})
    parents = [t.number for t in strategy._generation(2, trials[:12])[0]]
    complete = sorted((t for t in trials[:12] if t.state == "complete"), key=lambda t: t.losses[0])
    worst = max(t.losses[0] for t in trials[:12] if t.number in parents)
    assert worst <= complete[5].losses[0]


@pytest.mark.parametrize("sampler", ["nsga2", "nsga3"])
@pytest.mark.parametrize("objectives", [1, 2])
def test_optunas_genetic_samplers_give_a_generation_its_parents_from_all_before(sampler: str, objectives: int) -> None:
    problem = problem_of(LADDER.replace("[2, 4, 8]", "1 .. 9"), objectives=objectives)
    trials = search("optuna", problem, 18, sampler=sampler, population=6)
    strategy: Any = make_strategy("optuna", problem, {"sampler": sampler, "population": 6})
    done = [t for t in trials[:12] if t.state == "complete"]

    def parents(number: int) -> set[int]:
        study = strategy._study(number, done, number)
        return {done[t._trial_id].number for t in study.sampler.get_parent_population(study, 2)}

    found = parents(12)
    assert found == parents(17), "each trial of a generation chose its own"
    assert 2 <= len(found) <= 6
    keys = dict(zip((t.number for t in done), ranking(done), strict=True))
    front = {n for n in keys if keys[n][1] == 0}
    assert front <= found if len(front) <= 6 else found <= front
    if objectives == 1:
        assert sorted(t.losses for t in done if t.number in found) == sorted(t.losses for t in done)[:6]


def test_a_quasi_random_search_covers_every_decision_evenly() -> None:
    problem = problem_of(LADDER.replace("[2, 4, 8]", "1 .. 40").replace("  where rising(w)\n", ""))
    for trials, most in ((search("optuna", problem, 16, sampler="qmc"), 1), (search("random", problem, 16), 99)):
        counts = Counter((t.genotype.values["w[0]"] - 1) * 8 // 40 for t in trials)
        assert max(counts.values()) - min(counts.get(k, 0) for k in range(8)) <= most
    assert max(counts.values()) > 3, "or uniform draws would do"


def test_a_network_that_breaks_a_condition_prunes_nothing() -> None:
    """It cannot be what is found, so what costs more than it may still be."""
    problem = problem_of(objectives=1)
    best, *others = sorted(problem.space.enumerate(), key=lambda g: problem.cost(g)["macs"])
    wide = max(others, key=lambda g: problem.cost(g)["macs"])
    for violation, found in ((0.0, None), (0.5, Genotype)):
        known = [
            Trial(0, best, "complete", (-0.9,), violation, problem.cost(best)),
            Trial(1, wide, "complete", (-0.8,), 0.0, problem.cost(wide)),
        ]
        strategy = make_strategy("partial_order", problem, {})
        order = Order(problem.space)
        below = [
            g for g in others
            if g != wide and (order.is_narrower(g.values, wide.values) or order.is_shallower(g.values, wide.values))
        ]  # fmt: skip
        digests = {g.digest() for g in problem.space.enumerate() if g not in below}
        asked = strategy.ask(2, known, digests)
        assert (asked is None) == (found is None)


def test_partial_order_leaves_out_what_pruning_leaves_out() -> None:
    """The lazy rule is that of `Pruning`, which lists the space."""
    problem = problem_of(objectives=1)
    order = Order(problem.space)

    def cost(genotype: Genotype) -> float:
        return problem.cost(genotype)["macs"]

    pruning = partial_order.Pruning(order, list(problem.space.enumerate()), cost)
    told: list[partial_order.Trial] = []
    for number, genotype in enumerate(list(problem.space.enumerate())[::5]):
        told.append(partial_order.Trial(genotype, float(number * 7 % 5), cost(genotype)))
        pruning.tell(told[-1])
    limits = partial_order.limits(told)
    lazily = {g for g in problem.space.enumerate() if partial_order.is_pruned(g, order, cost, limits)}
    assert pruning.pruned, "nothing was pruned: the test shows nothing"
    assert set(pruning.pruned) <= lazily


def test_ranking_puts_legal_before_illegal_before_failed() -> None:
    problem = problem_of()
    genotype = problem.space.unrank(0)
    good = Trial(0, genotype, "complete", (1.0, 1.0))
    worse = replace(good, losses=(2.0, 2.0))
    illegal = replace(good, losses=(0.0, 0.0), violation=0.5)
    rejected = replace(good, losses=(), state="rejected", violation=0.2)
    failed = replace(good, losses=(), state="failed")
    given: Sequence[Trial] = [failed, illegal, worse, rejected, good]
    keys = ranking(given)
    by_key: Callable[[int], Any] = lambda i: keys[i]  # noqa: E731
    assert sorted(range(5), key=by_key) == [4, 2, 3, 1, 0]


def test_a_wrong_name_is_told_with_the_nearest() -> None:
    with pytest.raises(NasError, match=r"unknown-strategy.*did you mean `evolution`"):
        make_strategy("evoluton", problem_of(), {})


def test_strategies_load_no_torch(root: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom nascompile.search.strategy import make_strategy\n"
        "from nascompile.search.strategies import evolution, nsga2, partial_order, random_search\n"
        "assert 'torch' not in sys.modules and 'optuna' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
