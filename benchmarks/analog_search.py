"""A search for the metric a month after programming, against the digital search whose front is measured a month after.

    python benchmarks/analog_search.py --data FOLDER [--space segnet] [--runs FOLDER] [--seeds 0 1 2]

Two plans, each fixed before its runs: on whole nuclei images at 32 x 32, seeds 0, 1 and 2, one process, one thread,

- `segnet`: `benchmarks/specs/nuclei_drift.nas` (NAS-SegNet, nets of less than 120,000 parameters), 24 trials a search;
- `unet`: `benchmarks/specs/nuclei_unet_drift.nas` (a small U-Net with open widths, kernels, depths, norm and way up, of
  less than 60,000 parameters), 32 trials a search. It was made after the first had ended: there all nets have nearly
  the same Dice, and lose little of it in a month. 12 random nets of this space, with two seeds each, were tried before.

Three searches a seed:

- `drift`: evolution; Dice a month after programming (mean of 3 programmings) and parameters;
- `digital`: the same evolution; digital Dice and parameters;
- `random`: random nets of the same space, measured as in `drift`.

Every member of every front is then trained again as its trial was (the digital Dice has to be the trial's, to the last
digit) and programmed 10 times more, with seeds that no search has used: what a search chose by lucky programmings does
not count. Hypervolume in (Dice, parameters), from Dice 0.2 and the most parameters on, as a share of the whole, of the
re-measured values. At last the random nets of the first seed are trained with another seed each: how two trainings
order the same nets. Whatever is done is not done again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from record import fingerprint, read, write

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "benchmarks" / "specs"


@dataclass(frozen=True, slots=True)
class Plan:
    """A space, its trials a search, and the reference of its hypervolumes (Dice, parameters)."""

    spec: Path
    prefix: str
    trials: int
    reference: tuple[float, float]

    @property
    def results(self) -> Path:
        return ROOT / "benchmarks" / "results" / f"{self.prefix}_search.json"


PLANS = {
    "segnet": Plan(SPECS / "nuclei_drift.nas", "analog", 24, (0.2, 120_000.0)),
    "unet": Plan(SPECS / "nuclei_unet_drift.nas", "analog_unet", 32, (0.2, 60_000.0)),
}
SEARCHES = {"drift": ("drift", None), "digital": ("digital", None), "random": ("drift", "strategy=random")}
MONTH = 2592000.0
PROGRAMMINGS = 10
METRIC = "analog_metric(pcm, after = 1 month)"
DROP = "analog_drop(pcm, after = 1 month)"


def searched(options: argparse.Namespace, plan: Plan, name: str, seed: int) -> Path:
    """The folder of a finished search."""
    folder = Path(options.runs) / f"{plan.prefix}_{name}_{seed}"
    if not (folder / "front.json").exists():
        search, setting = SEARCHES[name]
        command = [
            sys.executable,
            "-m",
            "nascompile.cli.app",
            "search",
            str(plan.spec),
            search,
            "--data",
            str(options.data),
        ]
        command += ["--name", folder.name, "--runs", str(options.runs), "--seed", str(seed), "--workers", "0"]
        command += ["--device", "cpu", "--set", f"budget={plan.trials} trials"]
        command += ["--set", setting] if setting else []
        command += ["--resume"] if folder.exists() else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


@cache
def bench(spec: Path, data: Path, seed: int) -> Any:
    """What evaluates trials of the searches with a seed."""
    from nascompile.compilation import Compilation
    from nascompile.config.settings import from_argument
    from nascompile.jobs.trials import Bench, Recipe

    text = Compilation.from_path(spec, data, [from_argument(f"seed={seed}")])
    return Bench(Recipe.of(text, "drift", "cpu", ROOT / "runs" / ".analog_search"))


def evaluated_again(
    plan: Plan, data: Path, seed: int, given: tuple[int, int, dict[str, Any]], programmings: int, noise: int
) -> tuple[float, Any]:
    """A trial (number, seed, values) trained again: its digital Dice, and fresh programmings at 1 s and a month."""
    import torch

    from nascompile.analog.device import load_device
    from nascompile.backends.analog.network import analog
    from nascompile.jobs.analog_evaluation import over_time, task_measure
    from nascompile.jobs.trials import Assignment

    own = bench(plan.spec, data, seed)
    number, training, values = given
    network, program, scores = own.scored(Assignment(number, values, training, {}), ["dice"])
    measure = task_measure(own.task, own.data.val, torch.device("cpu"))
    tiles = analog(network, program, load_device("pcm"))
    return scores["dice"], over_time(tiles, measure, [1.0, MONTH], programmings, seed=noise)


def remeasured(plan: Plan, data: Path, seed: int, values: dict[str, Any], trial: dict[str, Any]) -> dict[str, Any]:
    """A member of a front, trained again as in its trial, over fresh programmings: all values at 1 s and a month."""
    given = (trial["trial"], trial["seed"], values)
    dice, found = evaluated_again(plan, data, seed, given, PROGRAMMINGS, 1_000_000 + trial["trial"])
    return {
        "params": trial["measures"]["params"],
        "digital": dice,
        "searched": trial["measures"].get(METRIC),
        "trained as in the search": dice == trial["measures"]["dice"],
        "1 s": list(found.values[1.0]),
        "1 month": list(found.values[MONTH]),
    }


def other_seeds(plan: Plan, data: Path, folder: Path, seed: int, done: dict[str, Any]) -> Iterator[None]:
    """The nets of a random search, each trained with another seed and programmed as often as in a trial."""
    from nascompile.jobs.surrogates import evaluated
    from nascompile.runs import Run

    trials = json.loads((folder / "trials.json").read_text(encoding="utf-8"))["trials"]
    values = {t.number: dict(t.genotype.values) for t in evaluated(Run(folder)).trials}
    for trial in trials:
        if trial["state"] != "complete" or str(trial["trial"]) in done:
            continue
        given = (trial["trial"], trial["seed"] + 1, values[trial["trial"]])
        dice, found = evaluated_again(plan, data, seed, given, 3, 2_000_000 + trial["trial"])
        month, second = found.mean[MONTH], found.mean[1.0]
        measured = [trial["measures"][name] for name in ("dice", METRIC, DROP)]
        done[str(trial["trial"])] = {"searched": measured, "other seed": [dice, month, second - month]}
        yield


def repeatability(done: dict[str, Any]) -> dict[str, Any]:
    """How two training seeds order the same nets: what no surrogate and no search of one training a net can exceed."""
    from nascompile.search.surrogate.agreement import agreement

    pairs = list(done.values())
    found = {}
    for i, name in enumerate(("dice", METRIC, DROP)):
        one = agreement([p["searched"][i] for p in pairs], [p["other seed"][i] for p in pairs])
        found[name] = {"nets": one.nets, "spearman": round(one.spearman, 3), "error": round(one.error, 4)}
    return found


def members(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Values and record of every member of a front."""
    from nascompile.jobs.surrogates import evaluated
    from nascompile.runs import Run

    front = json.loads((folder / "front.json").read_text(encoding="utf-8"))["front"]
    trials = {t.number: dict(t.genotype.values) for t in evaluated(Run(folder)).trials}
    for member in front:
        yield trials[member["trial"]], member


