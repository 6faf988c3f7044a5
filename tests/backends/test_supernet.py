"""The supernet as a module: copies, state, precision, devices, sharing, and what it refuses."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from nascompile.backends.supernet import Supernet, build_supernet
from nascompile.diagnostics import NasError
from nascompile.ir.program import Program


def image(case: Any, batch: int = 2) -> Tensor:
    return torch.randn(batch, *case.input, generator=torch.Generator().manual_seed(0))


def first(found: Any) -> Tensor:
    tensor = found[0] if isinstance(found, tuple) else found
    assert isinstance(tensor, Tensor)
    return tensor


def test_every_architecture_parameter_gets_a_gradient(relaxable: Any) -> None:
    net = build_supernet(relaxable.program())
    found = net(image(relaxable))
    sum(y.pow(2).mean() for y in (found if isinstance(found, tuple) else (found,))).backward()
    logits = net.architecture.logits
    assert logits.grad is not None
    for name, (start, stop) in net.architecture.places.items():
        alone = stop - start == 1 and "softmax" in {
            d.relax for d in net.architecture.decisions.values() if d.parameters == name
        }
        assert alone or logits.grad[start:stop].any(), name


def test_copies_are_independent(relaxable: Any) -> None:
    net = build_supernet(relaxable.program(), seed=4).eval()
    twin = copy.deepcopy(net)
    x = image(relaxable)
    with torch.no_grad():
        expected = first(net(x))
        assert torch.equal(first(twin(x)), expected)
        twin.weights.mul_(1.5)
        twin.architecture.logits.add_(torch.linspace(0, 3, twin.architecture.logits.numel()))
        assert torch.equal(first(net(x)), expected)
        assert not torch.allclose(first(twin(x)), expected)


def test_state_dict_round_trip(relaxable: Any) -> None:
    net = build_supernet(relaxable.program(), seed=1).train()
    net(image(relaxable))
    stream = io.BytesIO()
    torch.save(net.state_dict(), stream)
    stream.seek(0)
    other = build_supernet(relaxable.program(), seed=2)
    other.load_state_dict(torch.load(stream, weights_only=True))
    x = image(relaxable)
    with torch.no_grad():
        assert torch.equal(first(other.eval()(x)), first(net.eval()(x)))


def test_named_weights_round_trip(relaxable: Any) -> None:
    net, other = (build_supernet(relaxable.program(), seed=seed).eval() for seed in (1, 2))
    assert other.load_named_weights(net.named_weights()) == []
    assert torch.equal(other.weights, net.weights)
    assert other.load_named_weights({}) == list(net.named_weights())


def test_float64_and_autocast(relaxable: Any) -> None:
    net = build_supernet(relaxable.program()).eval()
    x = image(relaxable)
    with torch.no_grad():
        single = first(net(x))
        with torch.autocast("cpu", torch.bfloat16):
            half = first(net(x))
        double = first(net.double()(x.double()))
    assert double.dtype == torch.double
    assert torch.allclose(single.double(), double, atol=1e-3 * double.abs().max().item())
    assert torch.isfinite(half).all()
    assert (half.double() - double).abs().mean() <= 0.2 * double.abs().mean()


def test_training_under_autocast(small_nas_unet: Any) -> None:
    net = build_supernet(small_nas_unet.program())
    with torch.autocast("cpu", torch.bfloat16):
        loss = first(net(image(small_nas_unet))).float().pow(2).mean()
    loss.backward()
    for parameter in (net.weights, net.architecture.logits):
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()


def test_everything_moves_with_the_module(relaxable: Any) -> None:
    """No tensor stays behind: the meta device stands for an accelerator."""
    net = build_supernet(relaxable.program())
    net.architecture.restrict(relaxable.sample(0).values)
    net = net.to("meta")
    found = net(torch.zeros(2, *relaxable.input, device="meta"))
    assert first(found).is_meta
    net.architecture.restrict(None)
    assert first(net(torch.zeros(2, *relaxable.input, device="meta"))).is_meta


def test_other_image_sizes(small_nas_unet: Any) -> None:
    net = build_supernet(small_nas_unet.program()).eval()
    with torch.no_grad():
        assert net(torch.zeros(1, 1, 48, 32)).shape == (1, 2, 48, 32)


def test_shared_module_with_mixture(written: Callable[..., Program]) -> None:
    """Applications of a `module` share weights in a supernet, too."""
    body = "module f = conv(1, 3)\ny = x -> f -> pick one of two(1)\ny -> f"
    net = build_supernet(written(body, declarations="ops two(c) = a: conv(c, 1) | b: conv(c, 3)"))
    assert net.weights.numel() == 9 + 1 + 9
    assert sum(name.startswith("f") for name in net.named_weights()) == 1


def test_temperature_sharpens(small_nas_unet: Any) -> None:
    net = build_supernet(small_nas_unet.program())
    with torch.no_grad():
        net.architecture.logits.copy_(torch.linspace(-1, 1, net.architecture.logits.numel()))
    warm = max(max(row) for row in net.architecture.relaxed().values())
    net.architecture.temperature = 0.1
    assert max(max(row) for row in net.architecture.relaxed().values()) > warm


def test_numbers_cannot_be_relaxed(written: Callable[..., Program]) -> None:
    program = written("n = pick one of [2, 4]\nx -> conv(n, 3)")
    with pytest.raises(NasError) as caught:
        build_supernet(program)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "cannot-relax"
    assert "`n`" in diagnostic.message


def test_a_space_without_decisions(written: Callable[..., Program]) -> None:
    net = build_supernet(written("x -> conv(4, 3) -> batch_norm"))
    assert isinstance(net, Supernet)
    assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 4, 8, 8)
