"""A retrained network inherits what has the same path and shape, and says what it could not."""

from __future__ import annotations

from collections.abc import Callable

import torch

from nascompile.backends.inherit import inherit
from nascompile.backends.pytorch import build
from nascompile.ir.program import Program

BODY = "first = x -> conv(4, 3) -> batch_norm\nsecond = first -> relu -> conv({width}, 3)\nsecond -> conv(2, 1)"


def test_same_path_and_shape(written: Callable[..., Program]) -> None:
    source = build(written(BODY.format(width=6)), seed=1)
    target = build(written(BODY.format(width=8)), seed=2)
    source.get_submodule("first.batch_norm").running_mean.fill_(3.0)
    before = {name: value.clone() for name, value in target.state_dict().items()}
    found = inherit(target, source.state_dict())
    assert found.mismatched == (
        "second.conv.weight [6, 4, 3, 3] for [8, 4, 3, 3]", "conv.weight [2, 6, 1, 1] for [2, 8, 1, 1]"
    )  # fmt: skip
    for name in ("second.conv.weight", "conv.weight"):
        assert torch.equal(target.state_dict()[name], before[name])
    assert torch.equal(target.get_parameter("first.conv.weight"), source.get_parameter("first.conv.weight"))
    assert target.get_submodule("first.batch_norm").running_mean.eq(3).all()


def test_nothing_to_inherit(written: Callable[..., Program]) -> None:
    target = build(written(BODY.format(width=6)))
    assert len(inherit(target, {}).missing) == 7
