"""Kernels: what a runtime really executes, as values that can be compared, written in a file and looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from math import prod

Axes = tuple[int, ...]


@dataclass(frozen=True)
class Kernel:
    """One kernel with everything its time depends on. Channels and sizes are those of one sample.

    `layout` is `nchwc` for the blocked layout of 2-D convolutions, else empty. `others` are the channels of further
    inputs of a `Concat`, or 0 and 1 for the shape of the second operand of a sum or product (see `fusion`).
    `activation` is what is computed on the way out; `adds` says that a second tensor is added on the way out.
    """

    kind: str
    channels: int
    out_channels: int
    size: Axes
    out_size: Axes
    window: Axes = ()
    stride: Axes = ()
    dilation: Axes = ()
    groups: int = 1
    activation: str = ""
    adds: bool = False
    layout: str = ""

    def __str__(self) -> str:
        """One line, read back by `parse_kernel`: `Conv/nchwc 16>32 24x24>12x12 k3x3 s2x2 d1x1 g1 Relu +`."""
        words = [self.kind + (f"/{self.layout}" if self.layout else "")]
        words.append(f"{self.channels}>{self.out_channels}")
        words.append(f"{_by(self.size)}>{_by(self.out_size)}")
        for letter, axes in (("k", self.window), ("s", self.stride), ("d", self.dilation)):
            if axes:
                words.append(letter + _by(axes))
        if self.groups != 1:
            words.append(f"g{self.groups}")
        if self.activation:
            words.append(self.activation)
        if self.adds:
            words.append("+")
        return " ".join(words)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of a convolution or a matrix product; else 0."""
        if self.kind == "Gemm":
            return self.channels * self.out_channels
        if self.kind not in ("Conv", "ConvTranspose"):
            return 0
        positions = prod(self.out_size if self.kind == "Conv" else self.size)
        return self.channels * self.out_channels // self.groups * prod(self.window) * positions

    @cached_property
    def bytes(self) -> int:
        """Bytes read and written once: inputs, weights, outputs, in single precision."""
        weights = self.channels * self.out_channels // self.groups * prod(self.window) if self.macs else 0
        read = self.channels * prod(self.size)
        written = self.out_channels * prod(self.out_size)
        return 4 * (weights + read + written * (2 if self.adds else 1))


def _by(axes: Axes) -> str:
    return "x".join(map(str, axes)) or "-"


_LINE = re.compile(
    r"(?P<kind>\w+)(?:/(?P<layout>\w+))? (?P<c>\d+)>(?P<o>\d+) (?P<size>[\dx]+|-)>(?P<out>[\dx]+|-)"
    r"(?: k(?P<k>[\dx]+))?(?: s(?P<s>[\dx]+))?(?: d(?P<d>[\dx]+))?(?: g(?P<g>\d+))?"
    r"(?: (?P<act>[A-Za-z]+))?(?P<add> \+)?"
)


def parse_kernel(text: str) -> Kernel | None:
    """The kernel that `str` wrote; None for anything else."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    part = found.groupdict()

    def axes(name: str) -> Axes:
        value = part[name]
        return tuple(int(n) for n in value.split("x")) if value and value != "-" else ()

    return Kernel(
        part["kind"], int(part["c"]), int(part["o"]), axes("size"), axes("out"), axes("k"), axes("s"), axes("d"),
        int(part["g"] or 1), part["act"] or "", part["add"] is not None, part["layout"] or "",
    )  # fmt: skip
