"""Input ranges that do not follow every vector: calibrated on data, or learned as aihwkit learns them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nascompile.analog.device import Device
from nascompile.diagnostics import error

FIRST_BATCHES = 50  # of training, from which ranges are taken before they are learned
QUANTILE = 0.999
SAMPLE = 1 << 16  # values of a batch that the quantile is taken of


class InputRange(nn.Module):
    """The largest input of a layer: what is larger is clipped. 0 until data or a file has set it."""

    value: Tensor
    batches: Tensor

    def __init__(self, *, learned: bool):
        super().__init__()
        if learned:
            self.value = nn.Parameter(torch.zeros(()))
        else:
            self.register_buffer("value", torch.zeros(()))
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))
        self.learned = learned

    @staticmethod
    def of(device: Device) -> InputRange | None:
        """None for a device whose inputs are scaled vector by vector, or ideal."""
        if device.is_ideal or device.input_range == "dynamic":
            return None
        return InputRange(learned=device.input_range == "learned")

    def limit(self) -> Tensor:
        """Raises NasError `not-calibrated` before any data was seen."""
        limit = self.value.detach().abs()
        if not limit > 0:
            hint = "call `calibrate` with a few batches, or train, or load a state that has ranges"
            raise error("not-calibrated", "an input range of a tile is not set", hint=hint)
        return limit

    @torch.no_grad()
    def observe(self, x: Tensor) -> None:
        """Widen the range to a batch's 99.9 % quantile of absolute values."""
        values = x.detach().abs().flatten()
        values = values[:: max(1, len(values) // SAMPLE)]
        top = torch.quantile(values.float(), QUANTILE).to(self.value.dtype)
        self.value.copy_(torch.maximum(self.value.abs(), top))
        self.batches += 1

    def clip(self, x: Tensor, *, update: bool) -> Tensor:
        """`x` within the range; a learned range gets aihwkit's gradient."""
        if update and int(self.batches) < FIRST_BATCHES:
            self.observe(x)
        limit = self.limit()
        x = x.clamp(-limit, limit)
        if self.learned and torch.is_grad_enabled():
            from aihwkit.simulator.parameters.pre_post import InputRangeParameter
            from aihwkit.simulator.tiles.inference_torch import InputRangeForward

            rule: Any = InputRangeParameter()
            x = InputRangeForward.apply(x, self.value, rule)
        return x
