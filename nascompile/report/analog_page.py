"""The part of a run's pages on analog tiles: one table and one picture for each device that it was measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nascompile.report.analog_curves import over_time_table
from nascompile.runs import Run, read_json

PREFIX = "analog_"
"""How the files of a run begin that hold what was measured on a device."""


@dataclass(frozen=True, slots=True)
class AnalogPart:
    """A device's name, a sentence on what was measured, a table, and the file of its picture in the run's folder."""

    device: str
    sentence: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    picture: str


def analog_parts(run: Run) -> list[AnalogPart]:
    """What a run measured on analog tiles, by device. Raises NasError (`unreadable-run`)."""
    found = []
    for path in sorted(run.folder.glob(f"{PREFIX}*.json")):
        results = read_json(path)
        columns, rows = over_time_table(results)
        training = results["training"]
        sentence = (
            f"{results['task']}, {results['metric']} on the {results['split']} cases: mean ± standard deviation over"
            f" {results['programmings']} programmings. `hardware-aware` was trained for {training['budget']} more with"
            f" weight noise {training['noise']:g}, `control` as long without, both from the digital network, which is"
            " `converted`. `digital` is the metric without tiles. The device is a model."
        )
        found.append(AnalogPart(results["device"], sentence, columns, rows, path.with_suffix(".svg").name))
    return found
