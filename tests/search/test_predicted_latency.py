"""Predicted latency as objective and condition of a search that tries genotypes: nothing is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nascompile import runs
from nascompile.backends.architecture import Architecture
from nascompile.compilation import Compilation
from nascompile.config.objectives import names_of, table_of
from nascompile.config.settings import from_argument
from nascompile.diagnostics import NasError
from nascompile.jobs.predicting import require_tables
from nascompile.jobs.sampling import Sampled, prepare_sampled, search_sampled
from nascompile.jobs.trials import measures_of
from nascompile.profile.latency_calibration import fitted
from nascompile.profile.latency_model import LatencyModel
from nascompile.profile.latency_samples import samples
from nascompile.profile.latency_table import write
from nascompile.runs import Run, read_json
from nascompile.search.oneshot.penalty import read_penalty

TEXT = """\
nas 1
import std.layers

ops choices(c) = small: conv(c, 3) -> relu | large: conv(c, 7) -> relu | pool: max_pool(3, stride = 1, padding = 1)
space tiny(x: image = [1, 16, 16]; classes = 3) {
  c = pick one of [8, 16, 32]
  a = x -> conv(c, 3)
  b = a -> pick one of choices(c)
  b -> conv(classes, 1)
}
task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
}
search s : tiny on cells {
  strategy = random
  budget   = 6 trials
  minimize latency("made.yaml"), -params
  where params > 100
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table of a made-up device, whose times are proportional to work."""
    folder = tmp_path_factory.mktemp("device")
    times = {one.kernel: 3.0 + one.kernel.macs / 2e4 + one.kernel.bytes / 1e4 for one in samples(150, 16, 4)}
    target = {"name": "made", "threads": 1, "batch": 1, "block": 16}
    write(folder / "made.yaml", fitted(times, target, {}, lambda text: None))
    return folder


def prepared(folder: Path, demo: Path, text: str = TEXT, *settings: str) -> Sampled:
    compiled = Compilation.from_text(text, "tiny.nas", folder, [from_argument(s) for s in settings])
    compiled = Compilation(compiled.source, folder, demo, compiled.settings)
    assert compiled.check() == []
    return prepare_sampled(compiled, None, compiled.task())


def searched(folder: Path, demo: Path, name: str, text: str = TEXT, *settings: str) -> Run:
    sampled = prepared(folder, demo, text, *settings)
    path = folder / "runs" / name
    run = Run(path) if path.exists() else runs.create(path.parent, name, note=None, record={})
    search_sampled(sampled, run, torch.device("cpu"), workers=0)
    return run


def test_trials_have_what_the_model_says_of_the_retrained_network(folder: Path, demo: Path) -> None:
    run = searched(folder, demo, "a")
    model = LatencyModel.from_file(folder / "made.yaml")
    sampled = prepared(folder, demo)
    front = read_json(run.path("front.json"))
    assert [g["name"] for g in front["objectives"]] == ['latency("made.yaml")', "-params"]
    assert len(front["front"]) >= 2
    for member in front["front"]:
        text = Compilation.from_text(f"{TEXT}{member['genotype']}\n")
        network = text.network(text.genotype(member["name"]))
        assert member["values"]['latency("made.yaml")'] == pytest.approx(model.predict(network).ms / 1e3, rel=1e-12)
    measures, broken = sampled.price(text.genotype(member["name"]))
    assert broken == 0
    assert measures['latency("made.yaml")'] == member["measures"]['latency("made.yaml")']


def test_a_slow_genotype_is_rejected_before_it_is_tried(folder: Path, demo: Path) -> None:
    sampled = prepared(folder, demo, TEXT.replace("  where params > 100\n", ""))
    spread = {}
    for c in (8, 16, 32):
        for b in ("small", "large", "pool"):
            genotype = sampled.space.genotype({"c": c, "b": b})
            spread[c, b] = sampled.price(genotype)[0]['latency("made.yaml")']
    assert spread[8, "pool"] < spread[8, "small"] < spread[8, "large"] < spread[32, "large"]
    limit = (spread[8, "large"] + spread[32, "large"]) / 2
    bounded = TEXT.replace("params > 100", f'latency("made.yaml") < {limit * 1e3:.6f} ms')
    assert prepared(folder, demo, bounded).price(sampled.space.genotype({"c": 32, "b": "large"}))[1] > 0
    run = searched(folder, demo, "bounded", bounded)
    found = read_json(run.path("trials.json"))["trials"]
    assert all(t["measures"]['latency("made.yaml")'] < limit for t in found if t["state"] == "complete")
    # What is cheaper to know breaks its condition first: no latency is predicted.
    both = bounded.replace("where ", "where params > 1M and ")
    compiled = Compilation.from_text(both, "tiny.nas", folder)
    measures, broken = prepare_sampled(compiled, None, compiled.task()).price(genotype)
    assert broken > 0 and 'latency("made.yaml")' not in measures


@pytest.mark.parametrize("cost", ['latency("made.yaml")', "peak_memory"])
def test_partial_order_prunes_by_any_cost_that_is_known_without_a_run(cost: str, folder: Path, demo: Path) -> None:
    text = TEXT.replace("strategy = random", f"strategy = partial_order(cost = {cost})")
    text = text.replace('minimize latency("made.yaml"), -params', "minimize -params\n  where params < 9000")
    run = searched(folder, demo, cost[:4], text)
    tried = read_json(run.path("trials.json"))["trials"]
    assert all(cost in t["measures"] for t in tried if t["state"] == "complete")
    sampled = prepared(folder, demo, text)
    every = [sampled.price(g) for g in sampled.space.enumerate()]
    assert any(cost not in measures for measures, _ in every) == cost.startswith("latency"), "of what is too large"


def test_a_table_of_a_penalty_lies_beside_the_text(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relaxed = TEXT[: TEXT.index("search s")].replace("  c = pick one of [8, 16, 32]\n", "  c = 8\n")
    relaxed += 'search r : tiny on cells {\n  budget = 1 epochs\n  penalty = 0.1 * expected(latency("made.yaml"))\n}\n'
    monkeypatch.chdir(tmp_path)
    compiled = Compilation.from_text(relaxed, "tiny.nas", folder)
    config = compiled.search()
    program = compiled.space().program
    require_tables(config, folder)
    assert config.penalty is not None
    assert read_penalty(config.penalty, program, Architecture(program.decisions, 0), folder)(0.0).item() > 0
    with pytest.raises(NasError) as failure:
        require_tables(config, tmp_path)
    (problem,) = failure.value.diagnostics
    assert problem.code == "unknown-target"
    assert problem.primary is not None and problem.primary.span.text == 'latency("made.yaml")'


def test_a_resumed_search_equals_a_whole_one_and_another_table_is_refused(folder: Path, demo: Path) -> None:
    whole = searched(folder, demo, "whole")
    searched(folder, demo, "part", TEXT, "budget=2 trials")
    part = searched(folder, demo, "part")
    for name in ("front.json", "trials.json", "metrics.csv", "genotype.nas"):
        assert part.path(name).read_bytes() == whole.path(name).read_bytes(), name
    table = folder / "made.yaml"
    before = table.read_text(encoding="utf-8")
    try:
        table.write_text(before.replace("start: ", "start: 1"), encoding="utf-8")
        with pytest.raises(NasError) as failure:
            searched(folder, demo, "whole")
    finally:
        table.write_text(before, encoding="utf-8")
    assert failure.value.diagnostics[0].code == "study-of-another-search"
    assert "tables" in failure.value.diagnostics[0].message


def test_tables_that_cannot_be_used_are_told_at_their_place(folder: Path, demo: Path) -> None:
    (folder / "broken.yaml").write_text("format: another\n", encoding="utf-8")
    text = TEXT.replace('latency("made.yaml")', 'latency("mad.yaml"), 2 * latency("broken.yaml")')
    with pytest.raises(NasError) as failure:
        prepared(folder, demo, text)
    first, second = failure.value.diagnostics
    assert (first.code, second.code) == ("unknown-target", "bad-latency-table")
    assert first.primary is not None and first.primary.span.text == 'latency("mad.yaml")'


def test_names_tell_what_is_predicted_from_what_is_measured(folder: Path, demo: Path) -> None:
    text = TEXT.replace('latency("made.yaml")', 'latency("made.yaml") + latency(torch.cpu)')
    sampled = prepared(folder, demo, text)
    names = list(names_of(sampled.goals[0].value))
    assert names == ['latency("made.yaml")', "latency(torch.cpu)"]
    assert [table_of(name) for name in names] == ["made.yaml", None]
    assert set(names) < set(measures_of(sampled.config, sampled.task))
    assert list(sampled.predictor.models) == ['latency("made.yaml")']
