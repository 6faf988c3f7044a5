"""The baseline to beat: a supernet as the literature writes it by hand, a loop over mixed operators of nn.Modules.

Written from the description of Weng et al., "NAS-Unet", IEEE Access 2019, in the style of the published code of that
line of work (one module a candidate, `sum(w * op(x))` in every edge). It exists only to be measured against.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NORMAL = ("identity", "none", "cweight", "dil_conv", "dep_conv", "shuffle_conv", "conv")
DOWN = ("avg_pool", "max_pool", "down_cweight", "down_dil_conv", "down_dep_conv", "down_conv")
UP = ("up_cweight", "up_dep_conv", "up_conv", "up_dil_conv")


def norm(c: int, affine: bool = False) -> nn.GroupNorm:
    return nn.GroupNorm(c // 16 if c % 16 == 0 else 1, c, affine=affine)


class Gate(nn.Module):
    def __init__(self, c: int):
        super().__init__()
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.net = nn.Sequential(nn.Linear(c, c // 16), nn.ReLU(inplace=True), nn.Linear(c // 16, c), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.net(self.squeeze(x).flatten(1)).view(x.shape[0], -1, 1, 1)


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0)


def conv(c: int, **options: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(c, c, 3, bias=False, **options), norm(c), nn.ReLU())


def separable(c: int, stride: int = 1) -> nn.Module:
    depthwise = nn.Conv2d(c, c, 3, stride=stride, padding=1, groups=c, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(c, c, 1, bias=False), norm(c), nn.ReLU())


def up(c: int, **options: int) -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(c, c, 3, stride=2, bias=False, **options), norm(c), nn.ReLU())


def operator(name: str, c: int) -> nn.Module:
    makers = {
        "identity": nn.Identity,
        "none": Zero,
        "cweight": lambda: Gate(c),
        "dil_conv": lambda: conv(c, padding=2, dilation=2),
        "dep_conv": lambda: separable(c),
        "shuffle_conv": lambda: conv(c, padding=1),
        "conv": lambda: conv(c, padding=1),
        "avg_pool": lambda: nn.AvgPool2d(2, 2, count_include_pad=False),
        "max_pool": lambda: nn.MaxPool2d(2, 2),
        "down_cweight": lambda: nn.Sequential(Gate(c), nn.Conv2d(c, c, 3, 2, 1, bias=False), norm(c)),
        "down_dil_conv": lambda: conv(c, stride=2, padding=2, dilation=2),
        "down_dep_conv": lambda: separable(c, 2),
        "down_conv": lambda: conv(c, stride=2, padding=1),
        "up_cweight": lambda: nn.Sequential(Gate(c), nn.ConvTranspose2d(c, c, 3, 2, 1, bias=False), norm(c)),
        "up_dep_conv": lambda: nn.Sequential(
            nn.ConvTranspose2d(c, c, 3, 2, 1, groups=c, bias=False), nn.Conv2d(c, c, 1, bias=False), norm(c), nn.ReLU()
        ),
        "up_conv": lambda: up(c, padding=1),
        "up_dil_conv": lambda: up(c, padding=2, dilation=2),
    }
    return makers[name]()


class Mixed(nn.Module):
    def __init__(self, c: int, names: tuple[str, ...], make: Callable[[str, int], nn.Module] = operator):
        super().__init__()
        self.ops = nn.ModuleList(make(name, c) for name in names)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        return sum(w * op(x) for w, op in zip(weights, self.ops, strict=True))  # type: ignore[return-value]


class Cell(nn.Module):
    def __init__(self, c0: int, c1: int, c: int, nodes: int, kind: str):
        super().__init__()
        self.kind, self.nodes = kind, nodes
        stride = 2 if kind == "down" else 1
        self.before0 = nn.Sequential(nn.ReLU(), nn.Conv2d(c0, c, 1, stride, bias=False), norm(c))
        self.before1 = nn.Sequential(nn.ReLU(), nn.Conv2d(c1, c, 1, bias=False), norm(c))
        self.edges = nn.ModuleList()
        for i in range(nodes):
            for j in range(i + 2):
                self.edges.append(Mixed(c, self.list_of(j)))

    def list_of(self, j: int) -> tuple[str, ...]:
        if self.kind == "down":
            return DOWN if j < 2 else NORMAL
        return UP if j == 1 else NORMAL

    def forward(self, a: Tensor, b: Tensor, reduction: Tensor, normal: Tensor) -> Tensor:
        states = [self.before0(a), self.before1(b)]
        row = 0
        for i in range(self.nodes):
            terms = []
            for j in range(i + 2):
                weights = normal[row] if self.list_of(j) is NORMAL else reduction[row]
                terms.append(self.edges[row](states[j], weights))
                row += 1
            size = max(t.shape[2] for t in terms), max(t.shape[3] for t in terms)
            terms = [t if t.shape[2:] == size else F.interpolate(t, size, mode="nearest") for t in terms]
            states.append(sum(terms))  # type: ignore[arg-type]
        return torch.cat(states[2:], 1)


class LoopSupernet(nn.Module):
    """NAS-Unet's supernet, shared normal weights, constant width."""

    def __init__(self, channels: int = 1, classes: int = 2, c: int = 16, depth: int = 4, nodes: int = 3):
        super().__init__()
        rows = sum(i + 2 for i in range(nodes))
        self.alphas_down = nn.Parameter(1e-3 * torch.randn(rows, len(DOWN)))
        self.alphas_up = nn.Parameter(1e-3 * torch.randn(rows, len(UP)))
        self.alphas_normal = nn.Parameter(1e-3 * torch.randn(rows, len(NORMAL)))
        wide = nodes * c
        self.stem0 = nn.Sequential(nn.Conv2d(channels, wide, 1, bias=False), norm(wide, True))
        self.stem1 = nn.Sequential(nn.Conv2d(channels, wide, 3, 2, 1, bias=False), norm(wide, True))
        self.down = nn.ModuleList(Cell(wide, wide, c, nodes, "down") for _ in range(depth))
        self.up = nn.ModuleList(Cell(wide, wide, c, nodes, "up") for _ in range(depth + 1))
        self.head = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(wide, classes, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        down, up_, normal = (a.softmax(-1) for a in (self.alphas_down, self.alphas_up, self.alphas_normal))
        skips = [self.stem0(x), self.stem1(x)]
        for cell in self.down:
            skips.append(cell(skips[-2], skips[-1], down, normal))
        y = skips[-1]
        for i, cell in enumerate(self.up):
            y = cell(skips[-(i + 2)], y, up_, normal)
        return self.head(y)

    def weight_parameters(self) -> list[nn.Parameter]:
        return [p for n, p in self.named_parameters() if not n.startswith("alphas")]

    def architecture_parameters(self) -> list[nn.Parameter]:
        return [self.alphas_down, self.alphas_up, self.alphas_normal]
