"""Overrides: where they go, and that their mistakes are told with spans of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument, from_yaml
from nascompile.diagnostics import NasError
from nascompile.train.budget import Budget

Compiled = Callable[..., Compilation]


def test_a_setting_goes_to_the_search_the_space_or_the_task(compiled: Compiled) -> None:
    text = compiled("", "", "budget=3 epochs", "c=8", "patch=[16, 16]", "train.budget=9 steps", "weights.lr=0.5")
    search = text.search()
    assert search.budget == Budget(3, "epochs")
    assert search.space.arguments["c"] == 8
    assert text.task().patch == (16, 16)
    assert search.train.budget == Budget(9, "steps")
    assert search.weights.options["lr"] == 0.5
    assert search.weights.schedule.name == "cosine"  # what was not set stays


def test_a_dot_goes_into_nested_options(compiled: Compiled) -> None:
    search = compiled("", "", "weights.schedule.min=0.01", "strategy.warmup=7 epochs").search()
    assert search.weights.schedule.options["min"] == 0.01
    assert search.strategy.options["warmup"] == Budget(7, "epochs")


def test_a_prefix_says_where_to_look(compiled: Compiled) -> None:
    text = compiled("", "", 'task.split="other.json"', "search.split=0.7")
    assert text.search().split == 0.7
    assert text.task().split.path == "other.json"  # type: ignore[union-attr]


def test_settings_change_the_digest_and_comments_do_not(compiled: Compiled) -> None:
    assert compiled().digest_of() != compiled("", "", "budget=3 epochs").digest_of()
    assert compiled().digest_of() == compiled("patch   =", "# smaller\n  patch =").digest_of()
    assert compiled("", "", "budget=20 epochs").digest_of() == compiled().digest_of()


@pytest.mark.parametrize(
    ("setting", "code", "caret", "hint"),
    [
        ("bugdet=3 epochs", "unknown-setting", "bugdet", "did you mean `budget`?"),
        ("weights.lrr=1", "unknown-option", "weights.lrr", "did you mean `lr`?"),
        ("budget=3", "missing-unit", "3", "20 epochs"),
        ("budget=3 +", "", "", ""),
        ("patch=[0]", "bad-value", "[0]", ""),
        ("space.d=1", "unknown-setting", "space.d", ""),
        ("mode=cubic", "unknown-word", "cubic", ""),
    ],
)
def test_a_wrong_setting_is_told_where_it_was_written(
    compiled: Compiled, setting: str, code: str, caret: str, hint: str
) -> None:
    with pytest.raises(NasError) as failure:
        text = compiled("", "", setting)
        text.search()
        text.task()
    diagnostic = failure.value.diagnostics[0]
    assert diagnostic.primary is not None
    assert diagnostic.primary.span.source.name == "--set"
    if code:
        assert (diagnostic.code, diagnostic.primary.span.text) == (code, caret)
        assert hint in (diagnostic.hint or "")


@pytest.mark.parametrize("text", ["budget", "=3", "budget=", "1a=3", "a b=3"])
def test_what_sets_nothing_is_told(text: str) -> None:
    with pytest.raises(NasError) as failure:
        from_argument(text)
    assert failure.value.diagnostics[0].code == "bad-setting"


def test_a_yaml_file_sets_the_same_things(compiled: Compiled, tmp_path: Path, demo: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "budget: 3 epochs\nweights:\n  lr: 0.5\nspace.c: 8\npatch: [16, 16]\nloss: 'ce(main)'\n", encoding="utf-8"
    )
    settings = from_yaml(path)
    assert [s.name for s in settings] == ["budget", "weights.lr", "space.c", "patch", "loss"]
    text = Compilation(compiled().source, demo, demo, tuple(settings))
    assert text.search().budget == Budget(3, "epochs")
    assert text.search().loss[0].choice.name == "ce"
    assert text.task().patch == (16, 16)


@pytest.mark.parametrize(
    ("yaml", "code", "line"),
    [
        ("batch: 4\nbugdet: 3 epochs\n", "unknown-setting", 2),
        ("batch: 4\nbudget: 3\n", "missing-unit", 2),
        ("batch: 4\nloss: [a\nc: 2\n", "bad-run-file", 3),
        ("- 1\n", "bad-run-file", 1),
    ],
)
def test_a_wrong_line_of_yaml_is_named(
    compiled: Compiled, tmp_path: Path, demo: Path, yaml: str, code: str, line: int
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(yaml, encoding="utf-8")
    with pytest.raises(NasError) as failure:
        Compilation(compiled().source, demo, demo, tuple(from_yaml(path))).search()
    diagnostic = failure.value.diagnostics[0]
    assert diagnostic.primary is not None
    assert (diagnostic.code, diagnostic.primary.span.line) == (code, line)
    assert diagnostic.primary.span.source.name == str(path)


def test_a_missing_run_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NasError) as failure:
        from_yaml(tmp_path / "none.yaml")
    assert failure.value.diagnostics[0].code == "missing-file"


@pytest.mark.parametrize(("setting", "value"), [("weights.lr=-1", "-1"), ("weights.lr=fast", "fast")])
def test_a_nested_option_is_quoted_as_it_was_set(compiled: Compiled, setting: str, value: str) -> None:
    (problem,) = [d for d in compiled("", "", setting).check() if d.code == "bad-option"]
    assert problem.message == f"`lr` of the optimiser `sgd` cannot be `{value}`"


def test_a_file_of_cases_for_the_share_of_a_search_is_told_where_it_belongs(compiled: Compiled) -> None:
    (problem,) = compiled("", "", 'split="splits.json"').check()
    assert problem.code == "bad-value"
    assert "`task.split`" in (problem.hint or "")
    assert compiled("", "", 'task.split="splits.json"').check() == []


def test_a_text_without_quotes_is_told_how_a_shell_wants_them(compiled: Compiled) -> None:
    found = [d for d in compiled("", "", "analog.device=mine.yaml").check() if d.code == "bad-value"]
    assert [d.hint for d in found] == ["write it in quotes, and those in others: `--set 'analog.device=\"mine.yaml\"'`"]
