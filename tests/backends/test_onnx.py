"""ONNX export: it agrees with torch on sizes it was not traced with, and leaves no half-written file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from nascompile.backends import onnx as exporter
from nascompile.backends.pytorch import build
from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def network(root: Path) -> nn.Module:
    """A published NAS-Unet genotype, narrow and shallow."""
    text = Compilation.from_path(root / "specs" / "nas_unet.nas", input=(1, 32, 32))
    return build(text.network(text.genotype("NASUNET"), arguments={"depth": 2, "classes": 3}), seed=3)


def test_a_searched_network_keeps_free_axes_and_agrees(network: nn.Module) -> None:
    model = exporter.export(network, (1, 32, 32), ["main"], {"genotype": "text"})
    assert model.dynamic == (0, 2, 3)
    assert [a.shape for a in model.agreements] == [(1, 1, 32, 32), (3, 1, 32, 32), (1, 1, 64, 32), (1, 1, 32, 64)]
    run = exporter.session(model.data)
    image = torch.randn(2, 1, 48, 80, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = network.eval()(image)
    (found,) = run.run(None, {"image": image.numpy()})
    assert float((wanted - torch.from_numpy(found)).abs().max()) <= 1e-4 * float(wanted.abs().max())


def test_a_model_that_disagrees_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1))
    other = exporter.export(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)), (1, 8, 8), ["out"], {}).data
    original = exporter.session
    monkeypatch.setattr(exporter, "session", lambda data: original(other))
    with pytest.raises(NasError) as failure:
        exporter.export(network, (1, 8, 8), ["out"], {})
    assert failure.value.diagnostics[0].code == "onnx-disagrees"


class Branching(nn.Module):
    """No network of ours: what torch cannot trace."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if float(x.sum()) > 0 else -x


def test_what_torch_cannot_export_is_a_diagnostic() -> None:
    with pytest.raises(NasError) as failure:
        exporter.export(Branching(), (1, 8, 8), ["out"], {})
    assert failure.value.diagnostics[0].code == "cannot-export"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "model.onnx"
    exporter.write(path, exporter.OnnxModel(b"first", (), ()))
    exporter.write(path, exporter.OnnxModel(b"second", (), ()))
    assert path.read_bytes() == b"second"
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(NasError) as failure:
        exporter.session(b"")
    assert "pip install nascompile[onnx]" in (failure.value.diagnostics[0].hint or "")
