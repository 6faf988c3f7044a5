"""Which kernels a calibration measures: random ones of every family, in the ranges that networks of images have."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from nascompile.profile.latency_medley import Snippet, snippet
from nascompile.profile.operations import Operation, Shape

MOST_MACS = 250_000_000
MOST_ELEMENTS = 3_000_000
CHANNELS = (1, 2, 3, 4, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512)


class _Draw:
    """Random shapes of one rank."""

    def __init__(self, rng: random.Random, rank: int):
        self.rng, self.rank = rng, rank

    def channels(self, least: int = 1, most: int = 512, multiple: int = 1) -> int:
        while True:
            c = self.rng.choice(CHANNELS) if self.rng.random() < 0.6 else round(2 ** self.rng.uniform(0, 8.5))
            c = -(-c // multiple) * multiple
            if least <= c <= most:
                return c

    def size(self, least: int = 1, most: int | None = None) -> Shape:
        top = most or {1: 4096, 2: 256, 3: 72}[self.rank]
        sides = [4, 8, 16, 32, 64, 128, 256, 12, 24, 48, 96, 20, 28, 40, 56]
        one = [s for s in sides if least <= s <= top]

        def side() -> int:
            if self.rng.random() < 0.7:
                return self.rng.choice(one)
            return max(least, round(2 ** self.rng.uniform(1, top.bit_length() - 1)))

        first = side()
        return tuple(first if self.rng.random() < 0.8 else side() for _ in range(self.rank))

    def window(self) -> dict[str, Any]:
        k = self.rng.choice((3, 3, 3, 3, 5, 5, 7, 2)) if self.rank == 2 else self.rng.choice((3, 3, 3, 3, 3, 5, 2))
        stride = self.rng.choice((1, 1, 1, 2))
        dilation = self.rng.choice((1, 1, 1, 2, 3)) if k > 2 else 1
        if k == 2:
            stride = 2
        return _geometry(self.rank, k, stride, dilation)


def _geometry(rank: int, k: int, stride: int, dilation: int = 1, padding: int | None = None) -> dict[str, Any]:
    p = (k - 1) // 2 * dilation if padding is None else padding
    return {
        "kernel_shape": (k,) * rank, "strides": (stride,) * rank, "pads": (p,) * 2 * rank,
        "dilations": (dilation,) * rank, "group": 1,
    }  # fmt: skip


def _windowed(size: Shape, a: dict[str, Any]) -> Shape:
    rank = len(size)
    spans = [(k - 1) * d + 1 for k, d in zip(a["kernel_shape"], a.get("dilations", (1,) * rank), strict=True)]
    return tuple((n + 2 * a["pads"][i] - spans[i]) // a["strides"][i] + 1 for i, n in enumerate(size))


Made = tuple[list[Shape], list[Operation], dict[int, Shape]]


def _one(kind: str, sources: list[Shape], out: Shape, weights: tuple[Shape, ...] = (), **attrs: Any) -> Made:
    return sources, [Operation(kind, tuple(range(len(sources))), 10, "", attrs, weights)], {10: out}


def _conv(d: _Draw, how: str) -> Made:
    a = d.window()
    multiple = 4 if d.rank == 2 else 1
    groups, c, o = 1, d.channels(multiple=multiple), d.channels()
    if how == "first":
        c = d.rng.choice((1, 1, 2, 3, 3, 4, 8, 10, 12))
    elif how == "pointwise":
        a = _geometry(d.rank, 1, d.rng.choice((1, 1, 1, 1, 2)))
    elif how == "odd":  # stays in the plain layout
        c = d.channels(17) // 4 * 4 + d.rng.choice((1, 2, 3))
    elif how == "depthwise":
        c = o = groups = d.channels(4, multiple=multiple)
        if d.rng.random() < 0.1 and d.rank == 2:
            a = _geometry(2, 1, 1)
    elif how == "grouped":
        groups = d.rng.choice((2, 4, 8))
        c, o = d.channels(multiple=16 * groups), d.channels(multiple=16 * groups)
    if d.rank == 2 and how not in ("first", "odd", "depthwise", "grouped"):
        c = max(16, c)
    a["group"] = groups
    size = d.size(2)
    out = (o, *_windowed(size, a))
    weight = (o, c // groups, *a["kernel_shape"])
    made = _one("Conv", [(c, *size)], out, (weight, (o,)), **a)
    roll = d.rng.random()
    if roll < 0.35:
        kind = d.rng.choice(("Relu", "Relu", "Relu", "Relu", "Sigmoid", "Clip", "LeakyRelu", "Tanh"))
        made[1].append(Operation(kind, (10,), 11, "", {"alpha": 0.01} if kind == "LeakyRelu" else {}))
        made[2][11] = out
    elif roll < 0.6 and how == "odd":
        total = Operation("Add", (10, 1), 11, "")
        return [made[0][0], out], [*made[1], total], {10: out, 11: out}
    elif roll < 0.5 and d.rank == 2 and o % 16 == 0:
        pool = {"kernel_shape": (2, 2), "strides": (1, 1), "pads": (0, 0, 0, 0)}
        sources = [made[0][0], (o, out[1] + 1, out[2] + 1)]
        other = Operation("MaxPool", (1,), 9, "", pool)
        total = Operation("Add", (10, 9), 11, "")
        return sources, [other, made[1][0], total], {9: out, 10: out, 11: out}
    return made


def _transposed(d: _Draw, depthwise: bool) -> Made:
    c = d.channels(4 if depthwise else 1, 384)
    o, groups = (c, c) if depthwise else (d.channels(1, 384), 1)
    k, stride, padding, extra = d.rng.choice(
        ((2, 2, 0, 0), (2, 2, 0, 0), (3, 2, 1, 1), (3, 2, 1, 1), (4, 2, 1, 0), (3, 1, 1, 0), (5, 2, 2, 1))
    )
    size = d.size(2, 64 if d.rank == 2 else 24)
    out = tuple((n - 1) * stride - 2 * padding + k + extra for n in size)
    a = _geometry(d.rank, k, stride, 1, padding) | {"group": groups, "output_padding": (extra,) * d.rank}
    return _one("ConvTranspose", [(c, *size)], (o, *out), ((c, o // groups, *a["kernel_shape"]), (o,)), **a)


def _pool(d: _Draw, kind: str, blocked: bool) -> Made:
    c = d.channels(multiple=16) if blocked else d.channels(1, 200) // 16 * 16 + d.rng.randint(1, 15)
    if d.rank == 3:
        c = d.channels(1, 256)
    k, stride, p = d.rng.choice(((2, 2, 0), (2, 2, 0), (3, 1, 1), (3, 1, 1), (3, 2, 1)))
    a: dict[str, Any] = {"kernel_shape": (k,) * d.rank, "strides": (stride,) * d.rank, "pads": (p,) * 2 * d.rank}
    size = d.size(3)
    return _one(kind, [(c, *size)], (c, *_windowed(size, a)), **a)


def _unary(d: _Draw, kind: str) -> Made:
    shape = (d.channels(), *d.size(1))
    attrs = {"alpha": 0.1} if kind in ("LeakyRelu", "Elu") else {}
    weights = {"PRelu": ((1,) * len(shape),), "InstanceNormalization": ((shape[0],),) * 2}.get(kind, ())
    if kind == "BatchNormalization":
        weights = ((shape[0],),) * 4
    return _one(kind, [shape], shape, weights, **attrs)


def _grouped(d: _Draw, kind: str) -> Made:
    """An instance norm over groups of channels, as a group norm has it."""
    groups = d.rng.choice((1, 2, 4, 8, 16, 32))
    shape = (groups, d.channels(1, 64) * prod(d.size(2, 64 if d.rank == 2 else 32)))
    return _one("InstanceNormalization", [shape], shape, ((groups,),) * 2)


def _binary(d: _Draw, kind: str, how: str) -> Made:
    shape = (d.channels(), *d.size(1))
    if how == "weight":
        return _one(kind, [shape], shape, ((shape[0], *(1,) * d.rank),))
    other = {"same": shape, "vector": (shape[0], *(1,) * d.rank), "map": (1, *shape[1:])}[how]
    return _one(kind, [shape, other], shape)


def _concat(d: _Draw) -> Made:
    size, count = d.size(1), d.rng.choice((2, 2, 2, 3, 4, 5))
    parts = [(d.channels(1, 256), *size) for _ in range(count)]
    return _one("Concat", parts, (sum(p[0] for p in parts), *size))


def _resize(d: _Draw, mode: str, blocked: bool) -> Made:
    c = d.channels(16 if blocked else 1, 256, 16 if blocked else 1)
    size = d.size(2, 96 if d.rank == 2 else 32)
    factor = d.rng.choice((2, 2, 2, 4)) if blocked else d.rng.choice((2, 2, 2, 4, 0.5))
    out = (c, *(max(1, int(n * factor)) for n in size))
    aligned = mode == "linear" and d.rng.random() < 0.4
    source, operations, shapes = _one("Resize", [(c, *size)], out, mode=mode, is_aligned=aligned, by_size=factor < 1)
    if blocked:  # only what is in blocks already stays there
        pool = {"kernel_shape": (2, 2), "strides": (1, 1), "pads": (0, 0, 0, 0)}
        first = Operation("MaxPool", (0,), 9, "", pool)
        last = Operation("Resize", (9,), 10, "", operations[0].attrs)
        return [(c, *(n + 1 for n in size))], [first, last], {9: (c, *size), 10: out}
    return source, operations, shapes


def _reduce(d: _Draw, kind: str, axis: int) -> Made:
    if axis == 2:
        shape = (d.channels(), prod(d.size(2)))
        return _one(kind, [shape], (shape[0],), axis=2, keepdims=0)
    shape3 = (d.channels(2), *d.size(2))
    return _one(kind, [shape3], (1, *shape3[1:]), axis=1, keepdims=1)


def _softmax(d: _Draw) -> Made:
    shape = (d.channels(2, 32), *d.size(2))
    return _one("Softmax", [shape], shape, axis=1)


def _gemm(d: _Draw) -> Made:
    c, o = d.channels(4), d.channels(1)
    return _one("Gemm", [(c,)], (o,), ((o, c),))


def _cut(d: _Draw, kind: str) -> Made:
    shape = (d.channels(), *d.size(4))
    if kind == "Slice":
        axis = d.rng.randint(1, d.rank)
        out = tuple(n - 1 if i == axis else n for i, n in enumerate(shape))
        return _one(kind, [shape], out, axis=axis + 1, start=1, end=shape[axis])
    return _one(kind, [shape], (shape[0], *(n + 1 for n in shape[1:])), pads=(*(0,) * d.rank, *(1,) * d.rank))


def _transpose(d: _Draw) -> Made:
    groups, size = d.rng.choice((2, 4, 8)), d.size(2)
    c = d.channels(1, 64)
    return _one("Transpose", [(groups, c, *size)], (c, groups, *size))


Recipe = tuple[int, int, Callable[[_Draw], Made]]
"""How many of 1000 kernels, the rank, and how to draw one."""

RECIPES: tuple[Recipe, ...] = (
    (110, 2, lambda d: _conv(d, "window")),
    (60, 2, lambda d: _conv(d, "pointwise")),
    (50, 2, lambda d: _conv(d, "depthwise")),
    (30, 2, lambda d: _conv(d, "first")),
    (10, 2, lambda d: _conv(d, "grouped")),
    (35, 2, lambda d: _conv(d, "odd")),
    (100, 3, lambda d: _conv(d, "window")),
    (60, 3, lambda d: _conv(d, "pointwise")),
    (30, 3, lambda d: _conv(d, "depthwise")),
    (30, 2, lambda d: _transposed(d, False)),
    (30, 3, lambda d: _transposed(d, False)),
    (12, 2, lambda d: _transposed(d, True)),
    (8, 3, lambda d: _transposed(d, True)),
    *((14, 2, lambda d, k=k: _pool(d, k, True)) for k in ("MaxPool", "AveragePool")),
    *((12, 2, lambda d, k=k: _pool(d, k, False)) for k in ("MaxPool", "AveragePool")),
    *((14, 3, lambda d, k=k: _pool(d, k, False)) for k in ("MaxPool", "AveragePool")),
    *((8, r, lambda d: _unary(d, "InstanceNormalization")) for r in (2, 3)),
    *((8, r, lambda d: _grouped(d, "")) for r in (2, 3)),
    *((5, r, lambda d: _unary(d, "BatchNormalization")) for r in (2, 3)),
    *(
        (3, r, lambda d, k=k: _unary(d, k))
        for k in (
            "Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "Elu", "Gelu", "QuickGelu", "HardSigmoid", "Selu", "PRelu",
        )
        for r in (2, 3)
    ),
    *((8, r, lambda d: _unary(d, "Relu")) for r in (2, 3)),
    *((10, r, lambda d: _binary(d, "Add", "same")) for r in (2, 3)),
    *((5, r, lambda d: _binary(d, "Mul", "same")) for r in (2, 3)),
    *((8, r, lambda d, k=k: _binary(d, k, "vector")) for k in ("Add", "Mul") for r in (2, 3)),
    *((8, r, lambda d, k=k: _binary(d, k, "weight")) for k in ("Add", "Mul") for r in (2, 3)),
    *((5, r, lambda d: _binary(d, "Mul", "map")) for r in (2, 3)),
    *((15, r, _concat) for r in (2, 3)),
    *((12, r, lambda d, m=m: _resize(d, m, False)) for m in ("nearest", "linear") for r in (2, 3)),
    *((10, 2, lambda d, m=m: _resize(d, m, True)) for m in ("nearest", "linear")),
    *((5, 2, lambda d, k=k, a=a: _reduce(d, k, a)) for k in ("ReduceMean", "ReduceMax") for a in (1, 2)),
    (5, 2, _softmax), (5, 3, _softmax), (10, 2, _gemm),
    *((5, r, lambda d, k=k: _cut(d, k)) for k in ("Slice", "Pad") for r in (2, 3)),
    (8, 2, _transpose),
)  # fmt: skip


def samples(count: int, block: int, seed: int = 0) -> Iterator[Snippet]:
    """About `count` snippets, families mixed, so that a calibration that is cut short has some of each."""
    rng = random.Random(seed)
    total = sum(share for share, _, _ in RECIPES)
    queue: list[Recipe] = []
    for recipe in RECIPES:
        queue += [recipe] * max(1, round(recipe[0] * count / total))
    rng.shuffle(queue)
    for _, rank, draw in queue:
        for _ in range(50):
            made = draw(_Draw(rng, rank))
            if _is_small(made):
                yield snippet(*made, block)
                break


def _is_small(made: Made) -> bool:
    sources, operations, shapes = made
    if any(min(shape) < 1 for shape in shapes.values()):
        return False
    if sum(map(prod, sources)) + sum(map(prod, shapes.values())) > MOST_ELEMENTS:
        return False
    for operation in operations:
        if operation.kind in ("Conv", "ConvTranspose"):
            positions = prod(shapes[10][1:]) if operation.kind == "Conv" else prod(sources[0][1:])
            if prod(operation.weights[0]) * positions > MOST_MACS:
                return False
    return True
