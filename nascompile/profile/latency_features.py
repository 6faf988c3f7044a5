"""What the time of a kernel depends on, as numbers: families of kernels that one model covers, and their features."""

from __future__ import annotations

from math import log, prod
from typing import Any

from nascompile.profile.kernels import Kernel

COSTLY = ("Sigmoid", "Tanh", "HardSigmoid", "Clip", "LeakyRelu")
"""Activations that take time on the way out of a convolution; `Relu` takes next to none."""


def family(kernel: Kernel, block: int = 16) -> str:
    """The name of the model that covers a kernel: kernels of one algorithm. Its rank matters where the code differs."""
    rank = len(kernel.size)
    if kernel.kind == "Conv":
        if kernel.groups > 1 and kernel.groups == kernel.channels:
            how = "depthwise"
        elif kernel.groups > 1:
            how = "grouped"
        elif kernel.layout and kernel.channels < block:
            how = "first"  # reads the plain layout
        else:
            how = "pointwise" if prod(kernel.window) == 1 else "window"
        return f"Conv {how} {kernel.layout or f'{rank}-D'}"
    if kernel.kind == "ConvTranspose":
        return f"ConvTranspose {'depthwise ' if kernel.groups > 1 else ''}{rank}-D"
    if kernel.kind in ("MaxPool", "AveragePool"):
        return f"{kernel.kind} {kernel.layout or f'{rank}-D'}"
    if kernel.kind in ("ResizeNearest", "ResizeLinear", "UpsampleNearest", "UpsampleLinear"):
        return f"{kernel.kind} {rank}-D"
    if kernel.kind in ("ReduceMean", "ReduceMax", "Softmax", "Slice"):
        return f"{kernel.kind} axis {min(kernel.groups, 3)}"
    return kernel.kind


def _up(value: int, block: int) -> int:
    return -(-value // block) * block


def work(kernel: Kernel, block: int = 16) -> list[float]:
    """Amounts whose weighted sum is a first estimate of the time: a start, arithmetic, bytes in and out, weights,
    and the columns that a convolution by matrix product writes first. All are at least 0."""
    inside, outside = prod(kernel.size), prod(kernel.out_size)
    c, o = kernel.channels, kernel.out_channels
    if kernel.layout:
        o = _up(o, block)
        c = c if c < block else _up(c, block)
    positions = inside if kernel.kind == "ConvTranspose" else outside
    if kernel.kind in ("Conv", "ConvTranspose", "Gemm"):
        width = o if kernel.layout else _up(o, 4)
        macs = float(c * width // kernel.groups * max(1, prod(kernel.window)) * max(1, positions))
        weights = float(c * o // kernel.groups * max(1, prod(kernel.window)))
        columns = float(c * prod(kernel.window) * positions) if not kernel.layout and prod(kernel.window) > 1 else 0.0
        return [1.0, macs, float(c * inside), float(o * outside * (2 if kernel.adds else 1)), weights, columns]
    if kernel.kind.startswith("Reorder"):  # blocks are filled up
        c, o = (c, _up(o, block)) if kernel.kind == "ReorderInput" else (_up(c, block), o)
    window = float(max(1, prod(kernel.window)))
    return [1.0, o * outside * window, float(c * inside), float(o * outside), float(kernel.groups), float(o)]


def features(kernel: Kernel, block: int = 16) -> list[float]:
    """The coordinates in which kernels are near each other: logarithms of amounts, and marks."""
    amounts = work(kernel, block)
    found = [log(1 + amount) for amount in amounts[1:]]
    last = kernel.out_size[-1] if kernel.out_size else 1
    tail = last % 16 / 16
    found += [
        log(1 + kernel.channels),
        log(1 + kernel.out_channels),
        log(1 + last),
        tail,
        log(1 + prod(kernel.out_size)),
    ]
    if kernel.window:
        found += [
            log(kernel.window[-1]),
            log(prod(kernel.window)),
            log(prod(kernel.stride)),
            log(max(1, prod(kernel.dilation))),
        ]
    if kernel.kind == "Conv":
        found += [float(kernel.adds), float(kernel.activation in COSTLY), float(kernel.channels % 16 != 0)]
        found += [
            float(kernel.out_channels % 16 != 0),
            float(-(-kernel.out_channels // block) % 4) if kernel.layout else 0.0,
        ]
    return found


def matrix(kernels: list[Kernel], block: int) -> tuple[Any, Any]:
    """Features and work of several kernels of one family as arrays, a row each."""
    import numpy as np

    return np.array([features(k, block) for k in kernels]), np.array([work(k, block) for k in kernels])
