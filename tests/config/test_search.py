"""Searches and tasks as data, and every way to write them wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.config.constants import Choice
from nascompile.config.objectives import violation
from nascompile.data.task import Augment, Pairs, Ratio
from nascompile.diagnostics import NasError
from nascompile.train.budget import Budget

Compiled = Callable[..., Compilation]


def test_a_search_is_read_with_its_units_and_options(compiled: Compiled) -> None:
    search = compiled().search()
    assert (search.name, search.task, search.space.name) == ("first", "cells", "tiny")
    assert search.space.arguments == {"c": 6}
    assert search.budget == Budget(20, "epochs")
    assert search.strategy == Choice("bilevel", {"warmup": Budget(2, "epochs")})
    assert (search.weights.name, search.weights.options["lr"]) == ("sgd", 0.1)
    assert search.weights.schedule == Choice("cosine", {"min": 1e-3})
    assert search.loss[0].choice == Choice("dice_ce", {"squared": True})
    assert search.train.budget == Budget(5, "epochs")
    assert search.train.optimiser == search.weights  # the stage says nothing else


def test_a_task_is_read(compiled: Compiled) -> None:
    task = compiled().task()
    assert task.layout == Pairs("images/*.png", "labels/*.png")
    assert task.classes == ("background", "interior", "boundary")
    assert task.augment == (Augment("flip"), Augment("intensity_shift", 0.2))
    assert (task.patch, task.rank, task.channels) == ((32, 32), 2, 1)
    assert compiled('"splits.json"', "ratio(0.6, 0.2, 0.2, seed = 3)").task().split == Ratio(0.6, 0.2, 0.2, 3)


@pytest.mark.parametrize(
    ("written", "budget"),
    [("300 steps", Budget(300, "steps")), ("10 minutes", Budget(600, "seconds")), ("2 hours", Budget(7200, "seconds"))],
)
def test_budgets_have_units(compiled: Compiled, written: str, budget: Budget) -> None:
    assert compiled("20 epochs", written).search().budget == budget


def test_losses_of_several_outputs_are_weighted_sums(compiled: Compiled) -> None:
    loss = compiled("dice_ce(squared = true)", "2 * dice_bce(out[0]) + (ce(aux) + focal(main)) / 4").search().loss
    assert [(t.weight, t.choice.name, t.output) for t in loss] == [
        (2.0, "dice_bce", "out[0]"),
        (0.25, "ce", "aux"),
        (0.25, "focal", "main"),
    ]


# What the user wrote, in place of what; the code; the text under the caret; a part of the hint.
MISTAKES = [
    ("budget   = 20 epochs", "bugdet = 20 epochs", "unknown-field", "bugdet", "did you mean `budget`?"),
    ("20 epochs", "20", "missing-unit", "20", "20 epochs"),
    ("20 epochs", "20 ms", "wrong-unit", "20 ms", "minutes"),
    ("sgd(lr = 0.1,", "sgdd(lr = 0.1,", "unknown-optimiser", "sgdd", "did you mean `sgd`?"),
    ("lr = 0.1", "lrr = 0.1", "unknown-option", "lrr = 0.1", "did you mean `lr`?"),
    ("lr = 0.1", 'lr = "high"', "bad-option", 'lr = "high"', "the default is `0.025`"),
    ("lr = 0.1", "lr = -0.1", "bad-option", "lr = -0.1", "0 or more"),
    ("lr = 0.1", "momentum = 1.5", "bad-option", "momentum = 1.5", "from 0 to below 1"),
    ("sgd(lr = 0.1", "adam(betas = [0.9]", "bad-option", "betas = [0.9]", "two numbers"),
    ("cosine(min = 1e-3)", "cosine(warmup = 1)", "bad-option", "warmup = 1", "from 0 to below 1"),
    ("cosine(min = 1e-3)", "poly(power = -1)", "bad-option", "power = -1", "0 or more"),
    ("cosine(min = 1e-3)", "step(at = [start])", "bad-option", "at = [start]", "a list of shares"),
    ("squared = true", "weight = 3", "bad-option", "weight = 3", "a list of numbers"),
    ("squared = true", "weight = [0, 0]", "bad-option", "weight = [0, 0]", "not all of them 0"),
    ("squared = true", "ignore_index = 0.5", "bad-option", "ignore_index = 0.5", "a whole number"),
    ("dice_ce(squared = true)", "ce(label_smoothing = 2)", "bad-option", "label_smoothing = 2", "from 0 to 1"),
    (
        "warmup = 2 epochs",
        "temperature = linear(end = 0)",
        "bad-option",
        "end = 0",
        "above 0",
    ),
    ("cosine(min", "cosin(min", "unknown-schedule", "cosin", "did you mean `cosine`?"),
    ("dice_ce(squared", "dize_ce(squared", "unknown-loss", "dize_ce", "did you mean `dice_ce`?"),
    ("bilevel(", "bilevl(", "unknown-strategy", "bilevl", "did you mean `bilevel`?"),
    ("2 epochs", "2 ms", "wrong-unit", "2 ms", "epochs"),
    ("warmup = 2", "arch_after = 2", "unknown-option", "arch_after = 2 epochs", "did you mean `warmup`?"),
    ("budget   = 20 epochs", "train_portion = 0.5", "unknown-field", "train_portion", "did you mean `split`?"),
    ("warmup = 2 epochs", "mix_ways = 1", "bad-value", "1", ""),
    ("on cells", "on sells", "unknown-task", "sells", "did you mean `cells`?"),
    ("tiny(c = 6)", "tiny(d = 6)", "unknown-argument", "d", "did you mean `c`?"),
    ("budget   = 20 epochs", "budget = 20 epochs\n  maximize dize", "unknown-measure", "dize", "did you mean `dice`?"),
    (
        "budget   = 20 epochs",
        "budget = 20 epochs\n  where parms < 2M",
        "unknown-measure",
        "parms",
        "did you mean `params`?",
    ),
    ("budget   = 20 epochs", "budget = 20 epochs\n  where latency < 3 ms", "unknown-measure", "latency", "params"),
    ("stage train", "stage trains", "unknown-stage", "", "did you mean `train`?"),
    ("classes = [background, interior, boundary]", "clases = 3", "unknown-field", "clases", "did you mean `classes`?"),
    ("[32, 32]", "[32, 0]", "bad-value", "[32, 0]", "[96, 96]"),
    ("pairs(", "pair(", "unknown-layout", "", "did you mean `pairs`?"),
    ('"nuclei"', '"../nuclei"', "outside-data-root", "", "--data"),
    ('"nuclei"', '"/etc"', "outside-data-root", "", "--data"),
    ('"images/*.png"', '"../images/*.png"', "outside-data-root", "", ""),
    ("patch   = [32, 32]", "metric = dize", "unknown-metric", "dize", "did you mean `dice`?"),
    ("patch   = [32, 32]", "metric = auc", "unknown-metric", "auc", ""),
    ("patch   = [32, 32]", "normalise = windoww(0, 1)", "unknown-word", "", "did you mean `window`?"),
    ("patch   = [32, 32]", "split = ratio(0.5, 0.5, 0)", "duplicate-field", "", ""),
]


@pytest.mark.parametrize(("old", "new", "code", "caret", "hint"), MISTAKES, ids=[f"{m[2]}-{m[1]}" for m in MISTAKES])
def test_a_mistake_is_told_at_its_place(
    compiled: Compiled, old: str, new: str, code: str, caret: str, hint: str
) -> None:
    found = [d for d in compiled(old, new).check() if d.code == code]
    assert found, [d.code for d in compiled(old, new).check()]
    diagnostic = found[0]
    assert diagnostic.primary is not None
    assert diagnostic.primary.span.source.name == "spec.nas"
    if caret:
        assert diagnostic.primary.span.text == caret
    assert hint in (diagnostic.hint or "")


@pytest.mark.parametrize(
    ("condition", "holds_"),
    [
        ("params < 2M", True),
        ("params < 1k", False),
        ("params <= 1000 * 5 and macs > 1M", True),
        ("not params < 2M or macs / params > 1k", False),
    ],
)
def test_conditions_compare_measures(compiled: Compiled, condition: str, holds_: bool) -> None:
    text = compiled("20 epochs", f"20 epochs\n  where {condition}")
    (where,) = text.search().where
    assert (violation(where, {"params": 5000, "macs": 2_000_000}, text.library) == 0) is holds_


def test_several_mistakes_are_told_in_one_run(compiled: Compiled) -> None:
    text = compiled("20 epochs\n", "20\n  bacth = 8\n  seed = 1.5\n")
    assert [d.code for d in text.check()] == ["missing-unit", "unknown-field", "bad-value"]


def test_the_shipped_demo_has_no_mistake(demo: Path) -> None:
    assert Compilation.from_path(demo / "nuclei.nas").check() == []


def test_a_temperature_is_a_choice_with_options(compiled: Compiled) -> None:
    search = compiled("warmup = 2 epochs", "temperature = linear(start = 3, end = 0.5)").search()
    assert search.strategy.options["temperature"] == Choice("linear", {"start": 3, "end": 0.5})
    with pytest.raises(NasError, match=r"unknown-temperature.*did you mean `linear`"):
        compiled("warmup = 2 epochs", "temperature = liner").search()
