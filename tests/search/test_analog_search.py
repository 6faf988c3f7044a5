"""Metrics on analog tiles and predictions of surrogates as objectives and conditions of searches that try genotypes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from nascompile import runs
from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.diagnostics import NasError
from nascompile.files import write_text
from nascompile.jobs.sampling import Sampled, prepare_sampled, search_sampled
from nascompile.jobs.surrogates import compare, evaluated, fit_runs
from nascompile.jobs.trials import Assignment, Bench, Recipe
from nascompile.runs import Run, read_json
from nascompile.search.surrogate.file import write

TEXT = """\
nas 1
import std.layers

ops choices(c) = small: conv(c, 3) -> relu | large: conv(c, 7) -> relu | pool: max_pool(3, stride = 1, padding = 1)
space tiny(x: image = [1, 16, 16]; classes = 3) {
  c = pick one of [2, 4, 6, 8, 12, 16]
  a = x -> conv(c, 3)
  repeat n in 1 .. 3 as i {
    kind[i] = a -> pick one of choices(c)
    a = kind[i]
  }
  a -> conv(classes, 1)
}
task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
}
search s : tiny on cells {
  strategy = random
  budget   = 3 trials
  batch    = 2
  maximize analog_metric(after = 1 month)
  minimize analog_drop(after = 30 days), params
  stage trial {
    budget       = 2 steps
    programmings = 2
  }
}
search priced : tiny on cells {
  strategy = random
  budget   = 40 trials
  maximize macs / activations
}
"""
METRIC, DROP = "analog_metric(pcm, after = 1 month)", "analog_drop(pcm, after = 1 month)"

pytest.importorskip("lightgbm")
needs_aihwkit = pytest.mark.skipif(not __import__("importlib").util.find_spec("aihwkit"), reason="needs aihwkit")


def prepared(folder: Path, demo: Path, text: str, search: str = "s", *settings: str) -> Sampled:
    made = Compilation.from_text(text, "tiny.nas", folder, [from_argument(s) for s in settings])
    compiled = Compilation(made.source, folder, demo, made.settings)
    assert [d for d in compiled.check() if d.severity == "error"] == []
    return prepare_sampled(compiled, search, compiled.task(search=search))


def searched(
    folder: Path, demo: Path, name: str, text: str = TEXT, search: str = "s", *settings: str, workers: int = 0
) -> Run:
    sampled = prepared(folder, demo, text, search, *settings)
    path = folder / "runs" / name
    record = {"command": "search", "search": search, "data": str(demo), "digest": "", "spec": "tiny.nas"}
    run = Run(path) if path.exists() else runs.create(path.parent, name, note=None, record=record)
    write_text(run.path("spec.nas"), text)
    search_sampled(sampled, run, torch.device("cpu"), workers=workers)
    return run


def trials(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_json(run.path("trials.json"))["trials"]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("analog")


@pytest.fixture(scope="module")
def whole(folder: Path, demo: Path) -> Run:
    return searched(folder, demo, "whole")


@needs_aihwkit
def test_a_trial_is_measured_after_programming_and_drift(whole: Run, folder: Path, demo: Path) -> None:
    from nascompile.analog.device import load_device
    from nascompile.backends.analog.network import analog
    from nascompile.jobs.analog_evaluation import over_time, task_measure
    from nascompile.train.seed import derive

    found = trials(whole)
    assert [t["state"] for t in found] == ["complete"] * 3
    assert all({METRIC, DROP, "dice", "params"} <= set(t["measures"]) for t in found)
    sampled = prepared(folder, demo, TEXT)
    bench = Bench(Recipe.of(sampled.text, "s", "cpu", folder / "scratch"))
    trial = found[1]
    values = evaluated(whole).trials[1].genotype.values
    network, program, scores = bench.scored(Assignment(1, values, trial["seed"], {}), ["dice"])
    assert scores["dice"] == trial["measures"]["dice"], "the same training again"
    tiles = analog(network, program, load_device("pcm"))
    measure = task_measure(bench.task, bench.data.val, torch.device("cpu"))
    mean = over_time(tiles, measure, [2592000.0, 1.0], 2, derive(trial["seed"], 8)).mean
    assert trial["measures"][METRIC] == mean[2592000.0]
    assert trial["measures"][DROP] == mean[1.0] - mean[2592000.0]
    assert len({t["measures"][METRIC] for t in found}) == 3


@needs_aihwkit
def test_a_resumed_search_equals_a_whole_one(whole: Run, folder: Path, demo: Path) -> None:
    searched(folder, demo, "part", TEXT, "s", "budget=1 trials")
    part = searched(folder, demo, "part")
    for name in ("front.json", "trials.json"):
        assert part.path(name).read_bytes() == whole.path(name).read_bytes(), name


@needs_aihwkit
@pytest.mark.slow
def test_a_search_with_workers_equals_one_without(whole: Run, folder: Path, demo: Path) -> None:
    apart = searched(folder, demo, "workers", workers=2)
    assert trials(apart) == trials(whole)


@needs_aihwkit
def test_a_poor_digital_metric_ends_a_trial_before_it_is_programmed(folder: Path, demo: Path) -> None:
    text = TEXT.replace("  stage trial {\n", "  where dice > 0.99\n  stage trial {\n", 1)
    with pytest.raises(NasError, match="no-trial-succeeded"):
        searched(folder, demo, "poor", text)
    found = evaluated_states(folder / "runs" / "poor")
    assert found and all(state == "PRUNED" and METRIC not in measures for state, measures in found)


def evaluated_states(folder: Path) -> list[tuple[str, dict[str, float]]]:
    import optuna

    study = optuna.load_study(study_name=None, storage=f"sqlite:///{folder / 'study.db'}")
    return [(t.state.name, t.user_attrs["measures"]) for t in study.trials]


@needs_aihwkit
def test_a_device_file_is_found_beside_the_text_and_another_one_is_another_study(
    whole: Run, folder: Path, demo: Path
) -> None:
    shipped = Path(__file__).parents[2] / "specs" / "analog" / "pcm.yaml"
    shutil.copy(shipped, folder / "mine.yaml")
    text = TEXT.replace("(after", '("mine.yaml", after')
    run = searched(folder, demo, "mine", text, "s", "budget=1 trials")
    assert (
        trials(run)[0]["measures"]['analog_metric("mine.yaml", after = 1 month)']
        == trials(whole)[0]["measures"][METRIC]
    )
    (folder / "mine.yaml").write_text(shipped.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    with pytest.raises(NasError, match=r"study-of-another-search.*analog devices"):
        searched(folder, demo, "mine", text)
    with pytest.raises(NasError) as failure:
        prepared(folder, demo, TEXT.replace("(after", '("theirs.yaml", after'))
    assert {d.code for d in failure.value.diagnostics} == {"missing-file"}
    assert failure.value.diagnostics[0].primary is not None
    assert "theirs.yaml" in failure.value.diagnostics[0].primary.span.text


@pytest.fixture(scope="module")
def priced(folder: Path, demo: Path) -> Run:
    """Forty nets whose target is known without training."""
    return searched(folder, demo, "priced", TEXT, "priced")


@pytest.fixture(scope="module")
def surrogate(folder: Path, priced: Run) -> Path:
    path = folder / "ratio.json"
    write(path, fit_runs([evaluated(priced)], "macs / activations"))
    return path


PREDICTED = TEXT.replace("maximize macs / activations", 'maximize predicted("ratio.json")')


def test_predictions_are_objectives_without_training(folder: Path, demo: Path, surrogate: Path, priced: Run) -> None:
    run = searched(folder, demo, "predicted", PREDICTED, "priced", "budget=8 trials", "seed=3")
    sampled = prepared(folder, demo, PREDICTED, "priced")
    found = trials(run)
    assert [t["state"] for t in found] == ["complete"] * 8
    made = sampled.forecaster.surrogates["ratio.json"]
    real = [t["measures"]["macs"] / t["measures"]["activations"] for t in found]
    assert [t["values"]['predicted("ratio.json")'] for t in found] == pytest.approx(real, rel=0.5)
    assert made.target == "macs / activations"
    assert len(set(real)) > 3


def test_predictions_reject_before_training(folder: Path, demo: Path, surrogate: Path) -> None:
    sampled = prepared(folder, demo, PREDICTED, "priced")
    said = sorted(sampled.price(g)[0]['predicted("ratio.json")'] for g in sampled.space.enumerate(60))
    limit = said[20]
    text = PREDICTED.replace(
        "  maximize predicted",
        f'  where predicted("ratio.json") < {limit} and macs > 1\n  minimize params\n  maximize predicted',
    )
    bounded = prepared(folder, demo, text, "priced")
    states = [bounded.price(g)[1] > 0 for g in bounded.space.enumerate(60)]
    assert True in states and False in states
    found = trials(searched(folder, demo, "bounded", text, "priced", "budget=8 trials"))
    assert all(t["measures"]['predicted("ratio.json")'] < limit for t in found if t["state"] == "complete")
    dear = prepared(folder, demo, text.replace("macs > 1", "macs > 9M"), "priced")
    assert 'predicted("ratio.json")' not in dear.price(next(iter(dear.space.enumerate(1))))[0], "cheaper measures first"


def test_uncertainty_and_novelty_are_measures_too(folder: Path, demo: Path, surrogate: Path) -> None:
    text = PREDICTED.replace(
        "  maximize predicted",
        '  where novelty("ratio.json") < 2\n  minimize uncertainty("ratio.json")\n  maximize predicted',
    )
    run = searched(folder, demo, "novel", text, "priced", "budget=4 trials")
    for trial in trials(run):
        assert 0 <= trial["measures"]['novelty("ratio.json")'] < 2
        assert trial["values"]['uncertainty("ratio.json")'] > 0


def test_another_file_is_another_study(folder: Path, demo: Path, surrogate: Path) -> None:
    searched(folder, demo, "file", PREDICTED, "priced", "budget=2 trials")
    before = surrogate.read_text(encoding="utf-8")
    data = json.loads(before)
    data["uncertainty"]["factor"] *= 2
    try:
        surrogate.write_text(json.dumps(data), encoding="utf-8")
        with pytest.raises(NasError, match=r"study-of-another-search.*surrogates"):
            searched(folder, demo, "file", PREDICTED, "priced", "budget=4 trials")
    finally:
        surrogate.write_text(before, encoding="utf-8")


def test_a_file_that_cannot_be_used_is_told_at_its_place(folder: Path, demo: Path, surrogate: Path) -> None:
    with pytest.raises(NasError) as failure:
        prepared(folder, demo, PREDICTED.replace("ratio.json", "ration.json"), "priced")
    (problem,) = failure.value.diagnostics
    assert problem.code == "missing-file"
    assert problem.primary is not None and problem.primary.span.text == 'predicted("ration.json")'
    other = PREDICTED.replace("large: conv(c, 7) -> relu", "huge: conv(c, 9) -> relu")
    with pytest.raises(NasError, match=r"surrogate-of-another-space.*kind\[0\] == large"):
        prepared(folder, demo, other, "priced")
    resized = prepared(folder, demo, PREDICTED.replace("conv(c, 7)", "conv(c, 9)"), "priced")
    assert [d.severity for d in resized.forecaster.warnings] == ["warning"]


def test_a_surrogate_is_fitted_to_runs_and_tested_on_others(
    folder: Path, demo: Path, surrogate: Path, priced: Run
) -> None:
    others = evaluated(searched(folder, demo, "others", TEXT, "priced", "budget=20 trials", "seed=9"))
    made = fit_runs([evaluated(priced)], "macs / activations")
    found = compare(made, [others])
    assert found.agreement.spearman > 0.7
    assert found.agreement.nets + found.repeated == 20
    assert found.problems == ()
    with pytest.raises(NasError, match="unknown-measure"):
        fit_runs([others], "mack / params")
    with pytest.raises(NasError, match=r"too-few-nets.*0 different nets have `dice`"):
        fit_runs([others], "dice")


def test_the_commands_fit_show_and_test(folder: Path, demo: Path, priced: Run, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from nascompile.cli.app import app

    def said(*words: object) -> str:
        result = CliRunner().invoke(app, ["surrogate", *map(str, words)])
        return f"{result.exit_code} {result.output}"

    out = tmp_path / "made" / "s.json"
    root = ("--runs", folder / "runs")
    made = said("fit", "priced", *root, "--target", "macs / activations", "--out", out)
    assert made.startswith("0 ") and "Spearman" in made and "Kendall" in made and str(out) in made.replace("\n", "")
    shown = said("show", out)
    assert "macs / activations" in shown and "tiny" in shown and "40" in shown
    assert said("fit", "priced", *root, "--target", "dyce", "--out", out).startswith("1 error[unknown-measure]")
    again = said("test", out, "priced", *root)
    assert again.startswith("1 error[too-few-nets]"), "all of its nets were fitted"
    assert said("show", tmp_path / "none.json").startswith("1 error[missing-file]")
    made = said("fit", "priced", "--runs", tmp_path, "--target", "macs", "--out", out)
    assert made.startswith("1 error[unknown-run]")
