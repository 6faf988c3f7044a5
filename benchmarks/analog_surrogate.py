"""Rank correlation of surrogates on nets that took no part in fitting them, and on other spaces, where they warn.

    python benchmarks/analog_surrogate.py [--runs FOLDER] [--others FOLDER] [--seeds 0 1 2]

No net is trained here: they are those of `analog_search.py` (`--runs`) and of `real_runs.py` and `pareto_runs.py`
(`--others`). For each seed a surrogate is fitted to the nets of all searches with other seeds, and tested on all nets
with this seed and on the random ones among them; nets that are in both are left out. Beside it: ranks by parameters
alone, and the surrogate's own figure from held-out nets. What a test can show at most: the ranks of the fronts' nets by
the searches' 3 programmings against those by 10 others, from `results/analog_search.json`.

Other spaces: NAS-SegNet without its narrowing (same columns, larger nets), and a U-Net of cells, a search of which has
to refuse the file. Last, surrogates for Dice of that U-Net's nets, from NSGA-II's nets to random ones.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from analog_search import METRIC, SEARCHES
from record import fingerprint, read, write

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "analog_surrogate.json"
SEARCH_RESULTS = ROOT / "benchmarks" / "results" / "analog_search.json"
TARGETS = {
    "analog_metric(after = 1 month)": ("drift", "random"),
    "analog_drop(after = 1 month)": ("drift", "random"),
    "dice": tuple(SEARCHES),
}


@cache
def nets(folder: Path) -> Any:
    """What a run evaluated."""
    from nascompile.jobs.surrogates import evaluated
    from nascompile.runs import Run

    return evaluated(Run(folder))


def plain(found: Any) -> dict[str, Any]:
    """An agreement as data; what is no number is null."""
    return {
        "nets": found.nets,
        "spearman": None if math.isnan(found.spearman) else round(found.spearman, 3),
        "kendall": None if math.isnan(found.kendall) else round(found.kendall, 3),
        "error": round(found.error, 5),
    }


def tested(surrogate: Any, runs: Sequence[Any]) -> dict[str, Any]:
    """A surrogate on nets that it was not fitted to."""
    from nascompile.jobs.surrogates import compare

    found = compare(surrogate, runs)
    return {
        **plain(found.agreement),
        "within the 90% interval": round(found.covered, 3),
        "outside of what was fitted": round(found.unknown, 3),
        "left out": found.repeated,
        "warnings": [d.message for d in found.problems],
    }


def by_parameters(target: str, runs: Sequence[Any]) -> dict[str, Any]:
    """Ranks by the number of parameters alone."""
    from nascompile.jobs.surrogates import measured, target_of
    from nascompile.search.surrogate.agreement import agreement
    from nascompile.search.surrogate.columns import Encoder

    pairs = [(v, row) for run in runs for row, v in measured(run, target_of(target)[1])]
    place = Encoder.of(runs[0].space).names.index("log2 params")
    return plain(agreement([v for v, _ in pairs], [row[place] for _, row in pairs]))


def across_seeds(runs: Path, target: str, names: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Fitted to the nets of other seeds, tested on those of each."""
    from nascompile.jobs.surrogates import fit_runs

    found: dict[str, Any] = {}
    for seed in seeds:
        others = [nets(runs / f"analog_{name}_{s}") for s in seeds if s != seed for name in names]
        made = fit_runs(others, target)
        own = [nets(runs / f"analog_{name}_{seed}") for name in names]
        random = [nets(runs / f"analog_random_{seed}")]
        found[str(seed)] = {
            "fitted to": len(made.rows),
            "held out": plain(made.held_out.agreement),
            "all": tested(made, own),
            "random nets": tested(made, random),
            "random nets by parameters": by_parameters(target, random),
        }
    return found


def most(results: Any) -> dict[str, Any]:
    """Ranks by what a search measured against ranks by fresh programmings of the same trained nets."""
    from nascompile.search.surrogate.agreement import agreement

    rows = [r for members in results["members"].values() for r in members.values() if r["searched"] is not None]
    fresh = [sum(r["1 month"]) / len(r["1 month"]) for r in rows]
    return plain(agreement(fresh, [r["searched"] for r in rows]))


def refused(surrogate: Any, other: Any) -> str:
    """What a search of another space says to a surrogate's file."""
    from nascompile.diagnostics import NasError
    from nascompile.search.surrogate.file import load
    from nascompile.search.surrogate.file import write as write_surrogate

    with tempfile.TemporaryDirectory() as folder:
        write_surrogate(Path(folder) / "s.json", surrogate)
        try:
            load(Path(folder) / "s.json").require(other.space)
        except NasError as failure:
            return failure.diagnostics[0].code
    return "accepted"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--others", type=Path, help="Runs `analog`, `pareto_nsga2_0` and so on.")
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    from nascompile.jobs.surrogates import fit_runs

    results: dict[str, Any] = {"machine": fingerprint(), "seeds": list(options.seeds), "targets": {}}
    for target, names in TARGETS.items():
        results["targets"][target] = across_seeds(options.runs, target, names, options.seeds)
    if (searched := read(SEARCH_RESULTS)) is not None:
        results["at most"] = {METRIC: most(searched)}
    if options.others is not None:
        whole = [nets(options.runs / f"analog_{name}_{s}") for s in options.seeds for name in SEARCHES]
        dice = fit_runs(whole, "dice")
        wide, cells = nets(options.others / "analog"), nets(options.others / "pareto_random_0")
        results["another space"] = {
            "without the narrowing": tested(dice, [wide]),
            "U-Net of cells": tested(dice, [cells]),
            "U-Net of cells in a search": refused(dice, cells),
        }
        made = fit_runs([nets(options.others / f"pareto_nsga2_{n}") for n in range(3)], "dice")
        random = [nets(options.others / f"pareto_random_{n}") for n in range(3)]
        results["U-Net of cells"] = {
            "fitted to": len(made.rows),
            "held out": plain(made.held_out.agreement),
            "random nets": tested(made, random),
            "random nets by parameters": by_parameters("dice", random),
        }
    write(options.results, results)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
