"""Telling how far a run is: a protocol of one function, a bar for the terminal, and silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Report = Callable[[float, Mapping[str, float]], None]
"""Called with the share of the budget that is done (0 to 1) and numbers to show, by name."""


def silent(done: float, numbers: Mapping[str, float]) -> None:
    """Shows nothing."""


@contextmanager
def progress_bar(title: str, console: Console | None = None) -> Iterator[Report]:
    """A bar with the numbers, the time spent and the time left; on a console that is no terminal, nothing moves."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as bar:
        row = bar.add_task(title, total=1.0, numbers="")

        def report(done: float, numbers: Mapping[str, float]) -> None:
            bar.update(row, completed=min(done, 1.0), numbers=format_numbers(numbers))

        yield report


def format_numbers(numbers: Mapping[str, float]) -> str:
    """`step 120  loss 0.431  dice 0.872`."""
    return "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
