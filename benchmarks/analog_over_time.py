"""Trained networks on a model of phase-change memory over time: converted as they are, trained for it, and a control.

    python benchmarks/analog_over_time.py --data FOLDER [--work FOLDER] [--seeds 5] [--only unet lidc segnet] [--smoke]

Two segmentations (nuclei at 32 x 32: a small U-Net, and a small network of NAS-SegNet's space) and one classification
(nodules at 16 x 16 x 16: the network that a search of NAS-Lung's ladder found). Every training seed gives the digital
network; `converted`, its weights on tiles; `hardware-aware`, trained further with noise on the weights and clipping;
`control`, trained further for as many steps on the same batches at the same learning rates without, then converted.
Each of the three is programmed ten times, and measured on the test cases after 1 s, 1 hour, 1 day and 1 month.
Programmings have the same seeds for all three.

Intervals are percentile bootstraps in two levels: training seeds are drawn with replacement, and for each drawn seed
its programmings; 95 % of 4000 means. Those of differences draw the same seeds for both networks. Test cases are not
resampled.

Budgets and learning rates are those of the specs, one choice for all seeds; they were set after one shorter pilot of
seed 0, and nothing was chosen by these results.

What is done is kept in `--work` and in `benchmarks/results/analog_over_time.json`, which is written after every seed.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import fingerprint, read, write

from nascompile.analog.mapping import mapping_of
from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.jobs.analog_step import plan_of_network, stage_of
from nascompile.jobs.analog_training import AWARE, CONTROL, DIGITAL, PLAIN, train_analog
from nascompile.jobs.contest import add_timing
from nascompile.jobs.networks import make
from nascompile.jobs.programs import fixed_program, plain_program
from nascompile.jobs.training import Data, train
from nascompile.profile.cost import cost_of
from nascompile.runs import Run, create
from nascompile.train.progress import Report, silent
from nascompile.train.seed import set_deterministic

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "analog_over_time.json"
NETS = {"unet": "nuclei_unet_tiles.nas", "lidc": "lidc_tiles.nas", "segnet": "nuclei_segnet_tiles.nas"}
RESAMPLES = 4000
CPU = torch.device("cpu")


@contextmanager
def announce(title: str) -> Iterator[Report]:
    """Prints a step and how long it took."""
    begun = time.monotonic()
    yield silent
    print(f"  {title}: {time.monotonic() - begun:.1f} s", flush=True)


def piece(net: str, seed: int, data: Path, work: Path, short: list[str]) -> dict[str, Any]:
    """Train and measure one network with one seed; at once what is done already."""
    settings = [from_argument(text) for text in (f"seed={seed}", *short)]
    text = Compilation.from_path(ROOT / "benchmarks" / "specs" / NETS[net], data, settings)
    task, config = text.task(), text.search()
    genotype = text.genotype("net") if text.library.genotypes else None
    program = plain_program(text, config.space, task) if genotype is None else fixed_program(text, genotype, task)
    run = Run(work / f"{net}_{seed}")
    if not run.path("run.json").exists():
        run = create(work, f"{net}_{seed}", note=None, record={"command": "benchmark"})
    images = Data.of(task, seed)
    network = make(program, seed)
    digest = f"{text.digest_of()}/{'plain' if genotype is None else genotype.digest()}/{task.name}"
    with announce("train digitally"):
        outcome = train(network, images, config.train, run.path("train"), digest=digest, device=CPU, seed=seed)
    add_timing(run, "train digitally", outcome.seconds)
    if not outcome.finished:
        raise KeyboardInterrupt
    stage = stage_of(text, config.name)
    if short:
        stage = replace(stage, programmings=2, times=stage.times[:2] if stage.times else None)
    plan = plan_of_network(text, program, genotype, task, network.state_dict(), stage, digest)
    found = train_analog(plan, run, images, CPU, announce, print)
    with run.path("timing.csv").open(encoding="utf-8", newline="") as file:
        seconds = {row["stage"]: round(float(row["seconds"]), 3) for row in csv.DictReader(file)}
    placements = mapping_of(program, plan.device)
    entries = found["entries"]
    return {
        "metric": found["metric"],
        "times": found["times"],
        "programmings": found["programmings"],
        "training": found["training"],
        "parameters": cost_of(program).live,
        "macs": cost_of(program).macs,
        "tiles": sum(len(p.tiles) for p in placements),
        "digital steps": outcome.step,
        "seconds": seconds,
        "digital": {name: entry["digital"] for name, entry in entries.items()},
        "values": {
            name: {label: at["values"] for label, at in entry["times"].items()} for name, entry in entries.items()
        },
    }


def summary(seeds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means with intervals by network and time, and of the differences that the training for a device makes."""
    pieces = list(seeds.values())
    if len(pieces) < 2:
        return {}
    table = {
        name: {t: np.array([p["values"][name][t] for p in pieces], float) for t in pieces[0]["times"]}
        for name in (PLAIN, AWARE, CONTROL)
    }
    digital = {name: np.array([[p["digital"][name]] for p in pieces], float) for name in (PLAIN, AWARE, CONTROL)}
    found: dict[str, Any] = {
        DIGITAL: {"converted's": _account(digital[PLAIN]), "hardware-aware's": _account(digital[AWARE]),
                  "control's": _account(digital[CONTROL])},
        **{name: {t: _account(values) for t, values in row.items()} for name, row in table.items()},
    }  # fmt: skip
    found["differences"] = {
        f"{AWARE} minus {other}": {t: _difference(table[AWARE][t], table[other][t]) for t in table[AWARE]}
        for other in (PLAIN, CONTROL)
    }
    last = list(pieces[0]["times"])[-1]
    first = next(iter(pieces[0]["times"]))
    found["loss over time"] = {name: _difference(row[first], row[last]) for name, row in table.items()}
    return found


