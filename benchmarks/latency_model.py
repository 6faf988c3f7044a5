"""The latency model on networks that took no part in its calibration: ONNX Runtime, CPU, one thread.

    python benchmarks/latency_model.py                       # calibrates (8 minutes), then 105 networks of five spaces
    python benchmarks/latency_model.py --table specs/devices/cpu.yaml --nets 2 --seconds 1

Networks are random genotypes of spaces none of whose networks the calibration saw. Each is measured twice, the second
time after all the others, so that the measurement's own repeatability stands beside the model's error. A second row
measures first the kernels that the table hardly knows (`--measure-missing`). What is measured is written at once; a
call goes on where the last one stopped. `--clock cpu` counts processor time: for trials on a busy machine.
"""

from __future__ import annotations

import argparse
import time
from functools import cache
from math import log
from pathlib import Path
from typing import Any

from record import fingerprint, read, write

from nascompile.jobs.calibration import calibrate, network_latency, random_network
from nascompile.profile.fusion import kernels
from nascompile.profile.latency import fair_clock
from nascompile.profile.latency_calibration import add_measured, rank_correlation, shares
from nascompile.profile.latency_model import LatencyModel
from nascompile.profile.latency_table import load
from nascompile.profile.latency_table import write as write_table
from nascompile.profile.operations import Operations

RESULT = Path(__file__).parent / "results" / "latency_model.json"
TABLE = Path(__file__).parent / "results" / "latency_table.yaml"

SPACES: tuple[tuple[str, str, tuple[int, ...], dict[str, Any]], ...] = (
    ("nas_unet", "nas_unet", (1, 64, 64), {}),
    ("mixsearch", "wdan", (3, 64, 64), {}),
    ("auto_deeplab", "auto_deeplab", (3, 64, 64), {}),
    ("dints", "dints", (1, 32, 32, 32), {}),
    ("nas_segnet", "nas_segnet", (3, 32, 32), {}),
)
"""Spec, space, input: all with decoders, `dints` in 3-D. `nas_segnet` shares its trunk with a space of calibration."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=TABLE, help="a latency table; calibrated where it does not exist")
    parser.add_argument("--nets", type=int, default=21, help="networks a space")
    parser.add_argument("--seconds", type=float, default=1.0, help="the longest time of one measurement")
    parser.add_argument("--minutes", type=float, default=8.0, help="for the calibration")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--fresh", action="store_true", help="forget earlier measurements")
    options = parser.parse_args()
    stored = {} if options.fresh else (read(RESULT) or {})
    if not options.table.exists():
        start = time.perf_counter()
        table = calibrate("this-machine", seconds=60 * options.minutes, say=lambda text: print(text, flush=True))
        write_table(options.table, table)
        stored = {"calibration_seconds": round(time.perf_counter() - start, 1)}
    clock = fair_clock(1) if options.clock == "cpu" else time.perf_counter
    measured = stored.setdefault("networks", {})
    stored |= {"machine": fingerprint(), "clock": options.clock, "table": str(options.table.name)}
    model = LatencyModel(load(options.table))
    jobs = [(place, number) for number in range(options.nets) for place in range(len(SPACES))]
    for turn in ("first", "second"):
        for place, number in jobs:
            space = SPACES[place][1]
            row = measured.setdefault(f"{space} {number}", {})
            if turn in row:
                continue
            network = drawn(place, number)
            found = network_latency(network, seconds=options.seconds, clock=clock)
            row[turn] = {"ms": found.median, "quiet_ms": found.quiet, "calls": found.calls, "unstable": found.unstable}
            print(f"{space} {number}: {found.median:.2f} ms", flush=True)
            write(RESULT, stored)
    stored["model"] = evaluated(model, measured, jobs)
    write(RESULT, stored)
    stored["with missing kernels measured"] = completed(model, measured, jobs)
    write(RESULT, stored)
    for name in ("model", "with missing kernels measured"):
        print(name, {k: v for k, v in stored[name].items() if k not in ("networks", "worst")})


@cache
def drawn(place: int, number: int) -> Operations:
    """The random network `number` of a space."""
    spec, space, input, arguments = SPACES[place]
    return random_network(spec, space, input, arguments, 9000 + number)


def truth(row: dict[str, Any]) -> float:
    """The milliseconds that a network takes: the better of its two medians, other work only adds."""
    return float(min(row["first"]["ms"], row["second"]["ms"]))


def evaluated(model: LatencyModel, measured: dict[str, Any], jobs: list[tuple[int, int]]) -> dict[str, Any]:
    """The errors of a model, by space and in all, beside those of the second measurement against the first."""
    rows = []
    for place, number in jobs:
        found = model.predict_operations(drawn(place, number))
        space = SPACES[place][1]
        row = measured[f"{space} {number}"]
        by_kind: dict[str, float] = {}
        for priced in found.kernels:
            by_kind[priced.kernel.kind] = by_kind.get(priced.kernel.kind, 0.0) + priced.ms
        dearest = sorted(by_kind, key=lambda kind: -by_kind[kind])[:3]
        ms = truth(row)
        rows.append(
            {
                "network": f"{space} {number}", "space": space, "ms": ms, "predicted_ms": found.ms,
                "log_error": log(found.ms / ms), "in_interval": found.low <= ms <= found.high,
                "unknown": len(found.unknown), "kernels": len(found.kernels),
                "repeat_log": log(row["second"]["ms"] / row["first"]["ms"]),
                "dearest": {kind: round(by_kind[kind] / found.ms, 3) for kind in dearest},
            }
        )  # fmt: skip

    def figures(some: list[dict[str, Any]]) -> dict[str, Any]:
        ranks = [[r["ms"] for r in some], [r["predicted_ms"] for r in some]]
        return shares([r["log_error"] for r in some]) | {
            "count": len(some),
            "spearman": round(rank_correlation(*ranks), 4) if len(some) > 2 else None,
            "in_interval": round(sum(r["in_interval"] for r in some) / len(some), 4),
            "repeatability": shares([r["repeat_log"] for r in some]),
        }

    spaces = dict.fromkeys(r["space"] for r in rows)
    worst = sorted(rows, key=lambda r: -abs(r["log_error"]))[:10]
    return figures(rows) | {
        "spaces": {space: figures([r for r in rows if r["space"] == space]) for space in spaces},
        "worst": worst,
    }


def completed(model: LatencyModel, measured: dict[str, Any], jobs: list[tuple[int, int]]) -> dict[str, Any]:
    """The same after measuring, alone, every kernel of these networks that the table hardly knows."""
    wanted: dict[Any, None] = {}
    for place, number in jobs:
        network = drawn(place, number)
        known = model.price(p.kernel for p in kernels(network, model.table.block))
        wanted |= dict.fromkeys(p.kernel for p in kernels(network, model.table.block) if known[p.kernel][1] > 0.1)
    start = time.perf_counter()
    table, missing = add_measured(model.table, wanted)
    seconds = round(time.perf_counter() - start, 1)
    found = evaluated(LatencyModel(table), measured, jobs)
    return found | {"measured_kernels": len(wanted) - len(missing), "seconds": seconds}


if __name__ == "__main__":
    main()
