"""Whether ONNX Runtime computes what torch computes, by the yardstick of torch's own rounding.

The truth is torch in float64. A model passes when ONNX Runtime's float32 error is at most twice that of torch in
float32, over several sizes and batches together (the few numbers of one small output are no measure of rounding), and
when both agree on the class of nearly every position of real images.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

MOST = 2.0
"""The runtime's error may be so many times torch's own, over all comparisons."""

MOST_ONCE = 5.0
"""And so many times in a single one."""

FEWEST = 64
"""A comparison of fewer numbers than this is followed by one on a larger batch."""

LEAST_AGREEMENT = 0.999
"""Share of the positions of real images whose class is the same."""

ROUNDING = torch.finfo(torch.float32).eps
"""Errors below the rounding of one float32 number, as a share of the output's size, always pass."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One comparison on an input of `shape`, drawn at random or a real image.

    `runtime` and `torch` are root-mean-square differences from float64, as shares of the root-mean-square of the
    output. `same`: the share of positions of a real image with the same class (None for random inputs).
    """

    shape: tuple[int, ...]
    is_real: bool
    runtime: float
    torch: float
    same: float | None = None

    def __str__(self) -> str:
        size = "x".join(map(str, self.shape))
        words = (
            f"{'image' if self.is_real else 'random'} {size}: error {self.runtime:.1e}, torch's own {self.torch:.1e}"
        )
        return words if self.same is None else f"{words}, same class at {100 * self.same:.3f} %"


def compare(
    network: torch.nn.Module,
    session: Any,
    name: str,
    shapes: Sequence[tuple[int, ...]],
    images: Sequence[torch.Tensor] = (),
    *,
    seed: int = 0,
) -> tuple[Agreement, ...]:
    """Agreement on random inputs of `shapes` and on real `images` (1, channels, *sizes).

    `network` is on the CPU in evaluation mode, `session` an ONNX Runtime session whose input is called `name`.
    """
    exact = copy.deepcopy(network).double()
    drawn = [_image(shape, seed + number + 1) for number, shape in enumerate(_enough(network, shapes))]
    inputs = [*((x, False) for x in drawn), *((x, True) for x in images)]
    return tuple(_agreement(network, exact, session, name, image, is_real) for image, is_real in inputs)


def disagreement(found: Sequence[Agreement]) -> str | None:
    """Why comparisons are not good enough, or None."""
    runtime, own = (math.sqrt(sum(v**2 for v in values) / len(found)) for values in _columns(found))
    if not runtime <= max(MOST * own, ROUNDING):
        return f"error {runtime:.1e} over {len(found)} inputs, torch's own {own:.1e}"
    for one in found:
        if not one.runtime <= max(MOST_ONCE * max(one.torch, own), ROUNDING):
            return str(one)
        if one.same is not None and one.same < LEAST_AGREEMENT:
            return str(one)
    return None


def _columns(found: Sequence[Agreement]) -> tuple[list[float], list[float]]:
    return [a.runtime for a in found], [a.torch for a in found]


def _enough(network: torch.nn.Module, shapes: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The shapes, and a larger batch where the outputs of a free batch are few numbers (classifications)."""
    batches = [shape for shape in shapes if shape[0] > 1]
    if not batches:
        return list(shapes)
    with torch.no_grad():
        first = _tuple(network(torch.zeros(1, *batches[0][1:])))
    fewest = min(output.numel() for output in first)
    return [*shapes, (-(-FEWEST // fewest), *batches[0][1:])] if fewest < FEWEST else list(shapes)


def _agreement(
    network: torch.nn.Module, exact: torch.nn.Module, session: Any, name: str, image: torch.Tensor, is_real: bool
) -> Agreement:
    with torch.no_grad():
        truth, ours = (_tuple(f(x)) for f, x in ((exact, image.double()), (network, image)))
    theirs = [torch.from_numpy(a) for a in session.run(None, {name: image.numpy()})]
    runtime = own = 0.0
    for wanted, a, b in zip(truth, ours, theirs, strict=True):
        size = float(wanted.square().mean().sqrt()) or 1.0
        own = max(own, float((a.double() - wanted).square().mean().sqrt()) / size)
        error_ = float((b.double() - wanted).square().mean().sqrt()) / size
        runtime = max(runtime, error_ if error_ == error_ else float("inf"))
    same = float((_classes(truth[-1]) == _classes(theirs[-1])).double().mean()) if is_real else None
    return Agreement(tuple(image.shape), is_real, runtime, own, same)


def _classes(logits: torch.Tensor) -> torch.Tensor:
    return logits[:, 0] > 0 if logits.shape[1] == 1 else logits.argmax(1)


def _tuple(outputs: Any) -> tuple[torch.Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _image(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def fitted(
    images: Sequence[torch.Tensor], input: tuple[int, ...], free: Sequence[int], unit: int
) -> list[torch.Tensor]:
    """Real images (channels, *sizes) cut to what a model takes: multiples of `unit`, or the fixed size of an axis that
    is not in `free`; smaller ones are left out."""
    result = []
    for image in images:
        x = image[None].float()
        if x.shape[1] != input[0]:
            continue
        for axis in range(2, x.dim()):
            size = x.shape[axis] // unit * unit if axis in free else input[axis - 1]
            start = (x.shape[axis] - size) // 2
            x = x.narrow(axis, start, size) if 0 < size <= x.shape[axis] else x[..., :0]
            if x.numel() == 0:
                break
        if x.numel():
            result.append(x.contiguous())
    return result
