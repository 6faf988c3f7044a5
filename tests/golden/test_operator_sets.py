"""DiNTS' operator set 0, activations and norms as arguments.

Set 0 is C2FNAS' (Yu et al., CVPR 2020) without a public source, so there is no recorded network: the counts are those
of the blocks as the spec's comment has them.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from nascompile.backends.pytorch import build
from nascompile.backends.supernet import build_supernet
from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.ir.program import LayerNode
from nascompile.passes.flatten import flatten
from nascompile.profile.cost import cost_of
from nascompile.resources import resource
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

SET0 = ["skip_connect", "conv_3x3x3", "conv_3x3x1", "p3d"]
SET1 = ["skip_connect", "conv_3x3x3", "conv_3x3x1", "conv_3x1x3", "conv_1x3x3"]


def grid(size: tuple[int, ...], *settings: str) -> tuple[Compilation, SearchSpace]:
    given = [from_argument(s) for s in settings]
    text = Compilation.from_path(Path(resource("specs/dints.nas")), settings=given, input=size)
    return text, text.space()


@pytest.mark.parametrize(
    ("operators", "size", "labels"),
    [
        ("set0", (1, 16, 16, 16), SET0),
        ("set1", (1, 16, 16, 16), SET1),
        ("set0", (1, 16, 16), SET0[:2]),
        ("set1", (1, 16, 16), SET1[:2]),
    ],
)
def test_operators(operators: str, size: tuple[int, ...], labels: list[str]) -> None:
    _, space = grid(size, f"operators={operators}", "blocks=1", "depths=1")
    assert list(space.decisions["edge[0, 0, 0]"].candidates) == labels
    assert space.size() == len(labels)


def edge(operators: str, label: str, *settings: str) -> int:
    """Parameters of the one edge of a grid whose stem has 32 channels."""
    text, space = grid((1, 16, 16, 16), f"operators={operators}", "blocks=1", "depths=1", "downsample=false", *settings)
    found = [
        cost_of(text.network(Genotype("dints", space.arguments, {"edge[0, 0, 0]": x, "kept[0]": ("edge[0, 0, 0]",)})))
        for x in (label, "skip_connect")
    ]
    return found[0].live - found[1].live


@pytest.mark.parametrize(
    ("operators", "label", "weights"),
    [
        ("set0", "conv_3x3x3", 27),
        ("set0", "conv_3x3x1", 9),
        ("set0", "p3d", 9 + 3),
        ("set1", "conv_3x3x3", 27),
        ("set1", "conv_3x3x1", 9 + 3),
        ("set1", "conv_1x3x3", 9 + 3),
    ],
)
def test_weights(operators: str, label: str, weights: int) -> None:
    c = 32
    assert edge(operators, label) == weights * c * c + 2 * c
    assert edge(operators, label, "norm=instance_norm") == weights * c * c
    assert edge(operators, label, "act=prelu", "norm=batch_norm") == weights * c * c + 2 * c + 1


@pytest.mark.parametrize("operators", ["set0", "set1"])
@pytest.mark.parametrize(
    ("act", "norm"), [("relu", "batch_norm"), ("leaky_relu(0.2)", "group_norm(8)"), ("selu", "instance_norm")]
)
@pytest.mark.parametrize("size", [(1, 16, 16), (1, 16, 16, 16)])
def test_networks(operators: str, act: str, norm: str, size: tuple[int, ...]) -> None:
    text, space = grid(
        size, f"operators={operators}", f"act={act}", f"norm={norm}", "blocks=2", "depths=2", "mul=0.25", "classes=2"
    )
    bound = text.network(space.sample(random.Random(0)))
    layers = {node.layer for node in flatten(bound.graph).nodes if isinstance(node, LayerNode)}
    assert {act.partition("(")[0], norm.partition("(")[0]} <= layers
    assert not layers & ({"relu", "instance_norm", "batch_norm", "group_norm", "selu", "leaky_relu"} - {
        act.partition("(")[0], norm.partition("(")[0],
    })  # fmt: skip
    net = build(bound).eval()
    assert sum(p.numel() for p in net.parameters()) == cost_of(bound).live
    with torch.no_grad():
        found = net(torch.randn(1, *size, generator=torch.Generator().manual_seed(0)))
    assert tuple(found.shape) == (1, 2, *size[1:])
    assert bool(torch.isfinite(found).all())


def test_a_supernet_of_set_0() -> None:
    _, space = grid((1, 8, 8, 8), "operators=set0", "blocks=2", "depths=2", "mul=0.125", "classes=2")
    net = build_supernet(space.program)
    net(torch.randn(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))).square().mean().backward()
    grad = net.architecture.logits.grad
    assert grad is not None
    assert bool(torch.isfinite(grad).all()) and grad.abs().sum() > 0
