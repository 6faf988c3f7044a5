"""`nascompile export --analog`: a folder that stands for itself, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from nascompile.analog.device import load_device
from nascompile.cli.app import app
from nascompile.compilation import Compilation

pytest.importorskip("aihwkit", reason="make analog installs it")
from nascompile.backends.analog.network import analog
from nascompile.backends.analog.state import put_state, read_state
from nascompile.backends.pytorch import build

TEXT = """nas 1
import std.layers
space net(x: image = [2, 16, 16]) {
  x -> conv(6, 3) -> batch_norm -> relu -> conv(6, 3, groups = 6) -> conv_transpose(2, 2, stride = 2, bias = true)
}
"""


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "net.nas"
    path.write_text(TEXT, encoding="utf-8")
    return path


def export(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["export", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_folder_holds_all_that_a_chip_needs(text: Path, tmp_path: Path) -> None:
    folder = tmp_path / "chip"
    code, output = export(text, "--analog", "--device", "reram", "--out", folder, "--onnx")
    assert code == 0, output
    assert "3 layers as CSV" in output and "matrix" in output and "overlap-add" in output
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert [f for f in files if not f.startswith("conductances/")] == [
        "device.yaml", "layers.json", "model.onnx", "state.safetensors"
    ]  # fmt: skip
    device = load_device("device.yaml", folder)
    assert device == load_device("reram")
    layers = json.loads((folder / "layers.json").read_text(encoding="utf-8"))
    assert layers["share_on_tiles"] == 1.0 and len(layers["layers"]) == 3
    assert {f"conductances/{row['path']}.csv" for row in layers["layers"]} < set(files)
    made = Compilation.from_path(text)
    program = made.program(made.call("net"), binding={}, is_fixed=True)
    on_tiles = analog(build(program, seed=5), program, device)
    put_state(read_state(folder / "state.safetensors"), on_tiles)
    expected = build(program).state_dict()
    assert all(torch.equal(v, expected[n]) for n, v in load_file(folder / "state.safetensors").items())
    code, output = export(text, "--analog", "--device", folder / "device.yaml", "--out", folder)
    assert code == 0 and not (folder / "model.onnx").exists(), "an earlier folder is replaced as a whole"


def test_other_folders_are_left_alone(text: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    code, output = export(text, "--analog", "--out", tmp_path / "mine")
    assert code != 0 and "not-an-analog-export" in output
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--analog", "--device", "pmc"], "unknown-device"),
        (["--analog", "--tiles", "fpga"], "unknown-tiles"),
        (["--analog", "--device", "none.yaml"], "missing-file"),
        ([], "missing-format"),
    ],
)
def test_mistakes(text: Path, tmp_path: Path, options: list[str], code: str) -> None:
    status, output = export(text, *options, "--out", tmp_path / "chip")
    assert status != 0 and code in output
    assert not (tmp_path / "chip").exists()
