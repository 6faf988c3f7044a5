"""A bilevel step of the grid search: our supernet against MONAI's own `DiNTS` on `TopologySearch`.

Both sides hold the same space (blocks, depths, channel multiplier, operators, stems) and as many parameters, and do the
same work: a weight step (SGD with momentum) and an architecture step (Adam), each with its own forward and backward
pass. The loss is the segmentation loss alone on both sides, and both use torch's fused SGD.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from monai.networks.nets import DiNTS, TopologySearch
from soundness import library
from supernet_rows import Step, compare, peak_bytes, shown
from torch.nn import functional as F

from nascompile.backends.supernet import build_supernet
from nascompile.semantics.elaborate import Request, elaborate

CLASSES = 2


@dataclass(frozen=True)
class Setting:
    """A grid for `batch` images with one channel and equal sides."""

    rank: int
    side: int
    blocks: int
    depths: int
    mul: float
    batch: int
    downsample: bool = True

    @property
    def label(self) -> str:
        stem = "" if self.downsample else ", no stem stride"
        return (
            f"{self.rank}-D, side {self.side}, batch {self.batch}, {self.blocks} blocks, {self.depths} depths, "
            f"x{self.mul:g}{stem}"
        )


SETTINGS = (
    Setting(2, 32, 3, 3, 0.25, 4),
    Setting(2, 64, 6, 3, 0.5, 2),
    Setting(2, 64, 12, 4, 0.5, 2),
    Setting(3, 16, 6, 3, 0.25, 2),
    Setting(3, 32, 6, 3, 0.25, 1),
    Setting(3, 32, 6, 4, 0.25, 1),
    Setting(3, 32, 4, 3, 0.5, 2),
)


def dints_step(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """`ratio` is our median time over MONAI's, `cpu_ratio` the same of processor time, `memory` the peaks of allocated
    bytes, `memory_ratio` ours over MONAI's."""
    for threads in options.threads:
        torch.set_num_threads(threads)
        for setting in SETTINGS:
            ours, monai = sides(setting, frozenset(options.without))
            record = compare(ours, monai, options.repeats)
            peaks = [peak_bytes(ours), peak_bytes(monai)]
            record["memory"], record["memory_ratio"] = peaks, peaks[0] / peaks[1]
            print(f"{threads} threads {setting.label}: ", shown(record), flush=True)
            yield f"{threads} threads, {setting.label}", record


def sides(setting: Setting, without: frozenset[str] = frozenset()) -> tuple[Step, Step]:
    """Our step and MONAI's. Raises AssertionError where the two nets differ in their number of parameters."""
    shape = (1, *(setting.side,) * setting.rank)
    arguments = {
        "classes": CLASSES, "blocks": setting.blocks, "depths": setting.depths, "mul": setting.mul,
        "downsample": setting.downsample,
    }  # fmt: skip
    ours = build_supernet(elaborate(library("dints"), Request("dints", arguments, shape)), without=without)
    grid = TopologySearch(
        channel_mul=setting.mul, num_blocks=setting.blocks, num_depths=setting.depths, spatial_dims=setting.rank,
        use_downsample=setting.downsample,
    )  # fmt: skip
    monai = DiNTS(grid, 1, CLASSES, spatial_dims=setting.rank, use_downsample=setting.downsample)
    alphas = [grid.log_alpha_a, grid.log_alpha_c]
    held = {id(a) for a in alphas}
    weights = [p for p in monai.parameters() if id(p) not in held]
    assert sum(p.numel() for p in weights) == sum(p.numel() for p in ours.weight_parameters()), setting.label
    return (
        bilevel(ours, ours.weight_parameters(), ours.architecture_parameters(), setting),
        bilevel(monai, weights, alphas, setting),
    )


def bilevel(net: Any, weights: list[Any], alphas: list[Any], setting: Setting) -> Step:
    """One step of the published search: SGD on the weights, then Adam on the architecture, the others frozen."""
    second = torch.optim.SGD(weights, lr=0.025, momentum=0.9, weight_decay=4e-5, fused=True)
    first = torch.optim.Adam(alphas, lr=1e-3, betas=(0.5, 0.999))
    generator = torch.Generator().manual_seed(0)
    size = (setting.side,) * setting.rank
    x = torch.randn(setting.batch, 1, *size, generator=generator)
    y = torch.randint(0, CLASSES, (setting.batch, *size), generator=generator)

    def step() -> None:
        for optimiser, free, frozen in ((second, weights, alphas), (first, alphas, weights)):
            for p in frozen:
                p.requires_grad_(False)
            for p in free:
                p.requires_grad_(True)
            optimiser.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimiser.step()

    return step
