"""One step: clipping, NaN, memory; Ctrl-C as a request; the bar."""

from __future__ import annotations

import io
import signal

import pytest
import torch
from rich.console import Console

from nascompile.diagnostics import NasError
from nascompile.train.interrupt import catch_interrupt
from nascompile.train.progress import format_numbers, progress_bar
from nascompile.train.step import arithmetic, batch_errors, descend


def test_clipping_bounds_the_gradient() -> None:
    weight = torch.nn.Parameter(torch.tensor([30.0, 40.0]))
    optimiser = torch.optim.SGD([weight], 1.0)
    assert descend((weight**2).sum() / 2, optimiser, [weight], step=0, clip=5.0) == 1250
    assert weight.detach().tolist() == pytest.approx([27, 36])  # a step of length 5, not 50


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss_that_is_no_number_changes_nothing(value: float) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    with pytest.raises(NasError, match=r"loss-is-nan.*at step 7"):
        descend(weight.sum() * value, torch.optim.SGD([weight], 1.0), [weight], step=7)
    assert weight.tolist() == [1, 1]


def test_running_out_of_memory_is_a_diagnostic() -> None:
    with pytest.raises(NasError, match=r"out-of-memory.*8 x \[64, 64\].*`batch = 4`"), batch_errors(8, (64, 64)):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_norm_over_a_batch_of_one_is_a_diagnostic() -> None:
    norm = torch.nn.BatchNorm2d(3)
    with pytest.raises(NasError, match=r"batch-of-one.*the last one of an epoch"), batch_errors(8, (64, 64)):
        norm(torch.ones(1, 3, 1, 1))
    with pytest.raises(ValueError, match="other"), batch_errors(8, (64, 64)):
        raise ValueError("other")


def test_arithmetic() -> None:
    cpu = torch.device("cpu")
    assert arithmetic(cpu).dtype is torch.float32
    half = arithmetic(cpu, "bfloat16")
    with half.cast():
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype is torch.bfloat16
    assert not half.scaler.is_enabled()


def test_one_ctrl_c_is_a_request_two_are_an_order() -> None:
    before = signal.getsignal(signal.SIGINT)
    with catch_interrupt() as interrupt:
        assert not interrupt.requested
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_bar_shows_numbers() -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with progress_bar("train nuclei", console) as report:
        report(0.5, {"step": 120, "loss": 0.43125, "dice": 0.8721})
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "train nuclei" in text and "50%" in text and "step 120  loss 0.4313  dice 0.8721" in text
    assert format_numbers({}) == ""
