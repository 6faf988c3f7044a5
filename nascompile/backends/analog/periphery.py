"""One product on the tiles of a row of the grid: converters, noise and bounds around a matrix product.

The arithmetic is that of aihwkit's torch tile (`AnalogMVM`), for all columns of tiles at once, and on columns of
inputs instead of rows, which is what convolutions have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Periphery:
    """Steps of the converters (0: none), the bound before the ADC, and standard deviations of noise.

    `is_dynamic` scales every input vector by its largest value; without it inputs are in the range already.
    """

    is_perfect: bool
    is_dynamic: bool
    input_step: float
    output_step: float
    output_bound: float
    input_noise: float
    output_noise: float
    weight_noise: float

    @staticmethod
    def of(io: Any, weight_noise: float) -> Periphery:
        """From aihwkit's `IOParameters` as `config.io_parameters` makes them."""
        bound = io.out_bound if io.out_bound > 0 else math.inf
        return Periphery(
            bool(io.is_perfect),
            io.noise_management.name == "ABS_MAX",
            max(io.inp_res, 0.0) * 2 * io.inp_bound,
            max(io.out_res, 0.0) * 2 * io.out_bound,
            bound,
            io.inp_noise,
            io.out_noise,
            weight_noise,
        )

    def multiply(self, inputs: Tensor, weights: Tensor, generator: torch.Generator | None, *, owned: bool) -> Tensor:
        """`weights @ inputs` as a tile gives it, without the scales of its columns.

        `inputs` is (batch, rows, positions), `weights` (columns, rows) in units of the largest weight; the result is
        (batch, columns, positions). `owned` lets `inputs` be overwritten. `generator` None draws from torch's own.
        """
        if self.is_perfect:
            return torch.matmul(weights, inputs)
        scale = None
        if self.is_dynamic:
            scale = torch.maximum(inputs.amax(1, keepdim=True), inputs.amin(1, keepdim=True).neg_())
            scale.masked_fill_(scale <= 0, 1.0)
            inputs = inputs.mul_(scale.reciprocal()) if owned else inputs * scale.reciprocal()
        elif not owned:
            inputs = inputs.clone()
        if self.input_step:
            inputs.div_(self.input_step).round_().mul_(self.input_step)
        if not self.is_dynamic:
            inputs.clamp_(-1.0, 1.0)
        if self.input_noise:
            inputs.add_(_normal(inputs, generator), alpha=self.input_noise)
        outputs = torch.matmul(weights, inputs)
        if self.weight_noise:  # fresh noise on every weight of every product is noise on the output
            lengths = inputs.norm(dim=1, keepdim=True).square_().mul_(self.weight_noise**2)
            outputs.add_(_normal(outputs, generator) * lengths.add_(self.output_noise**2).sqrt_())
        elif self.output_noise:
            outputs.add_(_normal(outputs, generator), alpha=self.output_noise)
        self.read_out(outputs)
        return outputs if scale is None else outputs.mul_(scale)

    def read_out(self, outputs: Tensor) -> Tensor:
        """The ADC, in place."""
        if self.output_step:
            outputs.div_(self.output_step).round_().mul_(self.output_step)
        if self.output_bound < math.inf:
            outputs.clamp_(-self.output_bound, self.output_bound)
        return outputs


def _normal(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
