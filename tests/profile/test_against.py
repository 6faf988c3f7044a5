"""Costs beside torch's counters: equal for the net that was built, told apart for another."""

from __future__ import annotations

import random
from typing import Any

import torch

from nascompile.backends.pytorch import build
from nascompile.profile.against import Row, compare


def test_a_built_net_agrees_on_the_meta_device(shipped: Any) -> None:
    opened = shipped("mobilenet_v3", (3, 64, 64))
    program = opened.net(opened.space.sample(random.Random(0)).values)
    with torch.device("meta"):
        rows = compare(program, build(program))
    assert [(row.measure, row.kind) for row in rows] == [
        ("params", "all"), ("macs", "all"), ("macs", "convolution"), ("macs", "linear"),
    ]  # fmt: skip
    assert all(row.agrees and row.counted > 0 for row in rows)


def test_another_net_does_not(written: Any) -> None:
    small, large = (written("y = x -> pick one of two(4)\ny").net({"y": label}) for label in ("a", "b"))
    module = build(large).train()
    assert compare(small, module)[:2] == [Row("params", "all", 8, 72), Row("macs", "all", 8 * 64, 72 * 64)]
    assert module.training
