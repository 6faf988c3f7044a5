"""A lattice of cells as the literature writes it by hand, to be measured against: a loop over mixed modules.

Written from the description of Liu et al., arXiv 2102.13280, in the style of `loop_supernet.py`: one module a
candidate, `sum(w * op(x))` in every edge, network weights renormalised over the inputs that a node has.
"""

from __future__ import annotations

import torch
from loop_supernet import Gate, Mixed, Zero, norm
from torch import Tensor, nn
from torch.nn import functional as F

NORMAL = ("none", "identity", "cweight", "dil_conv", "dep_conv", "shuffle_conv", "conv")
DOWN = ("avg_pool", "max_pool", "down_cweight", "down_dil_conv", "down_dep_conv", "down_conv")
UP = ("up_cweight", "up_dep_conv", "up_conv", "up_dil_conv")
INTO = {"down": DOWN, "normal": NORMAL, "up": UP}
NODES = 4


def acn(c: int, stride: int = 1, dilation: int = 1) -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(c, c, 3, stride, dilation, dilation, bias=False), norm(c))


def separable(c: int, stride: int = 1) -> nn.Module:
    depthwise = nn.Conv2d(c, c, 3, stride, 1, groups=c, bias=False)
    return nn.Sequential(nn.ReLU(), depthwise, nn.Conv2d(c, c, 1, bias=False), norm(c))


def enlarge(c: int, padding: int = 1, dilation: int = 1) -> nn.Module:
    conv = nn.ConvTranspose2d(c, c, 3, 2, padding, bias=False, dilation=dilation)
    return nn.Sequential(nn.ReLU(), conv, norm(c))


def operator(name: str, c: int) -> nn.Module:
    makers = {
        "none": Zero,
        "identity": nn.Identity,
        "cweight": lambda: Gate(c),
        "dil_conv": lambda: acn(c, 1, 2),
        "dep_conv": lambda: separable(c),
        "shuffle_conv": lambda: acn(c),
        "conv": lambda: acn(c),
        "avg_pool": lambda: nn.AvgPool2d(2, 2, count_include_pad=False),
        "max_pool": lambda: nn.MaxPool2d(2, 2),
        "down_cweight": lambda: nn.Sequential(Gate(c), nn.Conv2d(c, c, 3, 2, 1, bias=False), norm(c)),
        "down_dil_conv": lambda: acn(c, 2, 2),
        "down_dep_conv": lambda: separable(c, 2),
        "down_conv": lambda: acn(c, 2),
        "up_cweight": lambda: nn.Sequential(Gate(c), nn.ConvTranspose2d(c, c, 3, 2, 1, bias=False), norm(c)),
        "up_dep_conv": lambda: nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(c, c, 3, 2, 1, groups=c, bias=False), nn.Conv2d(c, c, 1, bias=False), norm(c)
        ),
        "up_conv": lambda: enlarge(c),
        "up_dil_conv": lambda: enlarge(c, 2, 2),
    }
    return makers[name]()


class Fuse(nn.Module):
    """`a` may be absent (`c0` None); `b` goes through the operators of the cell's kind."""

    def __init__(self, c0: int | None, c1: int, c: int, kind: str):
        super().__init__()
        self.kind = kind
        self.before0 = None if c0 is None else self._before(c0, c)
        self.before1 = self._before(c1, c)
        self.edges = nn.ModuleList(
            nn.Identity() if j == 0 and c0 is None else Mixed(c, INTO[kind] if j == 1 else NORMAL, operator)
            for i in range(NODES)
            for j in range(i + 2)
        )

    def _before(self, old: int, new: int) -> nn.Module:
        return nn.Sequential(nn.ReLU(), nn.Conv2d(old, new, 1, bias=False), norm(new))

    def forward(self, a: Tensor | None, b: Tensor, into: Tensor, flat: Tensor) -> Tensor:
        states: list[Tensor | None] = [None if a is None or self.before0 is None else self.before0(a), self.before1(b)]
        row = 0
        for i in range(NODES):
            terms = []
            for j in range(i + 2):
                state = states[j]
                if state is not None:
                    terms.append(self.edges[row](state, into[i] if j == 1 and self.kind != "normal" else flat[row]))
                row += 1
            size = max(t.shape[2] for t in terms), max(t.shape[3] for t in terms)
            terms = [t if t.shape[2:] == size else F.interpolate(t, size, mode="nearest") for t in terms]
            states.append(sum(terms))  # type: ignore[arg-type]
        return torch.cat([s for s in states[2:] if s is not None], 1)


