"""The margin of the angular loss grows with the steps of a search and of a training, and goes on where one resumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from nascompile.backends.pytorch import build
from nascompile.compilation import Compilation
from nascompile.data.dataset import halves
from nascompile.jobs.losses import output_loss
from nascompile.jobs.searching import prepare
from nascompile.jobs.training import Data, train_config
from nascompile.search.oneshot.bilevel import STATE, run_bilevel
from nascompile.space.decode import decode
from nascompile.train.loop import LAST, fit
from nascompile.train.losses import angular, margin_share
from nascompile.train.step import loss_at

HERE = Path(__file__).parent
CPU = torch.device("cpu")


class StopError(Exception):
    """Ends a run in the middle."""


@lru_cache
def text() -> Compilation:
    return Compilation.from_path(HERE / "margin.nas", HERE.parents[1] / "demo")


@lru_cache
def nodules() -> Data:
    return Data.of(text().task("lidc"), 0)


def stopping(at: int | None) -> Any:
    def report(done: float, numbers: Mapping[str, float]) -> None:
        if numbers["step"] == at:
            raise StopError

    return report


def search(folder: Path, stop: int | None = None, annealed: bool = True) -> None:
    folder.mkdir(exist_ok=True)
    prepared = prepare(text(), None, nodules(), 0)
    settings = replace(prepared.settings, save_seconds=0.0)
    if not annealed:
        settings = replace(settings, loss=loss_at(settings.loss, 0))
        settings = replace(settings, loss=lambda found, target: prepared.settings.loss(found, target))
    weights, architecture = halves(nodules().train, 0, 0.5)
    run_bilevel(
        prepared.supernet, nodules().task, weights, architecture, None, settings, folder, digest="margin", device=CPU,
        decode=lambda relaxed: decode(prepared.space, relaxed).to_text("found", header=False), report=stopping(stop),
    )  # fmt: skip


def train(folder: Path, stop: int | None = None) -> None:
    folder.mkdir(exist_ok=True)
    space = text().open_space(text().search().space, (1, 32, 32, 32))
    network = build(text().network(space.unrank(0), (1, 32, 32, 32)))
    config = replace(train_config(text().search().train, network.output_names, 0), save_seconds=0.0)
    data = nodules()
    fit(network, data.task, data.train, data.val, config, folder, digest="margin", device=CPU, report=stopping(stop))


@pytest.mark.parametrize(("run", "name"), [(search, STATE), (train, LAST)])
def test_a_resumed_run_ends_in_the_bytes_of_a_whole_one(run: Any, name: str, tmp_path: Path) -> None:
    run(tmp_path / "whole")
    with pytest.raises(StopError):
        run(tmp_path / "torn", 4)
    run(tmp_path / "torn")
    ours, theirs = load_file(tmp_path / "torn" / name), load_file(tmp_path / "whole" / name)
    assert ours.keys() == theirs.keys()
    assert all(ours[key].numpy().tobytes() == theirs[key].numpy().tobytes() for key in ours)


def test_the_share_of_a_step_is_the_published_one() -> None:
    terms = text().search().loss
    loss = output_loss(terms, ("logits[0]", "logits[1]"))
    generator = torch.Generator().manual_seed(0)
    pair, target = torch.randn(2, 4, 2, generator=generator).unbind(0), torch.tensor([0, 1, 1, 0])
    values = []
    for step in (0, 3, 100):
        expected = angular(*pair, target, share=margin_share(step + 1, 5, 100, 1))
        values.append(float(loss_at(loss, step)(pair, target)))
        assert values[-1] == float(expected)
    assert len(set(values)) == 3


def test_a_search_without_growth_ends_elsewhere(tmp_path: Path) -> None:
    """The test above would also hold for a margin that stays."""
    search(tmp_path / "grown")
    search(tmp_path / "same", annealed=False)
    ours, theirs = load_file(tmp_path / "grown" / STATE), load_file(tmp_path / "same" / STATE)
    assert any(not torch.equal(ours[key], theirs[key]) for key in ours if "weights" in key)
