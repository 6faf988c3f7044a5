"""Expected latency of a supernet: that of the genotype where the probabilities are certain, with a gradient."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nascompile.backends.architecture import Architecture
from nascompile.compilation import Compilation
from nascompile.profile.latency_calibration import fitted
from nascompile.profile.latency_expected import layer_milliseconds
from nascompile.profile.latency_model import LatencyModel
from nascompile.profile.latency_samples import samples
from nascompile.profile.latency_table import write
from nascompile.search.oneshot.penalty import read_penalty
from nascompile.semantics.penalties import check_penalty

TEXT = """\
nas 1
import std.layers
ops choices(c) = small: conv(c, 3) -> relu | large: conv(c, 7) -> relu | pool: max_pool(3, stride = 1, padding = 1)
space tiny(x: image = [1, 32, 32]; c = 16) {
  a = x -> conv(c, 3)
  b = a -> pick one of choices(c)
  d = b -> pick one of choices(c)
  d -> conv(2, 1)
}
task t {
  data    = pairs("d", image = "i/*.png", label = "l/*.png")
  split   = "splits.json"
  classes = [background, interior]
  patch   = [32, 32]
}
search s : tiny on t {
  budget  = 1 epochs
  penalty = expected(latency("TABLE"))
}
"""
"""No measurement: times are what a made-up device takes, proportional to work."""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    times = {}
    for one in samples(700, 16, 4):
        times[one.kernel] = 3.0 + one.kernel.macs / 2e4 + one.kernel.bytes / 1e4
    path = tmp_path_factory.mktemp("device") / "made.yaml"
    target = {"name": "made", "threads": 1, "batch": 1, "block": 16}
    write(path, fitted(times, target, {}, lambda text: None))
    return path


def test_a_certain_supernet_costs_what_its_genotype_does(table: Path) -> None:
    text = Compilation.from_text(TEXT)
    model = LatencyModel.from_file(table)
    space = text.space("tiny")
    costs = layer_milliseconds(space.program, model)
    for seed in range(4):
        genotype = space.sample(random.Random(seed))
        network = text.network(genotype, is_fixed=False)
        alone = layer_milliseconds(network, model)
        assert set(alone) <= set(costs)
        kept = sum(costs[path] for path in alone)
        assert kept == pytest.approx(sum(alone.values()), rel=0.25)


def test_the_penalty_prefers_what_is_faster(table: Path) -> None:
    text = Compilation.from_text(TEXT.replace("TABLE", str(table).replace("\\", "/")))
    program = text.space("tiny").program
    penalty = text.search("s").penalty
    assert penalty is not None and check_penalty(penalty, program) == []
    architecture = Architecture(program.decisions, 0)
    value = read_penalty(penalty, program, architecture)(0.0)
    value.backward()
    assert architecture.logits.grad is not None
    first, last = architecture.places["b"]
    by_label = dict(zip(program.decisions["b"].candidates, architecture.logits.grad[first:last].tolist(), strict=True))
    assert by_label["large"] > 0 > by_label["pool"]
    architecture.restrict({"b": "pool", "d": "pool"})
    cheap = read_penalty(penalty, program, architecture)(0.0).item()
    architecture.restrict({"b": "large", "d": "large"})
    assert cheap < read_penalty(penalty, program, architecture)(0.0).item()