class LoopLattice(nn.Module):
    """The weaved lattice with its stems at half size, constant width, heads of all levels at full size."""

    def __init__(self, channels: int = 3, classes: int = 2, c: int = 16, layers: int = 7):
        super().__init__()
        rows = sum(i + 2 for i in range(NODES))
        self.flat = nn.Parameter(1e-3 * torch.randn(rows, len(NORMAL)))
        self.steep = nn.Parameter(1e-3 * torch.randn(NODES, len(DOWN)))
        self.rise = nn.Parameter(1e-3 * torch.randn(NODES, len(UP)))
        self.layers, levels, wide = layers, (layers + 1) // 2, NODES * c
        self.stem0 = nn.Sequential(nn.Conv2d(channels, 32, 3, padding=1, bias=False), norm(32, True), nn.ReLU())
        self.stem1 = nn.Sequential(nn.Conv2d(32, 64, 3, 2, 1, bias=False), norm(64, True), nn.ReLU())
        width = {(0, 0): 64}
        self.cells = nn.ModuleDict()
        self.fusion = nn.ParameterDict()
        self.plan: dict[tuple[int, int], list[tuple[str, tuple[int, int], tuple[int, int]]]] = {}
        for layer in range(1, layers):
            for v in range(levels):
                if v > layer or (layer - v) % 2 or layer + v > 2 * (levels - 1):
                    continue
                inputs = [
                    ("down", (layer - 2, v), (layer - 1, v - 1)),
                    ("down" if (layer, v) == (6, 2) else "normal", (layer - 4, v), (layer - 2, v)),
                    ("up", (layer - 2, v), (layer - 1, v + 1)),
                ]
                self.plan[layer, v] = [(kind, a, b) for kind, a, b in inputs if b in width]
                for kind, a, b in self.plan[layer, v]:
                    self.cells[f"{layer} {v} {b}"] = Fuse(width.get(a), width[b], c, kind)
                self.fusion[f"{layer} {v}"] = nn.Parameter(1e-3 * torch.randn(len(self.plan[layer, v])))
                width[layer, v] = wide
        self.heads = nn.ModuleDict(
            {
                str(layer): nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(wide, classes, 1, bias=False))
                for layer in range(2, layers, 2)
            }
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        flat, steep, rise = (a.softmax(-1) for a in (self.flat, self.steep, self.rise))
        into = {"down": steep, "up": rise, "normal": flat}
        maps = {(0, 0): self.stem1(self.stem0(x))}
        for (layer, v), inputs in self.plan.items():
            weights = self.fusion[f"{layer} {v}"].softmax(-1)
            maps[layer, v] = sum(  # type: ignore[assignment]
                w * self.cells[f"{layer} {v} {b}"](maps.get(a), maps[b], into[kind], flat)
                for w, (kind, a, b) in zip(weights, inputs, strict=True)
            )
        found = [self.heads[str(layer)](maps[layer, 0]) for layer in range(2, self.layers, 2)]
        return tuple(F.interpolate(y, x.shape[2:], mode="bilinear") for y in found)

    def weight_parameters(self) -> list[nn.Parameter]:
        held = {id(p) for p in self.architecture_parameters()}
        return [p for p in self.parameters() if id(p) not in held]

    def architecture_parameters(self) -> list[nn.Parameter]:
        return [self.flat, self.steep, self.rise, *self.fusion.values()]
