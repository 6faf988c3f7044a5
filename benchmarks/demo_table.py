"""The table that counts: searched networks against honest baselines, on real images, fixed before the run.

For each data set: searches (one seed each), retrainings of each found network, random networks of the same space and
width, a plain and a residual U-Net of about equal parameters, and the best threshold. Every network is trained for the
same steps at the same batch by the same recipe (`stage train` of the spec) and evaluated on the test split with the
weights of its best validation.

    python benchmarks/demo_table.py [--sets demo nuclei polyps hippocampus] [--data FOLDER] [--workers 2]

Results go to `benchmarks/results/demo_table.json`, unit by unit, so that a killed run continues where it was. Sets
other than `demo` are read below `--data`; a missing one is reported and left out.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "demo_table.json"
WORK = ROOT / "benchmarks" / "results" / "demo_table.work"


@dataclass(frozen=True)
class Set:
    """A data set: its spec, and how many searches, retrainings and random networks. Hand-made nets by arguments."""

    spec: str
    searches: int
    retrainings: int
    random_nets: int
    hand_made: dict[str, dict[str, int]]


FLAT = {"unet": {"c": 12, "depth": 2}, "residual_unet": {"c": 13, "depth": 2}}
DEEP = {"unet": {"c": 9, "depth": 2}, "residual_unet": {"c": 10, "depth": 2}}
SETS = {
    "demo": Set("benchmarks/specs/nuclei_demo.nas", 3, 3, 3, FLAT),
    "nuclei": Set("benchmarks/specs/nuclei_dsb.nas", 1, 3, 3, FLAT),
    "polyps": Set("benchmarks/specs/polyps.nas", 1, 3, 3, FLAT),
    "hippocampus": Set("benchmarks/specs/hippocampus.nas", 1, 2, 2, DEEP),
}


def data_root(name: str, data: Path) -> Path:
    return ROOT / "demo" if name == "demo" else data


def units(name: str) -> list[tuple[str, list[str]]]:
    """Work of a set in two waves: searches first, then everything that is trained."""
    plan = SETS[name]
    searches = [f"search/{s}" for s in range(plan.searches)]
    trainings = [f"searched/{s}/{r}" for s in range(plan.searches) for r in range(plan.retrainings)]
    trainings += [f"random/{i}/{r}" for i in range(plan.random_nets) for r in range(_repeats(plan))]
    trainings += [f"{net}/0/{r}" for net in plan.hand_made for r in range(plan.retrainings)]
    return [("searches", ["threshold", *searches]), ("trainings", trainings)]


def _repeats(plan: Set) -> int:
    """Random nets are retrained as often as searched ones where there are several searches."""
    return plan.retrainings if plan.searches > 1 else 1


def run_unit(name: str, unit: str, data: Path) -> dict[str, Any]:
    """One unit in a process of its own, one thread."""
    import torch

    from nascompile.compilation import Compilation
    from nascompile.jobs.training import Data
    from nascompile.train.seed import set_deterministic

    set_deterministic(1)
    torch.set_num_threads(1)
    started = time.monotonic()
    text = Compilation.from_path(ROOT / SETS[name].spec, data_root(name, data))
    config = text.search()
    task = text.task(config.task)
    kind, *numbers = unit.split("/")
    folder = WORK / name / unit.replace("/", "-")
    if kind == "threshold":
        from nascompile.jobs.thresholds import apply_threshold, fit_threshold

        rule = fit_threshold(task)
        return {"rule": str(rule), "evaluation": apply_threshold(rule, task, "test").as_json()}
    if kind == "search":
        result = _search(text, Data.of(task, int(numbers[0])), int(numbers[0]), folder)
    else:
        result = _train(text, name, Data.of(task, int(numbers[1])), kind, int(numbers[0]), int(numbers[1]), folder)
    return {**result, "seconds": time.monotonic() - started}


def _search(text: Any, data: Any, seed: int, folder: Path) -> dict[str, Any]:
    from nascompile.data.dataset import halves
    from nascompile.jobs.searching import prepare
    from nascompile.search.oneshot.bilevel import run_bilevel
    from nascompile.space.decode import decode
    from nascompile.train.device import choose_device

    prepared = prepare(text, None, data, seed)
    weights, architecture = halves(data.train, seed, prepared.config.split)
    outcome = run_bilevel(
        prepared.supernet, data.task, weights, architecture, None, prepared.settings, folder,
        digest=text.digest_of(), device=choose_device("cpu"),
        decode=lambda relaxed: decode(prepared.space, relaxed).to_text("found", header=False),
    )  # fmt: skip
    genotype = decode(prepared.space, outcome.relaxed)
    history = [{k: v for k, v in row.items() if k != "genotype"} for row in outcome.history]
    return {
        "genotype": dict(genotype.values),
        "text": genotype.to_text("found"),
        "steps": outcome.step,
        "history": history,
    }


def _train(text: Any, name: str, data: Any, kind: str, net: int, seed: int, folder: Path) -> dict[str, Any]:
    from nascompile.jobs.networks import make
    from nascompile.jobs.training import test, train
    from nascompile.profile.cost import cost_of
    from nascompile.train.device import choose_device

    program = program_of(text, name, kind, net)
    network = make(program, seed)
    device = choose_device("cpu")
    config = text.search()
    outcome = train(
        network, data, config.train, folder, digest=f"{text.digest_of()}-{kind}-{net}", device=device, seed=seed
    )
    found = test(network, data.task, device)
    cost = cost_of(program)
    return {
        "evaluation": found.as_json(), "parameters": cost.live, "macs": cost.macs, "steps": outcome.step,
        "validation": None if outcome.best is None else dict(outcome.best),
    }  # fmt: skip


def program_of(text: Any, name: str, kind: str, net: int) -> Any:
    """The network of a unit: a found genotype, a random one of the same space, or a hand-made one."""
    from nascompile.compilation import Compilation
    from nascompile.config.constants import SpaceCall
    from nascompile.jobs.programs import call_for_task, input_for, plain_program
    from nascompile.space.genotype import Genotype

    config = text.search()
    task = text.task(config.task)
    if kind in SETS[name].hand_made:
        made = Compilation.from_path(ROOT / "benchmarks/specs/baselines.nas")
        call = SpaceCall(kind, MappingProxyType(dict(SETS[name].hand_made[kind])), config.space.span)
        return plain_program(made, call, task)
    call = call_for_task(text, config.space, task)
    space = text.open_space(call, input_for(task))
    if kind == "random":
        genotype = space.sample(random.Random(1000 + net))
    else:
        values = load()[name][f"search/{net}"]["genotype"]
        genotype = Genotype(call.name, dict(call.arguments), values)
    return text.network(genotype, input_for(task), call.arguments)


def load() -> dict[str, Any]:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}


def save(results: dict[str, Any]) -> None:
    from nascompile.train.checkpoint import write_atomically

    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(RESULTS, json.dumps(results, indent=1, sort_keys=True).encode())


def latencies(name: str, data: Path) -> dict[str, Any]:
    """Median milliseconds of one patch through each network, torch and ONNX Runtime, one thread."""
    import torch

    from nascompile.backends.onnx import export, session
    from nascompile.backends.pytorch import build
    from nascompile.compilation import Compilation
    from nascompile.jobs.programs import input_for
    from nascompile.profile.latency import session_latency, torch_latency

    torch.set_num_threads(1)
    text = Compilation.from_path(ROOT / SETS[name].spec, data_root(name, data))
    task = text.task(text.search().task)
    shape = input_for(task)
    found = {}
    kinds = [("searched", s) for s in range(SETS[name].searches)]
    kinds += [("random", i) for i in range(SETS[name].random_nets)] + [(k, 0) for k in SETS[name].hand_made]
    for kind, net in kinds:
        network = build(program_of(text, name, kind, net)).eval()
        row = {"torch": torch_latency(network, shape, torch.device("cpu"), seconds=1.0).as_json()}
        model = export(network, shape, list(network.output_names), {})
        row["onnxruntime"] = session_latency(session(model.data, 1), shape, 1, seconds=1.0).as_json()
        found[f"{kind}/{net}"] = row
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["demo"])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-latency", action="store_true")
    options = parser.parse_args(arguments)
    results = load()
    for name in options.sets:
        if not data_root(name, options.data).is_dir():
            print(f"{name}: no data at {data_root(name, options.data)}", file=sys.stderr)
            continue
        done = results.setdefault(name, {})
        for wave, names in units(name):
            todo = [u for u in names if u not in done]
            print(f"{name}: {wave}, {len(todo)} of {len(names)} to do", flush=True)
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(options.workers, mp_context=context) as pool:
                futures = {pool.submit(run_unit, name, unit, options.data): unit for unit in todo}
                for future in as_completed(futures):
                    done[futures[future]] = future.result()
                    save(results)
                    print(f"  {futures[future]}", flush=True)
        if not options.no_latency and "latency" not in done:
            done["latency"] = latencies(name, options.data)
            save(results)
        print(table(name, done), flush=True)
    return 0


def table(name: str, done: dict[str, Any]) -> str:
    """Test Dice of each group: mean and range over its runs, also per class; costs; milliseconds of one patch."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for unit, result in done.items():
        if "evaluation" in result:
            groups.setdefault(unit.split("/")[0], []).append(result)
    head = "| network | runs | Dice | per class | parameters | MACs | ms torch | ms ONNX Runtime |"
    lines = [f"### {name}", "", head, "|---|---|---|---|---|---|---|---|"]
    for kind in ("threshold", "searched", "random", "unet", "residual_unet"):
        runs = groups.get(kind, [])
        if not runs:
            continue
        values = [next(iter(r["evaluation"]["summaries"].values())) for r in runs]
        classes = "; ".join(
            f"{c} {_spread([v['per_class'][c] for v in values])}" for c in sorted(values[0].get("per_class", {}))
        )
        parameters = sorted({r["parameters"] for r in runs if "parameters" in r})
        macs = sorted({r["macs"] for r in runs if "macs" in r})
        lines.append(
            f"| {kind} | {len(runs)} | {_spread([v['value'] for v in values])} | {classes} | {_range(parameters)} "
            f"| {_range(macs)} | {_milliseconds(done, kind, 'torch')} | {_milliseconds(done, kind, 'onnxruntime')} |"
        )
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    """Mean and, of several, the smallest and the largest."""
    mean = sum(values) / len(values)
    return f"{mean:.3f}" if len(values) == 1 else f"{mean:.3f} ({min(values):.3f} .. {max(values):.3f})"


def _milliseconds(done: dict[str, Any], kind: str, runtime: str) -> str:
    found = sorted(
        row[runtime]["median_ms"] for net, row in done.get("latency", {}).items()
        if net.split("/")[0] == kind and runtime in row
    )  # fmt: skip
    if not found:
        return ""
    return f"{found[0]:.1f}" if len(found) == 1 else f"{found[0]:.1f} .. {found[-1]:.1f}"


def _range(numbers: list[int]) -> str:
    if not numbers:
        return ""
    return f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} .. {numbers[-1]:,}"


if __name__ == "__main__":
    raise SystemExit(main())
