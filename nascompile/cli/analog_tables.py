"""Analog tiles on the command line: `--device pcm`, training within a run, and tables of what was measured."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nascompile.cli import session
from nascompile.diagnostics import error

if TYPE_CHECKING:
    from nascompile.runs import Run


def analog_device(name: str) -> str | None:
    """`--device NAME` where it names analog tiles, shipped or a file; None for what torch computes on."""
    from nascompile.analog.device import shipped_devices

    return name if name.endswith((".yaml", ".yml")) or name in shipped_devices() else None


def for_tiles(
    run: str | None,
    refused: Collection[str],
    device: str,
    settings: Sequence[str],
    task: str | None,
    data: Path | None,
    root: Path,
) -> None:
    """`train --analog`: within a run that has trained weights. What is done already is not done again.

    Raises NasError (`two-targets`) for options that name another network: `refused`.
    """
    if refused:
        listed = ", ".join(f"`{name}`" if name.startswith("-") else name for name in sorted(refused))
        hint = "name the run with `--run`; without it, the newest trained one"
        raise error("two-targets", f"`--analog` trains the network of a run, and takes no {listed}", hint=hint)
    wanted = analog_device(device)
    chosen = session.device("auto" if wanted is not None else device)
    from nascompile.jobs.analog_step import analog_step, plan_of_run
    from nascompile.jobs.training import Data

    found, plan = plan_of_run(root, run, wanted, list(settings), task, data)
    session.checked_task(plan.task)
    images = Data.of(plan.task, plan.stage.training.seed)
    try:
        analog_step(plan, found, images, chosen, session.announce, lambda line: print(line, file=sys.stderr))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"resume with `nascompile train --analog --run {found.name}` and the same options") from None
    print_analog(found, plan.device.name)
    print(f"run {found.folder}")


def print_analog(run: Run, device: str | None = None) -> None:
    """The tables of a run, or of one device."""
    from nascompile.report.analog_page import analog_parts
    from nascompile.report.tables import show_table

    for part in analog_parts(run):
        if device is None or part.device == device:
            show_table(f"on {part.device}", part.columns, part.rows, right=part.columns[1:])
            print(part.sentence)
