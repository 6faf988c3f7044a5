"""A search that is killed and resumed ends in the bytes of one that was not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.jobs.searching import Found, explore, prepare
from nascompile.jobs.training import Data
from nascompile.search.oneshot.bilevel import STATE
from nascompile.train.checkpoint import load_checkpoint

SCRIPT = Path(__file__).with_name("search_process.py")


def search(folder: Path, kill_after: int | None = None, text: str = "tiny.nas") -> str:
    """Run the search; kill the process when it reports step `kill_after`. Returns what it printed."""
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), text], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line.strip())
        if kill_after is not None and line.strip() == str(kill_after):
            process.kill()
            break
    process.stdout.close()
    process.wait()
    return "\n".join(printed)


def state_of(folder: Path) -> dict[str, object]:
    """The final state without the wall clock."""
    saved = load_checkpoint(folder / STATE)
    saved.pop("seconds")
    return {k: v for k, v in saved.items() if k != "weights" and k != "optimisers"}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert "finished True 10" in search(folder)
    return folder


def test_killed_twice_and_resumed_equals_uninterrupted(uninterrupted: Path, tmp_path: Path) -> None:
    assert "finished" not in search(tmp_path, kill_after=3)
    second = search(tmp_path, kill_after=7)
    assert "finished" not in second
    assert second.split()[0] in {"3", "4"}, "the second process did not continue where the first was killed"
    assert "finished True 10" in search(tmp_path)
    assert state_of(tmp_path) == state_of(uninterrupted)
    ours, theirs = load_file(tmp_path / STATE), load_file(uninterrupted / STATE)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert tensor.numpy().tobytes() == theirs[name].numpy().tobytes(), name


def test_sampled_parts_and_candidate_dropout_resume_in_the_middle_of_a_part(tmp_path: Path) -> None:
    """Parts last three steps; the search is killed within one."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert "finished True 10" in search(whole, text="sampled.nas")
    assert "finished" not in search(killed, kill_after=5, text="sampled.nas")
    assert "finished True 10" in search(killed, text="sampled.nas")
    ours, theirs = load_file(killed / STATE), load_file(whole / STATE)
    assert all(tensor.numpy().tobytes() == theirs[name].numpy().tobytes() for name, tensor in ours.items())
    assert state_of(killed) == state_of(whole)


def test_what_had_ended_is_read_at_the_temperature_at_which_it_ended(tmp_path: Path, demo: Path) -> None:
    """A kill after the last checkpoint, before the genotype is written."""
    given = SCRIPT.with_name("tiny.nas").read_text(encoding="utf-8").replace("10 steps", "2 steps")
    given = given.replace("warmup = 2 steps", "temperature = linear(start = 0.02)")
    text = Compilation.from_text(given, folder=demo)
    data = Data.of(text.task(), 0)

    def searched() -> Found:
        return explore(
            prepare(text, None, data, 0), data, tmp_path, digest="tiny", device=torch.device("cpu"), resume=True
        )  # fmt: skip

    first, again = searched(), searched()
    assert (first.outcome.step, again.outcome.step) == (2, 2)
    assert again.outcome.relaxed == first.outcome.relaxed


def test_history_records_genotypes(uninterrupted: Path) -> None:
    history = state_of(uninterrupted)["history"]
    assert isinstance(history, list) and history
    assert "down_sc.s[2] = [" in history[-1]["genotype"]


def test_checkpoint_of_another_spec_is_refused(uninterrupted: Path) -> None:
    with safe_open(str(uninterrupted / STATE), framework="pt") as file:
        assert file.metadata()
    with pytest.raises(NasError, match="checkpoint-of-another-spec"):
        load_checkpoint(uninterrupted / STATE, "another digest")
