"""Whether ONNX Runtime computes what torch computes, by the yardstick of torch's own rounding.

The truth is torch in float64. A model passes when ONNX Runtime's float32 error is at most twice that of torch in
float32, for every size and batch, and when both agree on the class of nearly every position of real images.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from nascompile.diagnostics import error
from nascompile.source import Span

MOST = 2.0
"""The runtime's error may be so many times torch's own."""

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

    @property
    def passes(self) -> bool:
        """Whether the two rules hold."""
        close = self.runtime <= max(MOST * self.torch, ROUNDING)
        return close and (self.same is None or self.same >= LEAST_AGREEMENT)

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
    span: Span | None = None,
) -> Iterator[Agreement]:
    """Agreement on random inputs of `shapes` and on real `images` (1, channels, *sizes).

    `network` is on the CPU in evaluation mode, `session` an ONNX Runtime session whose input is called `name`. Raises
    NasError (`onnx-disagrees`) at the first that does not pass.
    """
    exact = copy.deepcopy(network).double()
    drawn = [_image(shape, seed + number + 1) for number, shape in enumerate(shapes)]
    for image, is_real in [*((x, False) for x in drawn), *((x, True) for x in images)]:
        found = _agreement(network, exact, session, name, image, is_real)
        if not found.passes:
            message = f"ONNX Runtime does not compute what torch computes: {found}"
            raise error("onnx-disagrees", message, span, hint="nothing was written; please report this network")
        yield found


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