def _means(values: np.ndarray, rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    """Means of drawn seeds (`rows`: resamples by seeds), of each of which its programmings are drawn again."""
    count = values.shape[1]
    columns = rng.integers(0, count, (*rows.shape, count))
    drawn: np.ndarray = values[rows[..., None], columns].mean((1, 2))
    return drawn


def _account(values: np.ndarray) -> dict[str, float]:
    """`values` (seeds, programmings): the mean with its interval, and both spreads."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(_means(values, rng, rows), [2.5, 97.5])
    within = float(values.std(1, ddof=1).mean()) if values.shape[1] > 1 else 0.0
    return {
        "mean": float(values.mean()),
        "low": float(low),
        "high": float(high),
        "over seeds": float(values.mean(1).std(ddof=1)),
        "over programmings": within,
    }


def _difference(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(first), (RESAMPLES, len(first)))
    low, high = np.percentile(_means(first, rng, rows) - _means(second, rng, rows), [2.5, 97.5])
    return {"mean": float(first.mean() - second.mean()), "low": float(low), "high": float(high)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "analog_over_time")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=tuple(NETS), default=tuple(NETS))
    parser.add_argument("--smoke", action="store_true", help="a few steps of each, results beside the others")
    options = parser.parse_args()
    torch.set_num_threads(1)
    set_deterministic(1)
    path = RESULTS.with_name("analog_over_time_smoke.json") if options.smoke else RESULTS
    short = ["train.budget=3 steps", "analog.budget=3 steps"] if options.smoke else []
    results = read(path) or {"machine": fingerprint(), "method": " ".join(__doc__.split()), "nets": {}}
    for seed in range(options.seeds):
        for net in options.only:
            own = results["nets"].setdefault(net, {"spec": f"benchmarks/specs/{NETS[net]}", "seeds": {}})
            if str(seed) in own["seeds"]:
                continue
            print(f"{net}, seed {seed}", flush=True)
            own["seeds"][str(seed)] = piece(net, seed, options.data, options.work, short)
            own["summary"] = summary(own["seeds"])
            write(path, results)
    for net, own in results["nets"].items():
        for name in (PLAIN, AWARE, CONTROL):
            row = own.get("summary", {}).get(name, {})
            shown = ", ".join(f"{t} {a['mean']:.3f} ({a['low']:.3f} .. {a['high']:.3f})" for t, a in row.items())
            print(f"{net} {name}: {shown}", file=sys.stdout)


if __name__ == "__main__":
    main()