def volume(points: list[tuple[float, float]], reference: tuple[float, float]) -> float:
    """Hypervolume of (Dice, parameters) as a share of what reaches from the reference to Dice 1 and no parameters."""
    from nascompile.search.pareto import hypervolume

    low, most = reference
    losses = [((1 - dice) / (1 - low), params / most) for dice, params in points]
    return hypervolume(losses, (1.0, 1.0))


def course(folder: Path, reference: tuple[float, float]) -> list[float]:
    """The hypervolume of what a search measured at a month itself, after each of its trials."""
    trials = json.loads((folder / "trials.json").read_text(encoding="utf-8"))["trials"]
    done = [(t["measures"][METRIC], t["measures"]["params"]) if METRIC in t["measures"] else None for t in trials]
    return [volume([p for p in done[: n + 1] if p], reference) for n in range(len(done))]


def summary(results: dict[str, Any], reference: tuple[float, float]) -> dict[str, Any]:
    """By search: hypervolumes by seed at a month, digitally, and what the searches believed; what drifts away."""
    found: dict[str, Any] = {}
    for name in SEARCHES:
        fronts = {key: rows for key, rows in results["members"].items() if key.startswith(f"{name} ")}
        of = {key: list(rows.values()) for key, rows in fronts.items()}
        at = {key: volume([(mean(r["1 month"]), r["params"]) for r in rows], reference) for key, rows in of.items()}
        digital = {key: volume([(r["digital"], r["params"]) for r in rows], reference) for key, rows in of.items()}
        believed = {
            key: volume([(r["searched"], r["params"]) for r in rows], reference)
            for key, rows in of.items()
            if all(r["searched"] is not None for r in rows)
        }
        every = [r for rows in of.values() for r in rows]
        found[name] = {
            "hypervolume at 1 month": at,
            "mean": mean(at.values()) if at else None,
            "digital hypervolume": digital,
            "hypervolume as searched": believed,
            "best Dice at 1 month": {key: max(mean(r["1 month"]) for r in rows) for key, rows in of.items()},
            "mean drop from digital": mean(r["digital"] - mean(r["1 month"]) for r in every) if every else None,
            "mean drop from 1 s": mean(mean(r["1 s"]) - mean(r["1 month"]) for r in every) if every else None,
            "members": len(every),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="The folder that holds `nuclei_dsb2018`.")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2))
    parser.add_argument("--space", choices=PLANS, default="segnet")
    parser.add_argument("--results", type=Path, help="default: in `benchmarks/results`")
    options = parser.parse_args()
    plan = PLANS[options.space]
    path, reference = options.results or plan.results, plan.reference
    stated = {
        "trials": plan.trials, "seeds": list(options.seeds), "reference": list(reference), "device": "pcm",
        "programmings": PROGRAMMINGS,
    }  # fmt: skip
    results = read(path) or {"machine": fingerprint(), "plan": stated, "members": {}, "searches": {}}
    if results["plan"] != stated:
        sys.exit(f"{path} was made with another plan: {results['plan']}")
    for seed in options.seeds:
        for name in SEARCHES:
            folder, key = searched(options, plan, name, seed), f"{name} {seed}"
            trials = json.loads((folder / "trials.json").read_text(encoding="utf-8"))["trials"]
            results["searches"][key] = {
                "states": {s: sum(t["state"] == s for t in trials) for s in ("complete", "rejected", "failed")},
                **({} if name == "digital" else {"hypervolume by trial": course(folder, reference)}),
            }
            done = results["members"].setdefault(key, {})
            for values, member in members(folder):
                if member["name"] not in done:
                    done[member["name"]] = remeasured(plan, options.data, seed, values, member)
                    write(path, results)
            results["summary"] = summary(results, reference)
            write(path, results)
    key, again = options.seeds[0], results.setdefault("other training seeds", {"nets": {}})
    for _ in other_seeds(plan, options.data, searched(options, plan, "random", key), key, again["nets"]):
        write(path, results)
    again["agreement"] = repeatability(again["nets"])
    write(path, results)
    print(json.dumps({**results["summary"], "other training seeds": again["agreement"]}, indent=1))


if __name__ == "__main__":
    main()
