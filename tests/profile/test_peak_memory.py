"""Peak memory: by hand on small nets, and against what torch really allocates."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.profiler import profile

from nascompile.backends.pytorch import build
from nascompile.diagnostics import NasError
from nascompile.profile.memory import peak_memory

MAP = 2 * 8 * 8
"""Elements of the input, and of every map that `conv(2, ...)` and `relu` give."""


def elements(program: Any, **options: Any) -> float:
    return peak_memory(program, with_workspace=False, **options).transient / 4


@pytest.mark.parametrize(
    ("body", "maps"),
    [
        ("x -> relu", 1),  # the input is the caller's
        ("x -> relu -> relu -> relu", 2),
        ("y = x -> relu\nz = y -> relu -> relu\ny + z", 3),
        ("y = x -> relu\nconcat([y, y -> relu])", 4),
        ("x -> relu -> crop(first = 1)", 1),  # a view
        ("x -> dropout(0.5) -> relu", 1),  # evaluated, dropout passes on
    ],
)
def test_inference_by_hand(body: str, maps: int, written: Any) -> None:
    assert elements(written(body).net()) == maps * MAP


def test_training_keeps_what_the_backward_pass_needs(written: Any) -> None:
    net = written("x -> conv(2, 1) -> relu -> relu").net()
    assert elements(net) == 2 * MAP
    # Two outputs of relu are saved, the gradient of the output and that of its input are there beside them.
    assert elements(net, is_training=True) == 4 * MAP


def test_sizes_of_elements_and_optimisers(written: Any) -> None:
    net = written("x -> conv(2, 1)").net()
    single, half = peak_memory(net), peak_memory(net, dtype="float16")
    assert (single.resident, half.resident) == (4 * (4 + MAP), 2 * (4 + MAP))
    assert single.transient == 2 * half.transient
    adam = peak_memory(net, optimiser="adam")
    assert adam.resident - single.resident == 2 * 4 * 4
    assert adam.total == adam.resident + adam.transient


def test_an_open_space_has_no_memory(written: Any) -> None:
    with pytest.raises(NasError, match="not-decided"):
        peak_memory(written("y = x -> pick one of two(2)\ny").net())


@pytest.mark.parametrize(
    ("name", "input_", "arguments", "batch"),
    [
        ("nas_unet", (1, 64, 64), {"depth": 2}, 1),
        ("cifar", (3, 32, 32), {"layers": 3}, 2),
        ("dints", (1, 32, 32, 32), {"blocks": 2}, 1),
        ("nas_lung", (1, 32, 32, 32), {}, 2),
    ],
)
def test_torch_allocates_what_is_predicted(
    name: str, input_: tuple[int, ...], arguments: dict[str, Any], batch: int, shipped: Any
) -> None:
    opened = shipped(name, input_, **arguments)
    program = opened.net(opened.space.sample(random.Random(17)).values)
    net = build(program)
    x = torch.randn(batch, *input_, generator=torch.Generator().manual_seed(0))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            assert peak_memory(program, batch=batch).transient == pytest.approx(
                allocated(lambda: net.eval()(x)), rel=0.1
            )  # fmt: skip
        assert peak_memory(program, batch=batch, is_training=True).transient == pytest.approx(
            allocated(lambda: step(net.train(), x)), rel=0.1
        )
    finally:
        torch.set_num_threads(threads)


def step(net: Any, x: torch.Tensor) -> Any:
    for parameter in net.parameters():
        parameter.grad = None
    found = net(x)
    outputs = found if isinstance(found, tuple) else (found,)
    torch.autograd.backward(outputs, [torch.ones_like(y) for y in outputs])
    return outputs


def allocated(call: Callable[[], object]) -> int:
    """The most bytes that a call holds at once beyond what it found."""
    call()
    with profile(profile_memory=True) as profiler:
        kept = call()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]  # type: ignore[union-attr]
    held = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    del kept
    return peak
