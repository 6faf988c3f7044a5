"""Candidate dropout and sampled paths as a search's text says them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nascompile.backends.supernet import build_supernet
from nascompile.compilation import Compilation
from nascompile.config import tables
from nascompile.config.constants import Choice
from nascompile.diagnostics import NasError
from nascompile.jobs.candidates import candidate_dropout, sampled_paths
from nascompile.search.oneshot import dropout

Compiled = Callable[..., Compilation]


def strategy(compiled: Compiled, options: str) -> Choice:
    return compiled("warmup = 2 epochs", options).search().strategy


def test_the_table_repeats_the_schedules() -> None:
    assert list(tables.DROPOUTS) == list(dropout.DROPOUTS)
    for name, options in tables.DROPOUTS.items():
        assert dropout.make_dropout(name, options)(0.0) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("name", "options", "half", "end"),
    [
        ("constant", {"start": 0.4}, 0.4, 0.4),
        ("linear", {"start": 0.4}, 0.2, 0.0),
        ("linear", {"start": 0.1, "end": 0.5}, 0.3, 0.5),
        ("cosine", {"start": 0.4, "end": 0.2}, 0.3, 0.2),
        ("exponential", {"start": 0.4, "final": 0.25}, 0.2, 0.1),
    ],
)
def test_probabilities_follow_the_share_that_is_done(
    name: str, options: dict[str, float], half: float, end: float
) -> None:
    probability = dropout.make_dropout(name, options)
    assert [probability(0.5), probability(1.0)] == pytest.approx([half, end])


def test_the_options_are_read(compiled: Compiled) -> None:
    found = strategy(compiled, "candidate_dropout = cosine(start = 0.5), dropped = [pool]").options
    assert found["candidate_dropout"] == Choice("cosine", {"start": 0.5})
    assert found["dropped"] == ("pool",)
    found = strategy(compiled, "paths = 2, path_steps = 5, path_weights = one").options
    assert (found["paths"], found["path_steps"], found["path_weights"]) == (2, 5, "one")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("candidate_dropout = linaer(start = 0.5)", "unknown-schedule.*did you mean `linear`"),
        ("candidate_dropout = linear(begin = 0.5)", "unknown-option"),
        ("candidate_dropout = linear(start = 2)", "bad-value"),
        ("dropped = everything", "unknown-word"),
        ("paths = 0", "bad-value"),
        ("path_weights = two", "unknown-word"),
        ("pathes = 2", "unknown-option.*did you mean `paths`"),
    ],
)
def test_mistakes_are_told(compiled: Compiled, options: str, message: str) -> None:
    with pytest.raises(NasError, match=message):
        strategy(compiled, options)


def test_they_reach_the_supernet(compiled: Compiled) -> None:
    text = compiled("warmup = 2 epochs", "candidate_dropout = linear, dropped = [conv], paths = 1, path_steps = 2")
    options = text.search().strategy.options
    space = text.open_space(text.search().space, (1, 16, 16))
    net = build_supernet(space.program)
    assert candidate_dropout(net, options)(0.5) == 0.15
    assert net.dropped == {net.architecture.slots["b", "conv"]}
    candidate_dropout(net, {**options, "dropped": None})
    assert net.dropped == {net.architecture.slots["b", "pool"]}
    with pytest.raises(NasError, match=r"not-a-candidate.*did you mean `conv`"):
        candidate_dropout(net, {**options, "dropped": ("covn",)})
    paths = sampled_paths(space, options, 0)
    assert paths is not None
    drawn = [paths.at(step)["b"] for step in range(40)]
    assert drawn[::2] == drawn[1::2]
    assert set(drawn) == {"conv", "pool"}
    assert drawn == [paths.at(step)["b"] for step in range(40)]
    assert sampled_paths(space, {}, 0) is None
