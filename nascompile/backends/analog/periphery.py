"""One product on the tiles of a row of the grid: converters, noise and bounds around a matrix product.

The arithmetic is that of aihwkit's torch tile (`AnalogMVM`), for all columns of tiles at once. It is on columns of
inputs instead of rows, which is what convolutions have, and counts inputs and outputs in steps of their converters, so
that rounding needs no divisions.
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

    @property
    def input_unit(self) -> float:
        """What inputs are counted in: steps of the DAC, if there is one."""
        return self.input_step or 1.0

    @property
    def output_unit(self) -> float:
        """What outputs are counted in: steps of the ADC, if there is one."""
        return self.output_step or 1.0

    def counted(self, weights: Tensor) -> Tensor:
        """Weights that lead from inputs in their unit to outputs in theirs."""
        return weights if self.is_perfect else weights * (self.input_unit / self.output_unit)

    def multiply(
        self, inputs: Tensor, weights: Tensor, outputs: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """What a tile gives for `weights @ inputs`, in `outputs`, without the scales of its columns.

        `inputs` (rows, positions) are in units of the DAC and overwritten; `weights` (columns, rows) are `counted`;
        `outputs` (columns, positions) come in units of the ADC. `generator` None draws from torch's own.
        """
        if self.is_perfect:
            return torch.mm(weights, inputs, out=outputs)
        if self.input_step:
            inputs.round_()
        if not self.is_dynamic:
            inputs.clamp_(-1 / self.input_unit, 1 / self.input_unit)
        if self.input_noise:
            noise = torch.empty_like(inputs).normal_(generator=generator)
            inputs.add_(noise, alpha=self.input_noise / self.input_unit)
        beta = 0.0
        if self.output_noise or self.weight_noise:
            outputs.normal_(generator=generator)
            beta = self.output_noise / self.output_unit
            if self.weight_noise:  # fresh noise on every weight of every product is noise on the output
                lengths = inputs.norm(dim=0, keepdim=True).mul_(self.input_unit * self.weight_noise).square_()
                outputs.mul_(lengths.add_(self.output_noise**2).sqrt_())
                beta = 1 / self.output_unit
        if beta:
            outputs.addmm_(weights, inputs, beta=beta)
        else:
            torch.mm(weights, inputs, out=outputs)
        if self.output_step:
            outputs.round_()
        if self.output_bound < math.inf:
            outputs.clamp_(-self.output_bound / self.output_unit, self.output_bound / self.output_unit)
        return outputs

    def read_out(self, outputs: Tensor) -> Tensor:
        """The ADC on outputs in units of the largest weight, in place."""
        if self.output_step:
            outputs.div_(self.output_step).round_().mul_(self.output_step)
        if self.output_bound < math.inf:
            outputs.clamp_(-self.output_bound, self.output_bound)
        return outputs
