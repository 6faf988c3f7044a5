"""Searches that try genotypes: their fields, and every way to write them wrongly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nascompile.compilation import Compilation
from nascompile.config.constants import Choice
from nascompile.config.objectives import Unmeasured, names_of, value_of, violation
from nascompile.config.settings import from_argument, parse_within
from nascompile.source import Source
from nascompile.syntax import nodes as ast
from nascompile.train.budget import Budget

Compiled = Callable[..., Compilation]

BILEVEL = "bilevel(warmup = 2 epochs)"
FIELDS = "20 epochs"


def sampled(compiled: Compiled, strategy: str = "evolution(population = 8)", more: str = "", budget: str = "30 trials",
            ) -> Compilation:  # fmt: skip
    text = compiled(BILEVEL, strategy)
    source = text.source.text.replace(FIELDS, f"{budget}\n{more}", 1)
    return Compilation.from_text(source, "spec.nas", text.folder)


def test_a_sampled_search_is_read(compiled: Compiled) -> None:
    more = (
        "  threads = 2\n  reference = [0.2, 1M]\n  stage trial {\n    budget = 30 steps\n    limit = 5 minutes\n  }\n"
    )
    search = sampled(compiled, more=more).search()
    assert search.strategy == Choice("evolution", {"population": 8})
    assert search.budget == Budget(30, "trials")
    assert search.sampling is not None
    assert (search.sampling.threads, search.sampling.limit, search.sampling.reference) == (2, 300.0, (0.2, 1e6))
    assert search.sampling.trial is not None
    assert search.sampling.trial.budget == Budget(30, "steps")
    assert search.sampling.trial.optimiser == search.weights


def test_without_a_stage_a_trial_is_an_epoch_as_in_the_search(compiled: Compiled) -> None:
    search = sampled(compiled).search()
    assert search.sampling is not None and search.sampling.trial is not None
    assert search.sampling.trial.budget == Budget(1, "epochs")
    assert search.sampling.trial.loss == search.loss


def test_a_trial_is_set_from_the_command_line(compiled: Compiled) -> None:
    text = sampled(compiled, more="  stage trial { budget = 30 steps }\n")
    settings = (from_argument("trial.budget=7 steps"), from_argument("trial.limit=30 s"))
    search = Compilation(text.source, text.folder, text.data, settings).search()
    assert search.sampling is not None and search.sampling.trial is not None
    assert (search.sampling.trial.budget, search.sampling.limit) == (Budget(7, "steps"), 30.0)


# The strategy, further lines, the budget; the code, what is under the caret, a part of the hint.
MISTAKES = [
    ("evoluton", "", "30 trials", "unknown-strategy", "evoluton", "did you mean `evolution`?"),
    ("evolution(populaton = 3)", "", "30 trials", "unknown-option", "", "did you mean `population`?"),
    ("evolution(population = 0)", "", "30 trials", "bad-option", "0", ""),
    ("evolution(start = latine)", "", "30 trials", "bad-option", "latine", "did you mean `latin`?"),
    ("evolution(crossover = 2)", "", "30 trials", "bad-option", "2", ""),
    ("nsga2(crossover = 2)", "", "30 trials", "bad-option", "2", ""),
    ("optuna(sampler = nsga3, population = 1)", "", "30 trials", "bad-option", "1", ""),
    ("optuna(sampler = tpee)", "", "30 trials", "bad-option", "tpee", "did you mean `tpe`?"),
    ("partial_order(cost = mac)", "", "30 trials", "bad-option", "mac", "did you mean `macs`?"),
    ("partial_order(cost = latency)", "", "30 trials", "bad-option", "latency", "cpu.yaml"),
    ("partial_order(cost = 3)", "", "30 trials", "bad-option", "", "macs"),
    ("random", "", "30 epochs", "wrong-unit", "30 epochs", "40 trials"),
    ("random", "", "2.5 trials", "bad-value", "2.5 trials", "40 trials"),
    ("random", "  enqueue = [nothing]\n", "30 trials", "unknown-genotype", "[nothing]", ""),
    ("random", "  penalty = 1\n", "30 trials", "not-a-field", "1", "leave it out"),
    ("random", "  maximize dize\n", "30 trials", "unknown-measure", "dize", "did you mean `dice`?"),
    ("random", "  where parms < 2M\n", "30 trials", "unknown-measure", "parms", "did you mean `params`?"),
    ("random", "  minimize latency(onxruntime.cpu)\n", "30 trials", "unknown-target", "", "onnxruntime.cpu"),
    ("random", "  maximize analog_metric\n", "30 trials", "missing-argument", "analog_metric", "after = 1 month"),
    ("random", "  maximize analog_metric(pmc, after = 1 s)\n", "30 trials", "unknown-device", "pmc", "`pcm`"),
    ("random", "  maximize analog_metric(aftr = 1 s)\n", "30 trials", "unknown-argument", "aftr = 1 s", "`after`"),
    ("random", "  maximize analog_metric(after = 5)\n", "30 trials", "missing-unit", "5", "1 month"),
    ("random", "  maximize analog_metric(after = 5 steps)\n", "30 trials", "wrong-unit", "5 steps", "1 month"),
    ("random", "  maximize analog_metric(after = -1 s)\n", "30 trials", "bad-value", "-1 s", "1 month"),
    ("random", "  maximize analog_metric(reram, after = 1 hour)\n", "30 trials", "unknown-time", "1 hour", "1 day"),
    (
        "random",
        "  maximize dice\n  where analog_drop(reram, after = 5 days) < 1\n",
        "30 trials",
        "unknown-time",
        "",
        "1 s",
    ),
    ("random", "  maximize dice\n", "-3 trials", "bad-value", "-3 trials", ""),
    ("random", "  maximize analog_drop(after = 1 s)\n", "30 trials", "bad-value", "1 s", "analog_drop"),
    ("random", "  maximize analog_metric(pcm, reram, after = 1 day)\n", "30 trials", "too-many-arguments", "reram", ""),
    ("random", "  maximize analog_metrik(after = 1 day)\n", "30 trials", "unknown-measure", "", "`analog_metric`"),
    ("random", "  minimize predicted(s.json)\n", "30 trials", "missing-argument", "", "FILE.json"),
    ("random", "  stage trial { programmings = 0 }\n", "30 trials", "bad-value", "0", ""),
    (
        "bilevel",
        "  maximize analog_metric(after = 1 day)\n",
        "30 epochs",
        "unknown-measure",
        "",
        "strategy = evolution",
    ),
    ("random", "  stage trials { budget = 3 steps }\n", "30 trials", "unknown-stage", "", "did you mean `trial`?"),
    ("random", "  stage trial { limit = 3 steps }\n", "30 trials", "wrong-unit", "3 steps", "5 minutes"),
    ("random", "  stage trial { budgt = 3 steps }\n", "30 trials", "unknown-field", "budgt", "did you mean `budget`?"),
    ("bilevel", "", "30 trials", "wrong-unit", "30 trials", "try genotypes"),
    ("bilevel", "  threads = 2\n", "30 epochs", "not-a-field", "2", "try genotypes"),
    ("bilevel", "  stage trial { budget = 3 steps }\n", "30 epochs", "unknown-stage", "", "try genotypes"),
]


@pytest.mark.parametrize(
    ("strategy", "more", "budget", "code", "caret", "hint"),
    MISTAKES,
    ids=[f"{m[3]}-{m[0]}{m[1][:14]}" for m in MISTAKES],
)
def test_a_mistake_is_told_at_its_place(
    compiled: Compiled, strategy: str, more: str, budget: str, code: str, caret: str, hint: str
) -> None:
    text = sampled(compiled, strategy, more, budget)
    found = [d for d in text.check() if d.code == code]
    assert found, [d.code for d in text.check()]
    assert found[0].primary is not None
    if caret:
        assert found[0].primary.span.text == caret
    assert hint in (found[0].hint or "")


@pytest.mark.parametrize("strategy", ["evolutoin(population = 3)", "nsga2(population = -3)", "breeding", "3"])
def test_a_strategy_that_cannot_be_read_is_the_only_mistake(compiled: Compiled, strategy: str) -> None:
    more = "  threads = 2\n  minimize params\n  stage trial { budget = 3 steps }\n"
    (only,) = sampled(compiled, strategy, more).check()
    assert only.primary is not None
    assert only.primary.span.text in strategy


def test_check_tells_what_a_relaxed_search_cannot_relax(compiled: Compiled) -> None:
    text = sampled(compiled, "bilevel", budget="30 epochs")
    source = text.source.text
    space = "space relaxed(x: image; c = 8) {\n  w = pick one of [4, 8]\n  x -> conv(w, 3) -> conv(2, 1)\n}\n"
    head = next(line for line in source.splitlines() if line.startswith("search "))
    name = head.split(":")[1].split()[0].split("(")[0]
    changed = source.replace(head, space + head.replace(f": {name}", ": relaxed"))
    found = Compilation.from_text(changed, folder=text.folder).check()
    assert [d.code for d in found] == ["cannot-relax"]
    assert [label.text for label in found[0].secondary] == ["relaxed by this search"]


def expression(text: str) -> ast.Expr:
    return parse_within(Source("test", text), 0, len(text))


MEASURES = {"params": 3e6, "dice": 0.8, "latency(onnxruntime.cpu)": 0.02, "latency(torch.cpu)": 0.04}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("dice", 0.8),
        ("-dice", -0.8),
        ("dice - 0.1 * params / 1M", 0.5),
        ("latency", 0.02),
        ("latency(torch.cpu) / latency(onnxruntime.cpu)", 2.0),
        ("params ^ 2", 9e12),
    ],
)
def test_objectives_are_expressions(compiled: Compiled, written: str, value: float) -> None:
    assert value_of(expression(written), MEASURES, compiled().library) == pytest.approx(value)


@pytest.mark.parametrize(
    ("written", "broken"),
    [
        ("params < 4M", 0.0),
        ("params < 2M", 0.5),
        ("params < 2M and latency < 10 ms", 1.5),
        ("params < 2M or latency < 30 ms", 0.0),
        ("dice >= 0.8", 0.0),
        ("dice > 0.8", 1e-9),
        ("macs < 1", 0.0),  # not measured yet
        ("macs < 1 or params < 2M", 0.0),
    ],
)
def test_a_condition_says_how_far_it_is_broken(compiled: Compiled, written: str, broken: float) -> None:
    assert violation(expression(written), MEASURES, compiled().library) == pytest.approx(broken)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("analog_metric(after = 1 month)", "analog_metric(pcm, after = 1 month)"),
        ("analog_metric(after = 30 days, cmo)", "analog_metric(cmo, after = 1 month)"),
        ('analog_drop("mine.yaml", after = 90 s)', 'analog_drop("mine.yaml", after = 90 s)'),
        ("analog_drop(pcm, after = 2 years)", "analog_drop(pcm, after = 2 years)"),
        ("analog_drop(pcm, after = 36 hours)", "analog_drop(pcm, after = 36 hours)"),
        ('predicted("drop.json")', 'predicted("drop.json")'),
        ('novelty("drop.json")', 'novelty("drop.json")'),
    ],
)
def test_analog_measures_are_named_by_what_they_mean(compiled: Compiled, written: str, name: str) -> None:
    assert list(names_of(expression(written))) == [name]
    assert value_of(expression(f"2 * {written}"), {name: 0.25}, compiled().library) == 0.5


def test_names_are_full(compiled: Compiled) -> None:
    names = list(names_of(expression("dice - latency / latency(torch.cpu) + params")))
    assert names == ["dice", "latency(onnxruntime.cpu)", "latency(torch.cpu)", "params"]
    with pytest.raises(Unmeasured, match="macs"):
        value_of(expression("macs"), MEASURES, compiled().library)
