"""DiNTS at settings that nobody recorded: MONAI's own network gives the same weights and outputs (float64)."""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks.nets.dints import DiNTS, TopologyInstance, TopologySearch
from originals import dints_values, library, registered, space
from test_dints import group
from torch import nn

from nascompile.backends.layout import state_name
from nascompile.backends.pytorch import build
from nascompile.config.constants import argument_value
from nascompile.profile.cost import cost_of
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.source import Source
from nascompile.space.decode import decode
from nascompile.syntax.parser import parse_expression

ACTS: dict[str, Any] = {"relu": "RELU", "gelu": "GELU", "leaky_relu(0.2)": ("leakyrelu", {"negative_slope": 0.2})}
NORMS: dict[str, Any] = {
    "instance_norm(affine = true)": ("INSTANCE", {"affine": True}),
    "instance_norm": ("INSTANCE", {"affine": False}),
    "batch_norm": "BATCH",
    "group_norm(1)": ("GROUP", {"num_groups": 1}),
}
CLASSES = {"blocks": "num_blocks", "depths": "num_depths", "mul": "channel_mul", "downsample": "use_downsample"}


def edges_of(depths: int) -> list[tuple[int, int]]:
    return [((j + 1) // 3 - 1 + (j + 1) % 3, (j + 1) // 3) for j in range(3 * depths - 2)]


def kept_edges(rng: random.Random, blocks: int, depths: int, deepest: int) -> list[list[int]]:
    """Blocks, each of which starts where the last one ends; the last one ends in no row below `deepest`."""
    edges, found, ends = edges_of(depths), list[list[int]](), set[int]()
    patterns = [[k >> j & 1 for j in range(len(edges))] for k in range(1, 2 ** len(edges))]
    for b in range(blocks):
        fitting = []
        for bits in patterns:
            used = [edge for edge, bit in zip(edges, bits, strict=True) if bit]
            fits = b == 0 or {i for i, _ in used} == ends
            if fits and max(o for _, o in used) <= deepest + blocks - 1 - b:
                fitting.append(bits)
        found.append(rng.choice(fitting))
        ends = {o for (_, o), bit in zip(edges, found[-1], strict=True) if bit}
    return found


def argument(name: str, text: str) -> Any:
    known = library("dints")
    parameter = next(p for p in known.spaces["dints"].parameters if p.name == name)
    return argument_value(parse_expression(Source(name, text)), parameter, known)


def original(rank: int, channels: int, act: str, norm: str, given: dict[str, Any], kept: Any, picks: Any) -> nn.Module:
    edges, used = edges_of(given["depths"]), {CLASSES[k]: v for k, v in given.items() if k in CLASSES}
    nodes = np.zeros((given["blocks"] + 1, given["depths"]), dtype=int)
    for b, bits in enumerate(kept):
        for (i, o), bit in zip(edges, bits, strict=True):
            nodes[b + 1, o] |= bit
            nodes[0, i] |= bit if b == 0 else 0
    layers = {"act_name": ACTS[act], "norm_name": NORMS[norm], "spatial_dims": rank}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = TopologyInstance(arch_code=[np.array(kept), np.array(picks)], **used, **layers)
        downsample = given["downsample"]
        return DiNTS(
            grid, channels, given["classes"], use_downsample=downsample, node_a=torch.from_numpy(nodes), **layers
        )


# rank, channels, act, norm, deepest row that may be left; blocks, depths, multiplier, downsample, classes; sides
SETTINGS: list[tuple[int, int, str, str, int, tuple[int, int, float, bool, int], tuple[int, ...]]] = [
    (2, 4, "relu", "batch_norm", 0, (1, 5, 0.2, False, 5), (48, 32)),
    (3, 2, "gelu", "instance_norm(affine = true)", 0, (3, 2, 0.125, False, 3), (6, 6, 4)),
    (3, 1, "leaky_relu(0.2)", "group_norm(1)", 1, (2, 3, 0.1, True, 1), (16, 16, 24)),
    (2, 3, "gelu", "instance_norm", 3, (3, 4, 0.3, True, 2), (32, 48)),
    (2, 1, "relu", "instance_norm(affine = true)", 1, (5, 4, 0.1, True, 4), (32, 32)),
]


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_networks(number: int) -> None:
    rank, channels, act, norm, deepest, settings, sides = SETTINGS[number]
    given: dict[str, Any] = dict(zip(("blocks", "depths", "mul", "downsample", "classes"), settings, strict=True))
    rng, generator = random.Random(number), torch.Generator().manual_seed(number)
    edges = edges_of(given["depths"])
    kept = kept_edges(rng, given["blocks"], given["depths"], deepest)
    picks = [[rng.randrange(5 if rank == 3 else 2) for _ in edges] for _ in kept]
    theirs = original(rank, channels, act, norm, given, kept, picks).double().eval()
    with torch.no_grad():
        for weight in theirs.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator, dtype=torch.double) / weight[0].numel() ** 0.5)
    arguments = given | {"act": argument("act", act), "norm": argument("norm", norm)}
    values = dints_values(given["depths"], kept, picks)
    bound = elaborate(library("dints"), Request("dints", arguments, (channels, *sides), values, True))
    assert cost_of(bound).registered == sum(weight.numel() for weight in theirs.parameters())
    names = [state_name(f"{n.path}.{w.name}") for n in registered(bound.graph) for w in n.weights if not w.is_buffer]
    table = dict(
        zip(sorted(names, key=lambda n: group(n, edges)), (w.detach() for w in theirs.parameters()), strict=True)
    )
    ours = build(bound).double().eval()
    with torch.no_grad():
        for name, weight in ours.named_parameters():
            weight.copy_(table[name])
        x = torch.randn(2, channels, *sides, generator=generator, dtype=torch.double)
        expected = theirs(x)
        torch.testing.assert_close(ours(x), expected, rtol=1e-9, atol=1e-9 * expected.abs().max().item())


@pytest.mark.parametrize("seed", [14, 19, 29, 34, 41])
def test_decoding(seed: int) -> None:
    """Decided architecture parameters that no chain of blocks agrees with: what MONAI keeps, with its 1e-5."""
    rng = np.random.RandomState(seed)
    depths, blocks, deviation = int(rng.choice([2, 3])), int(rng.choice([2, 3, 5, 8])), rng.choice([0.01, 2, 6, 10, 15])
    edges = edges_of(depths)
    kept, picks = rng.normal(0, deviation, (blocks, len(edges))), rng.normal(0, 2, (blocks, len(edges), 2))
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = TopologySearch(channel_mul=0.1, num_blocks=blocks, num_depths=depths, spatial_dims=2)
    theirs.log_alpha_a.data.copy_(torch.tensor(kept))
    theirs.log_alpha_c.data.copy_(torch.tensor(picks))
    _, expected, operators, _ = theirs.decode()
    odds, chances = theirs.log_alpha_a.detach().sigmoid(), theirs.log_alpha_c.detach().softmax(-1)
    searched = space("dints", "dints", (1, *[2 ** (depths + 1)] * 2), blocks=blocks, depths=depths, mul=0.1)
    weights = {f"kept[{b}]": odds[b].tolist() for b in range(blocks)}
    weights |= {f"edge[{b}, {i}, {o}]": chances[b, j].tolist() for b in range(blocks) for j, (i, o) in enumerate(edges)}
    assert decode(searched, weights).values == dints_values(depths, expected, operators)
