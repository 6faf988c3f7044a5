"""Rank correlation of surrogates on nets that took no part in fitting them, and on other spaces, where they warn.

    python benchmarks/analog_surrogate.py [--space segnet] [--runs FOLDER] [--others FOLDER] [--seeds 0 1 2]

No net is trained here: they are those of `analog_search.py` (`--runs`) and of `real_runs.py` and `pareto_runs.py`
(`--others`). For each seed a surrogate is fitted to the nets of all searches with other seeds, and tested on all nets
with this seed and on the random ones among them; nets that are in both are left out. Beside it: ranks by parameters
alone, and the surrogate's own figure from held-out nets. What a test can show at most: the ranks of the fronts' nets by
the searches' 3 programmings against those by 10 others, from the results of `analog_search.py`.

Other spaces, for `segnet`: NAS-SegNet without its narrowing (same columns, larger nets), and a U-Net of cells, a search
of which has to refuse the file; for `unet`: the nets of `segnet`. Last, with `segnet`, surrogates for Dice of the U-Net
of cells, from NSGA-II's nets to random ones.
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

from analog_search import METRIC, PLANS, SEARCHES
from record import fingerprint, read, write

ROOT = Path(__file__).resolve().parents[1]
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


def across_seeds(runs: Path, prefix: str, target: str, names: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Fitted to the nets of other seeds, tested on those of each."""
    from nascompile.jobs.surrogates import fit_runs

    found: dict[str, Any] = {}
    for seed in seeds:
        others = [nets(runs / f"{prefix}_{name}_{s}") for s in seeds if s != seed for name in names]
        made = fit_runs(others, target)
        own = [nets(runs / f"{prefix}_{name}_{seed}") for name in names]
        random = [nets(runs / f"{prefix}_random_{seed}")]
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


def elsewhere(surrogate: Any, spaces: dict[str, Path]) -> dict[str, Any]:
    """What a surrogate says to nets of other spaces: its ranks, its warnings, and what a search of that space does."""
    found: dict[str, Any] = {}
    for name, folder in spaces.items():
        found[name] = {**tested(surrogate, [nets(folder)]), "in a search": refused(surrogate, nets(folder))}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", choices=PLANS, default="segnet")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--others", type=Path, help="With `segnet`: runs `analog`, `pareto_nsga2_0` and so on.")
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2))
    parser.add_argument("--results", type=Path, help="default: in `benchmarks/results`")
    options = parser.parse_args()
    from nascompile.jobs.surrogates import fit_runs

    plan = PLANS[options.space]
    prefix, runs = plan.prefix, options.runs
    path = options.results or plan.results.with_name(f"{prefix}_surrogate.json")
    results: dict[str, Any] = {"machine": fingerprint(), "seeds": list(options.seeds), "targets": {}}
    for target, names in TARGETS.items():
        results["targets"][target] = across_seeds(runs, prefix, target, names, options.seeds)
    if (searched := read(plan.results)) is not None:
        results["at most"] = {METRIC: most(searched)}
    dice = fit_runs([nets(runs / f"{prefix}_{name}_{s}") for s in options.seeds for name in SEARCHES], "dice")
    if options.space == "unet":
        results["another space"] = elsewhere(dice, {"NAS-SegNet": runs / "analog_random_0"})
    elif options.others is not None:
        spaces = {
            "without the narrowing": options.others / "analog",
            "U-Net of cells": options.others / "pareto_random_0",
        }
        results["another space"] = elsewhere(dice, spaces)
        made = fit_runs([nets(options.others / f"pareto_nsga2_{n}") for n in range(3)], "dice")
        random = [nets(options.others / f"pareto_random_{n}") for n in range(3)]
        results["U-Net of cells"] = {
            "fitted to": len(made.rows),
            "held out": plain(made.held_out.agreement),
            "random nets": tested(made, random),
            "random nets by parameters": by_parameters("dice", random),
        }
    write(path, results)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
