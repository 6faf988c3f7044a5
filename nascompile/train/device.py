"""Choosing the device to compute on."""

from __future__ import annotations

import torch

from nascompile.diagnostics import error
from nascompile.source import Span


def choose_device(name: str = "auto", span: Span | None = None) -> torch.device:
    """`auto`: the CUDA device with most free memory, else the CPU. Else the device of that name.

    Raises `NasError` (`unknown-device`) if this machine has no such device.
    """
    if name == "auto":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            return torch.device("cpu")
        return torch.device("cuda", max(range(count), key=lambda i: torch.cuda.mem_get_info(i)[0]))
    try:
        device = torch.device(name)
    except RuntimeError as cause:
        raise error("unknown-device", f"`{name}` is no device", span, hint="write auto, cpu, cuda or cuda:0") from cause
    missing = device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    if missing or (device.type == "mps" and not torch.backends.mps.is_available()):
        hint = f"this machine has {torch.cuda.device_count()} CUDA device(s); write `auto` or `cpu`"
        raise error("unknown-device", f"the device `{name}` is not here", span, hint=hint)
    return device


def describe(device: torch.device) -> str:
    """A name for reports: the card's, or `CPU (n threads)`."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"CPU ({torch.get_num_threads()} threads)" if device.type == "cpu" else device.type
