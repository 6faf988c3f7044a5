"""The measured rows of this project; each writes `benchmarks/results/ROW.json` with the machine it ran on.

    python benchmarks/run.py                  # every row
    python benchmarks/run.py supernet_step --channels 16 --sides 24 32 --repeats 7

A row is written as it is measured; what a call does not measure again stays. Ratios are of medians in one run, with the
two sides interleaved, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import compiler_rows
import cost_rows
import dints_step
import supernet_rows
from record import fingerprint, read, write

RESULTS = Path(__file__).parent / "results"

ROWS: dict[str, Callable[[argparse.Namespace], Iterator[tuple[str, Any]]]] = {
    "supernet_step": supernet_rows.supernet_step,
    "lattice_step": supernet_rows.lattice_step,
    "dints_step": dints_step.dints_step,
    "supernet_passes": supernet_rows.supernet_passes,
    "check_process": compiler_rows.check_process,
    "elaborate": compiler_rows.elaborate_rate,
    "sample": compiler_rows.sample_rate,
    "cost": compiler_rows.cost_rate,
    "pricing": cost_rows.pricing,
    "ranges": cost_rows.ranges,
    "expectations": cost_rows.expectations,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="rows to measure; all when none is named")
    parser.add_argument("--channels", type=int, nargs="*", default=[16, 32, 64])
    parser.add_argument("--sides", type=int, nargs="*", default=[24, 32, 48])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--without", nargs="*", default=[], help="passes to leave out")
    options = parser.parse_args()
    for row in options.rows or ROWS:
        path = RESULTS / f"{row}.json"
        found = (read(path) or {"results": {}})["results"]
        for key, value in ROWS[row](options):
            found[key] = value
            write(path, {"row": row, "machine": fingerprint(), "results": found})


if __name__ == "__main__":
    main()
