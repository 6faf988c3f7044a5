"""One training step: forward, loss, backward, clip, update. Shared by the training loop and by searches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch

from nascompile.diagnostics import NasError, error
from nascompile.train.predict import main_output

OutputLoss = Callable[[Any, torch.Tensor], torch.Tensor]
"""(what the network returned, target) -> scalar tensor."""


class StepLoss(Protocol):
    """A loss that changes with the step: `at(step)` is that of a step, and calling it computes that of the first."""

    def __call__(self, outputs: Any, target: torch.Tensor, /) -> torch.Tensor: ...
    def at(self, step: int) -> OutputLoss: ...


def loss_at(loss: OutputLoss | StepLoss, step: int) -> OutputLoss:
    """The loss of a step."""
    at = getattr(loss, "at", None)
    return loss if at is None else at(step)


Precision = Literal["auto", "float32", "bfloat16", "float16"]


def on_main(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> OutputLoss:
    """A loss of logits as a loss of whatever the network returns: it sees the main output (`predict.main_output`)."""
    return lambda outputs, target: loss(main_output(outputs), target)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Number format of the forward pass, and the loss scaler that float16 needs (it has state: save it)."""

    device: torch.device
    dtype: torch.dtype
    scaler: torch.amp.GradScaler

    @contextmanager
    def cast(self) -> Iterator[None]:
        """Run the forward pass inside this block."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not torch.float32):
            yield


def arithmetic(device: torch.device, precision: Precision = "auto") -> Arithmetic:
    """`auto`: float32 on the CPU; on CUDA bfloat16 where the card has it, else float16."""
    chosen: str = precision
    if precision == "auto":
        chosen = "float32"
        if device.type == "cuda":
            chosen = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[chosen]
    scaler = torch.amp.GradScaler(device.type, enabled=dtype is torch.float16 and device.type == "cuda")
    return Arithmetic(device, dtype, scaler)


def descend(
    loss: torch.Tensor,
    optimiser: torch.optim.Optimizer,
    parameters: Iterable[torch.nn.Parameter],
    *,
    step: int,
    clip: float | None = None,
    scaler: torch.amp.GradScaler | None = None,
) -> float:
    """Step the optimiser down the gradient of `loss`; returns the loss as a number.

    `clip` bounds the norm of the gradient of `parameters`. Raises `NasError` (`loss-is-nan`) before the weights change.
    """
    value = float(loss.detach())
    if not math.isfinite(value):
        hint = "lower the learning rate, clip the gradient (`clip = 5`), or normalise the images"
        raise error("loss-is-nan", f"the loss is {value} at step {step}", hint=hint)
    optimiser.zero_grad(set_to_none=True)
    if scaler is None or not scaler.is_enabled():
        loss.backward()  # type: ignore[no-untyped-call]
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(list(parameters), clip)
        optimiser.step()
        return value
    scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    if clip is not None:
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(list(parameters), clip)
    scaler.step(optimiser)
    scaler.update()
    return value


@contextmanager
def batch_errors(batch: int, patch: tuple[int, ...]) -> Iterator[None]:
    """Turn what a batch's size is wrong for into a diagnostic.

    `out-of-memory`, and `batch-of-one` where a norm over the batch gets a single value to normalise.
    """
    try:
        yield
    except torch.OutOfMemoryError as cause:
        raise _out_of_memory(batch, patch) from cause
    except ValueError as cause:
        if _SINGLE not in str(cause):
            raise
        raise _batch_of_one(batch) from cause


_SINGLE = "Expected more than 1 value per channel when training"
"""What torch says in `batch_norm` and `group_norm`."""


def _batch_of_one(batch: int) -> NasError:
    last = "" if batch == 1 else ": the last one of an epoch has what is left over"
    hint = "choose a `batch` that leaves no single image over, or a norm that does not need others"
    return error("batch-of-one", f"a norm cannot be trained with a batch of one image{last}", hint=hint)


def _out_of_memory(batch: int, patch: tuple[int, ...]) -> NasError:
    hint = f"try `batch = {batch // 2}`" if batch > 1 else "try a smaller patch or fewer channels"
    return error("out-of-memory", f"the device has not enough memory for batches of {batch} x {list(patch)}", hint=hint)
