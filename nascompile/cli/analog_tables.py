"""Analog tiles on the command line: `--device pcm`, training within a run, and tables of what was measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nascompile.cli import session
from nascompile.diagnostics import did_you_mean, error

if TYPE_CHECKING:
    from nascompile.backends.analog.state import AnalogState
    from nascompile.data.task import SplitName
    from nascompile.jobs.analog_training import AnalogPlan
    from nascompile.runs import Run


def analog_device(name: str) -> str | None:
    """`--device NAME` where it names analog tiles, shipped or a file; None for what torch computes on.

    Raises NasError (`unknown-device`) for what looks like a misspelt name of tiles.
    """
    from nascompile.analog.device import shipped_devices

    shipped = shipped_devices()
    if name.endswith((".yaml", ".yml")) or name in shipped:
        return name
    is_processor = name.partition(":")[0] in ("auto", "cpu", "cuda", "mps", "xpu")
    if not is_processor and (near := did_you_mean(name.lower(), shipped)):
        raise error("unknown-device", f"there is no device `{name}`", hint=near)
    return None


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
    session.device("cpu" if wanted is not None else device)
    from nascompile.jobs.analog_step import analog_step, plan_of_run
    from nascompile.jobs.training import Data

    found, plan = plan_of_run(root, run, wanted, list(settings), task, data)
    session.checked_task(plan.task)
    images = Data.of(plan.task, plan.stage.training.seed)
    try:
        analog_step(plan, found, images, session.announce, lambda line: print(line, file=sys.stderr))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"resume with `nascompile train --analog --run {found.name}` and the same options"
        ) from None
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


def on_tiles(
    run: str | None,
    device: str,
    times: str | None,
    programmings: int | None,
    weights: Path | None,
    data: Path | None,
    root: Path,
) -> tuple[AnalogPlan, dict[str, AnalogState | None]]:
    """What `evaluate --device pcm` measures. Raises NasError before any image is read."""
    session.device("cpu")
    from nascompile.jobs.analog_evaluation import read_times
    from nascompile.jobs.analog_measuring import states_of, with_choices
    from nascompile.jobs.analog_step import plan_of_run

    found, plan = plan_of_run(root, run, device, [], None, data)
    plan = with_choices(plan, None if times is None else read_times(times), programmings, weights)
    return plan, states_of(found, plan, weights)


def show_on_tiles(
    plan: AnalogPlan,
    states: dict[str, AnalogState | None],
    split: SplitName,
    metric: str,
    bits: str | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Measure, and print a table or JSON; `plot` is where to draw it."""
    from nascompile.files import write_text
    from nascompile.jobs.analog_measuring import measure_on_device
    from nascompile.report.analog_curves import draw_over_time, over_time_table
    from nascompile.report.tables import show_table

    session.checked_task(plan.task)
    converters = _bits(bits)
    if converters and plan.device.out_bound is None:
        hint = "measure on a device file with `out_bound: 10` in its `converters`"
        raise error("bad-value", f"`{plan.device.name}` has no bound of outputs that `--bits` could divide", hint=hint)
    found = measure_on_device(plan, states, split, metric, converters, session.device("cpu"), session.announce)
    if plot is not None:
        write_text(plot, draw_over_time(found))
    if as_json:
        print(json.dumps(found, indent=1))
        return
    columns, rows = over_time_table(found)
    show_table(f"on {found['device']}", columns, rows, right=columns[1:])
    print(
        f"{found['task']}, {metric} on the {split} cases: mean ± standard deviation over {found['programmings']}"
        " programmings; a model of a device, for research"
    )


def _bits(text: str | None) -> list[int]:
    """`4,5,6` as numbers. Raises NasError (`bad-value`)."""
    parts = [] if text is None else [part.strip() for part in text.split(",")]
    for part in parts:
        if not part.isdecimal() or not 2 <= int(part) <= 24:
            hint = "write whole numbers from 2 to 24: `--bits 4,5,6,8`"
            raise error("bad-value", f"`{part}` is no number of bits", hint=hint)
    return list(dict.fromkeys(int(part) for part in parts))
