"""The gate before an ONNX file: measured by torch's own rounding, on several sizes and on real images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from nascompile.backends import onnx as exporter
from nascompile.backends.parity import Agreement, compare, disagreement, fitted
from nascompile.backends.pytorch import build
from nascompile.backends.steady_layers import with_steady_layers
from nascompile.data.reader import open_image, to_array
from nascompile.diagnostics import NasError
from nascompile.jobs.sizes import smallest_unit
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source

pytest.importorskip("onnxruntime")


class Shifted:
    """A session that adds something to what torch gives."""

    def __init__(self, network: nn.Module, shift: float):
        self.network, self.shift = network, shift

    def run(self, names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        with torch.no_grad():
            return [(self.network(torch.from_numpy(inputs["image"])) + self.shift).numpy()]


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 3, padding=1)).eval()


def agreements(network: nn.Module, shift: float) -> tuple[Agreement, ...]:
    return compare(network, Shifted(network, shift), "image", [(1, 1, 16, 16)])


def test_a_difference_beyond_rounding_is_found(network: nn.Module) -> None:
    assert disagreement(agreements(network, 0.0)) is None
    assert disagreement(agreements(network, 1e-5)) is not None


@pytest.mark.parametrize(
    "norm", [nn.GroupNorm(4, 8), nn.GroupNorm(2, 8, affine=False), nn.InstanceNorm2d(8, affine=True)]
)
def test_steady_norms_are_the_same_norms(norm: nn.Module) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 8, 3), norm).double().eval()
    for weight in network.parameters():
        nn.init.normal_(weight)
    image = torch.randn(2, 1, 20, 12, dtype=torch.double)
    changed = with_steady_layers(network, image)
    assert changed is not None
    assert (changed(image) - network(image)).abs().max() < 1e-12
    assert with_steady_layers(network, image, least=10_000) is None
    assert with_steady_layers(network[0], image) is None


@pytest.mark.parametrize("bias", [True, False])
def test_steady_linear_layers_are_the_same_layers(bias: bool) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5, bias)).double()
    image = torch.randn(3, 1, 20, 12, dtype=torch.double)
    changed = with_steady_layers(network, image)
    assert changed is not None
    assert (changed(image) - network(image)).abs().max() < 1e-12
    assert with_steady_layers(network, image, least=8) is None


def test_linear_layers_without_outputs_stay() -> None:
    network = nn.Sequential(nn.Linear(8, 0), nn.Linear(0, 8))
    assert with_steady_layers(network, torch.zeros(1, 8)) is None


@pytest.mark.parametrize("corners", ["true", "false"])
@pytest.mark.parametrize(("to", "sizes"), [("2", (7, 12)), ("[8, 13]", (7, 12)), ("[1, 4]", (6, 3))])
def test_steady_resizes_are_the_same_resizes(to: str, sizes: tuple[int, int], corners: str) -> None:
    resized(f"interpolate({to}, linear, align_corners = {corners})", sizes)


def test_resizes_by_parts_of_a_size_are_steady_where_corners_are_aligned() -> None:
    resized("interpolate(1 / 2, linear, align_corners = true)", (9, 12))
    with pytest.raises(AssertionError, match="nothing"):
        resized("interpolate(1 / 2, linear)", (9, 12))


def resized(layer: str, sizes: tuple[int, int]) -> None:
    """Check that a network with a resize and its steady copy are equal."""
    text = f"nas 1\nimport std.layers\nspace s(x: image = [1, 8, 8]) {{ x -> conv(2, 1) -> {layer} }}\n"
    network = build(elaborate(load(Source("s.nas", text), Path()), Request("s", {}, (1, *sizes)))).double().eval()
    changed = with_steady_layers(network, torch.zeros(1, 1, *sizes, dtype=torch.double))
    assert changed is not None, "nothing to change"
    image = torch.randn(2, 1, *sizes, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    assert changed(image).shape == network(image).shape
    assert (changed(image) - network(image)).abs().max() < 1e-12


def test_a_long_product_that_loses_digits_is_taken_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 512, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
    nn.init.normal_(network[-1].weight)  # type: ignore[arg-type]
    assert disagreement(exporter.export(network, (1, 8, 8), ["out"], {}).agreements) is None
    monkeypatch.setattr(exporter, "with_steady_layers", lambda network, image, least: None)
    with pytest.raises(NasError):
        exporter.export(network, (1, 8, 8), ["out"], {})


class Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2).mean(2)


def test_maps_of_a_single_position_do_not_fix_the_sizes() -> None:
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(1, 4, 3, 2, 1),
        nn.Conv2d(4, 8, 3, 2, 1),
        nn.Hardswish(),
        Mean(),
        nn.Linear(8, 8),
        nn.Hardsigmoid(),
    ]
    network = nn.Sequential(*layers)
    assert exporter.export(network, (1, 4, 4), ["out"], {}).dynamic == (0, 2, 3)


def test_a_model_that_the_runtime_refuses_is_no_traceback(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(exporter, "compare", refuse)
    with pytest.raises(NasError) as failure:
        exporter.export(network, (1, 16, 16), ["out"], {})
    assert failure.value.diagnostics[0].code == "onnx-disagrees"
    assert "no such kernel" in failure.value.diagnostics[0].message


def test_sizes_are_fixed_where_a_layer_needs_their_product() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(8, stride=1), nn.Flatten(), nn.Linear(2 * 7 * 7, 5))
    assert exporter.export(network, (1, 16, 16), ["out"], {}).dynamic == (0,)


def test_a_net_that_loses_digits_is_exported_with_steady_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 1), *(m for _ in range(4) for m in (nn.GroupNorm(1, 4), nn.Conv2d(4, 4, 1)))]
    network = nn.Sequential(*layers)
    model = exporter.export(network, (1, 128, 128), ["out"], {})
    assert disagreement(model.agreements) is None
    monkeypatch.setattr(exporter, "with_steady_layers", lambda network, image, least: None)
    with pytest.raises(NasError):
        exporter.export(network, (1, 128, 128), ["out"], {})


def one(runtime: float, same: float | None = None) -> Agreement:
    return Agreement((1, 1, 8, 8), same is not None, runtime, 1e-6, same)


def test_another_class_is_no_agreement() -> None:
    assert disagreement([one(1e-6, 0.9995)]) is None
    assert "99.800 %" in str(disagreement([one(1e-6, 0.998)]))


def test_errors_count_together_and_alone() -> None:
    assert disagreement([one(2.5e-6), one(1e-6), one(1e-6)]) is None
    assert "over 3 inputs" in str(disagreement([one(2.5e-6), one(2.5e-6), one(1e-6)]))
    assert disagreement([one(6e-6), *[one(1e-6)] * 20]) == str(one(6e-6))


def test_a_classification_is_judged_on_a_larger_batch() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    found = compare(network, Shifted(network, 0), "image", [(1, 1, 8, 8), (3, 1, 8, 8)])
    assert [a.shape[0] for a in found] == [1, 3, 32]


def test_real_images_are_cut_to_legal_sizes(root: Path) -> None:
    path = next((root / "demo" / "nuclei" / "images").glob("*.png"))
    image = torch.from_numpy(to_array(open_image(path)).astype(np.float32))
    (cut,) = fitted([image], (1, 32, 32), (0, 2, 3), 16)
    assert all(size % 16 == 0 for size in cut.shape[2:])
    assert all(size - c < 16 for size, c in zip(image.shape[1:], cut.shape[2:], strict=True))
    (fixed,) = fitted([image], (1, 32, 48), (0,), 16)
    assert fixed.shape == (1, 1, 32, 48)
    assert fitted([image], (3, 32, 32), (0, 2, 3), 16) == []


def test_the_operator_version_and_the_weights_file(network: nn.Module, tmp_path: Path) -> None:
    import onnxruntime

    model = exporter.export(network, (1, 16, 16), ["out"], {}, opset=18, unit=4)
    assert (model.opset, model.unit) == (18, 4)
    big = exporter.export(nn.Sequential(nn.Conv2d(1, 64, 5)), (1, 16, 16), ["out"], {})
    exporter.write(tmp_path / "net.onnx", big, external=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.onnx", "net.weights"]
    image = np.ones((1, 1, 16, 16), np.float32)
    run = onnxruntime.InferenceSession(str(tmp_path / "net.onnx")).run(None, {"image": image})
    assert np.array_equal(run[0], exporter.session(big.data).run(None, {"image": image})[0])


@pytest.mark.parametrize("unit", [1, 4, 16])
def test_the_divisor_is_found(unit: int) -> None:
    assert smallest_unit(lambda size: all(s % unit == 0 for s in size[1:]), (1, 32, 64)) == unit


def test_a_size_of_one_axis_alone_counts() -> None:
    assert smallest_unit(lambda size: size[1] % 8 == 0, (1, 32, 64)) == 8
