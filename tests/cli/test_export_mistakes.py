"""What `export` refuses: layers of other packages where they cannot go. Nothing is written then."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from nascompile.backends import torch_layers

from .conftest import Command

TEXT = """\
nas 1
import std.layers

layer shift(scale = 1) extern "somebody.shift" {
  shape [ch, *s] -> [ch, *s]
  weight w [1]
}
ops choices(c) = near: conv(c, 3) | wide: conv(c, 3, dilation = 2)
space tiny(x: image = [1, 16, 16]; classes = 3) {
  s[0] = x -> conv(4, 3) -> shift(scale = 2)
  s[1] = sum(pick 1 of [s[0] via choices(4)])
  s[1] -> conv(classes, 1)
}
genotype near : tiny() { s[1] = [s[0] via near] }
task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
}
search first : tiny on cells {
  budget = 1 steps
  stage train { budget = 2 steps }
}
"""


class Shift(nn.Module):
    """What the package provides: torch can export it."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.rand(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.weight


class Moody(Shift):
    """It computes something else for each image, which no exported graph can do."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if float(x.sum()) > 0 else x


class Entry:
    def __init__(self, layer: type[nn.Module]) -> None:
        self.layer = layer

    def load(self) -> type[nn.Module]:
        return self.layer


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "text.nas"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("layer", "options", "code"),
    [
        (Shift, ["--python", "out.py"], "unsupported-layer"),
        (Shift, ["--onnx", "--out", "out.onnx"], None),
        (Shift, ["--pt2", "out.pt2"], None),
        (Moody, ["--onnx", "--out", "out.onnx"], "cannot-export"),
        (Moody, ["--pt2", "out.pt2"], "cannot-export"),
    ],
)
def test_a_layer_of_another_package(
    layer: type[nn.Module], options: list[str], code: str | None, nascompile: Command, spec: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(torch_layers, "extern_entry", lambda name: Entry(layer))
    done = nascompile("export", spec, "--genotype", "near", *options)
    if code is None:
        assert done.code == 0, done.err
        assert (tmp_path / options[-1]).is_file()
        return
    assert (done.code, f"error[{code}]" in done.err) == (1, True), done.err
    assert code != "unsupported-layer" or "text.nas:10:" in done.err
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".out*"))


def test_a_layer_of_a_package_that_is_not_there(nascompile: Command, spec: Path, tmp_path: Path) -> None:
    for options in (["--python", "out.py"], ["--onnx", "--out", "out.onnx"], ["--pt2", "out.pt2"]):
        done = nascompile("export", spec, "--genotype", "near", *options)
        assert (done.code, "missing-extern" in done.err) == (1, True), done.err
    assert not list(tmp_path.glob("out*"))


def test_a_bundle_cannot_hold_it(
    nascompile: Command, spec: Path, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_layers, "extern_entry", lambda name: Entry(Shift))
    done = nascompile("train", spec, "--genotype", "near", "--data", demo, "--name", "near")
    assert done.code == 0, done.err
    done = nascompile("export", "--run", "near", "--bundle", "out")
    assert (done.code, "unsupported-layer" in done.err) == (1, True), done.err
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".out*"))


def test_an_opset_that_torch_does_not_write_is_said(nascompile: Command, spec: Path, root: Path) -> None:
    text = root / "specs" / "genotypes" / "nas_unet.nas"
    options = ["--set", "depth=2", "--set", "c=8", "--input", "1x32x32", "--out", "n.onnx", "--external"]
    done = nascompile("export", text, "--genotype", "NASUNET", "--onnx", "--opset", "12", *options)
    assert done.code == 0, done.err
    assert "wrote n.onnx and n.weights" in done.out
    assert "does not go down to opset 12" in done.out
