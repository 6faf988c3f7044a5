"""Models in float16 and int8: smaller files that give nearly the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from nascompile.backends import onnx as exporter
from nascompile.backends.parity import fitted
from nascompile.backends.smaller import half, quantised
from nascompile.data.reader import open_image, to_array
from nascompile.diagnostics import NasError

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def model() -> exporter.OnnxModel:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.GroupNorm(4, 64)]
    return exporter.export(nn.Sequential(*layers, nn.ReLU(), nn.Conv2d(64, 2, 1)), (1, 32, 32), ["out"], {})


@pytest.fixture(scope="module")
def images(root: Path) -> list[torch.Tensor]:
    """Real images, at a legal size."""
    paths = sorted((root / "demo" / "nuclei" / "images").iterdir())[:3]
    raw = [torch.from_numpy(to_array(open_image(p)).astype(np.float32)) for p in paths]
    return fitted([(x - x.mean()) / x.std() for x in raw], (1, 32, 32), (0,), 1)


def difference(data: bytes, other: bytes, image: torch.Tensor) -> float:
    a, b = (exporter.session(d, 1).run(None, {"image": image.numpy()})[0] for d in (data, other))
    assert a.dtype == b.dtype == np.float32
    return float(np.abs(a - b).max() / np.abs(a).max())


def test_float16_halves_the_weights(model: exporter.OnnxModel, images: list[torch.Tensor]) -> None:
    data = half(model.data)
    assert len(data) < 0.65 * len(model.data)
    assert 0 < difference(model.data, data, images[0]) < 0.02


def test_float16_of_several_resizes_by_one_scale(images: list[torch.Tensor]) -> None:
    """They share the scale, which float16 models keep in float32: the converter then casts it once for each."""
    layers = [nn.Conv2d(1, 2, 3), nn.Upsample(scale_factor=2.0, mode="bilinear"), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Upsample(scale_factor=2.0, mode="bilinear"))
    model = exporter.export(network, (1, 32, 32), ["out"], {})
    assert difference(model.data, half(model.data), images[0]) < 0.02


def test_int8_quarters_them(model: exporter.OnnxModel, images: list[torch.Tensor]) -> None:
    data = quantised(model.data, images)
    assert len(data) < 0.45 * len(model.data)
    assert 0 < difference(model.data, data, images[0]) < 0.15


def test_int8_needs_images(model: exporter.OnnxModel) -> None:
    with pytest.raises(NasError) as failure:
        quantised(model.data, [])
    assert failure.value.diagnostics[0].code == "cannot-quantise"
