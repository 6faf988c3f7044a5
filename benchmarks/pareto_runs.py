"""Dice, measured latency and parameters at once: NSGA-II against random search at equal numbers of trials.

    python benchmarks/pareto_runs.py [--runs FOLDER] [--seeds 0 1 2] [--workers 2]

The plan, fixed before the runs: `demo/pareto.nas`, 40 trials a search, seeds 0, 1 and 2, one search a process.
Hypervolume of each front in (1 - Dice, milliseconds, parameters), up to one reference for all: the worst value of any
trial that fulfils the conditions. Then, alone on the machine, every network of the NSGA-II fronts is timed again, and
those of the first seed are exported and their files timed. Searches and measurements that are done are not done again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from record import fingerprint, read, write

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "pareto_runs.json"
SPEC = ROOT / "demo" / "pareto.nas"
STRATEGIES = {"nsga2": "nsga2(population = 8)", "random": "random"}
LIMIT = 1.5
"""Milliseconds: the condition of the text."""


def searched(runs: Path, strategy: str, seed: int) -> Path:
    """The folder of a finished search."""
    folder = runs / f"pareto_{strategy}_{seed}"
    if not (folder / "front.json").exists():
        command = [sys.executable, "-m", "nascompile.cli.app", "search", str(SPEC), "--name", folder.name]
        command += ["--runs", str(runs), "--seed", str(seed), "--set", f"strategy={STRATEGIES[strategy]}"]
        command += ["--resume"] if folder.exists() else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def points(folder: Path) -> list[list[float]]:
    """(1 - Dice, milliseconds, parameters) of the trials that count."""
    trials = json.loads((folder / "trials.json").read_text(encoding="utf-8"))["trials"]
    found = []
    for trial in trials:
        values = trial["measures"]
        if trial["state"] == "complete" and 1e3 * _latency(values) < LIMIT:
            found.append([1 - values["dice"], 1e3 * _latency(values), values["params"]])
    return found


def _latency(values: dict[str, float]) -> float:
    return next(v for k, v in values.items() if k.startswith("latency"))


def timed_again(folder: Path) -> dict[str, float]:
    """Milliseconds of every network of a front, measured now."""
    from nascompile.compilation import Compilation
    from nascompile.jobs.calibration import network_latency
    from nascompile.jobs.programs import fixed_program
    from nascompile.profile.operations import operations_of

    text = Compilation.from_path(folder / "front.nas", ROOT / "demo")
    task = Compilation.from_path(SPEC).task(search="trade")
    return {
        name: network_latency(operations_of(fixed_program(text, text.genotype(name), task)), 1, seconds=2.0).median
        for name in text.library.genotypes
        if name.startswith("front_")
    }


def exported(folder: Path, name: str) -> dict[str, Any]:
    """The file of a front's network: its latency and how many inputs it agreed with torch on."""
    import torch

    from nascompile.backends.onnx import session
    from nascompile.compilation import Compilation
    from nascompile.jobs.exporting import export_network
    from nascompile.jobs.networks import make
    from nascompile.jobs.programs import fixed_program
    from nascompile.profile.latency import session_latency

    torch.set_num_threads(1)
    text = Compilation.from_path(folder / "front.nas", ROOT / "demo")
    task = Compilation.from_path(SPEC).task(search="trade")
    genotype = text.genotype(name)
    program = fixed_program(text, genotype, task)
    path, shape = folder / f"{name}.onnx", (task.channels, *task.patch)
    done = export_network(
        make(program, 0), shape, [n for n, _ in program.graph.outputs], path, digest="", genotype=genotype, task=task
    )
    again = session_latency(session(path.read_bytes(), 1), shape, 1, seconds=2.0)
    return {"ms": again.median, "agreements": len(done.model.agreements)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--searches-only", action="store_true")
    options = parser.parse_args()
    plan = [(strategy, seed) for seed in options.seeds for strategy in STRATEGIES]
    with ThreadPoolExecutor(options.workers) as pool:
        folders = dict(zip(plan, pool.map(lambda p: searched(options.runs, *p), plan), strict=True))
    if options.searches_only:
        return
    import numpy as np

    from nascompile.search.pareto import hypervolume

    found = {key: points(folder) for key, folder in folders.items()}
    worst = np.max([p for rows in found.values() for p in rows], axis=0)
    results = read(RESULTS) or {"machine": fingerprint(), "retimed": {}, "exported": {}}
    results["reference"] = [float(v) for v in worst]
    results["hypervolume"] = {
        f"{strategy} {seed}": hypervolume([tuple(np.array(p) / worst) for p in rows], (1.01, 1.01, 1.01))
        for (strategy, seed), rows in found.items()
    }
    results["trials"] = {f"{s} {n}": len(rows) for (s, n), rows in found.items()}
    for (strategy, seed), folder in folders.items():
        key = f"{strategy} {seed}"
        if strategy == "nsga2" and key not in results["retimed"]:
            results["retimed"][key] = timed_again(folder)
            write(RESULTS, results)
    first = folders["nsga2", options.seeds[0]]
    for name in results["retimed"][f"nsga2 {options.seeds[0]}"]:
        if name not in results["exported"]:
            results["exported"][name] = exported(first, name)
            write(RESULTS, results)
    retimed = [v for rows in results["retimed"].values() for v in rows.values()]
    results["holds"] = {"networks": len(retimed), "within the condition": sum(v < LIMIT for v in retimed)}
    write(RESULTS, results)
    print(json.dumps({k: results[k] for k in ("reference", "hypervolume", "trials", "holds", "exported")}, indent=1))


if __name__ == "__main__":
    main()
