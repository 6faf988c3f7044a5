"""Checkpoints hold what they were given, byte for byte, and never half of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nascompile.diagnostics import NasError
from nascompile.train.checkpoint import load_checkpoint, save_checkpoint


def optimiser_state() -> dict[str, Any]:
    layer = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return optimiser.state_dict()


def test_optimiser_state_comes_back(tmp_path: Path) -> None:
    state = {"optimiser": optimiser_state(), "history": [{"loss": 0.1 + 0.2}], "best": None, "pair": (1, 2.5)}
    save_checkpoint(tmp_path / "a", state, "digest")
    found = load_checkpoint(tmp_path / "a", "digest")
    assert found["history"] == state["history"] and found["best"] is None and found["pair"] == (1, 2.5)
    assert found["optimiser"]["param_groups"] == state["optimiser"]["param_groups"]
    for key, entry in state["optimiser"]["state"].items():
        assert all(torch.equal(found["optimiser"]["state"][key][name], value) for name, value in entry.items())


def test_every_type_of_tensor_and_tied_weights(tmp_path: Path) -> None:
    types = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)
    state: dict[str, Any] = {str(t): torch.arange(6).reshape(2, 3).T.to(t) for t in types}
    state |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)}
    state["tied"] = state["torch.float32"]
    save_checkpoint(tmp_path / "a", state, "")
    found = load_checkpoint(tmp_path / "a")
    assert all(torch.equal(found[k], v) and found[k].dtype == v.dtype for k, v in state.items())


trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(trees)
@settings(max_examples=60, deadline=None)
def test_plain_data_round_trip(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    path = tmp_path_factory.mktemp("tree") / "a"
    save_checkpoint(path, {"tree": tree}, "d")
    first = path.read_bytes()
    found = load_checkpoint(path)["tree"]
    assert repr(found) == repr(tree)  # repr tells 1 from True and shows NaN
    save_checkpoint(path, {"tree": found}, "d")
    assert path.read_bytes() == first


def test_another_spec(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a", {"step": 1}, "a" * 64)
    with pytest.raises(NasError, match=r"checkpoint-of-another-spec.*aaaaaaaaaaaa, not bbbbbbbbbbbb"):
        load_checkpoint(tmp_path / "a", "b" * 64)


def test_damaged_foreign_and_missing_files(tmp_path: Path) -> None:
    path = tmp_path / "a"
    save_checkpoint(path, {"w": torch.ones(100)}, "")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(NasError, match="unreadable-checkpoint"):
        load_checkpoint(path)
    path.write_bytes(b"\x80\x04}q.")  # a pickle is data like any other: refused, never run
    with pytest.raises(NasError, match="unreadable-checkpoint"):
        load_checkpoint(path)
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2)}, path)
    with pytest.raises(NasError, match="no checkpoint of nascompile"):
        load_checkpoint(path)
    with pytest.raises(NasError, match="missing-file"):
        load_checkpoint(tmp_path / "b")


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EACCES, "cannot-write")])
def test_full_disk_leaves_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    path = tmp_path / "a"
    save_checkpoint(path, {"step": 1}, "")

    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(NasError, match=code):
        save_checkpoint(path, {"step": 2}, "")
    monkeypatch.undo()
    assert load_checkpoint(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    save_checkpoint(path, {"step": 1}, "")

    def die(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"step": 2}, "")
    monkeypatch.undo()
    assert load_checkpoint(path)["step"] == 1
    save_checkpoint(path, {"step": 3}, "")  # what was left behind is taken over
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_objects_are_a_misuse(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"a checkpoint cannot hold \w*Path \(at /folder\)"):
        save_checkpoint(tmp_path / "a", {"folder": tmp_path}, "")
    assert not list(tmp_path.iterdir())
