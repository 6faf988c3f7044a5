"""Layers that an installed package provides, in networks and supernets."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nascompile.backends import torch_layers
from nascompile.backends.inherit import inherit
from nascompile.backends.pytorch import build
from nascompile.backends.supernet import build_supernet
from nascompile.ir.program import Program

DECLARATION = """layer shift(scale = 1) extern "somebody.shift" {
  shape [ch, *s] -> [ch, *s]
  weight w [1]
}
ops either(c) = a: conv(c, 3) | b: shift(scale = 2)"""


class Shift(nn.Module):
    """What the package provides."""

    def __init__(self, scale: float):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.rand(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.weight


class Entry:
    def load(self) -> type[nn.Module]:
        return Shift


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_layers, "extern_entry", lambda name: Entry())


def test_network(written: Callable[..., Program]) -> None:
    program = written("x -> shift(scale = 3)", declarations=DECLARATION)
    net, again = build(program), build(program)
    x = torch.ones(1, 1, 4, 4)
    assert torch.allclose(net(x), 3 + net.get_parameter("shift.weight"))
    assert torch.equal(net.get_parameter("shift.weight"), again.get_parameter("shift.weight"))


def test_supernet(written: Callable[..., Program]) -> None:
    body = "y = x -> pick one of either(1)\ny"
    net = build_supernet(written(body, declarations=DECLARATION))
    assert len(net.weight_parameters()) == 2
    x = torch.ones(2, 1, 4, 4)
    net(x).sum().backward()
    assert all(p.grad is not None for p in net.weight_parameters())
    chosen: dict[str, Any] = {"y": "b"}
    subnet = build(written(body, values=chosen, declarations=DECLARATION), seed=9)
    inherited = inherit(subnet, net.named_weights())
    assert not inherited.missing and not inherited.mismatched
    net.architecture.restrict(chosen)
    assert torch.allclose(net(x), subnet(x))
    twin = copy.deepcopy(net)
    assert torch.allclose(twin(x), subnet(x))
