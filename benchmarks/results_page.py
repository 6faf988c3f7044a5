"""Write `docs/results.md` from `benchmarks/results/*.json`: the page holds no number of its own.

python benchmarks/results_page.py
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import results_analog
import results_deploy
from demo_table import SETS, table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"


def load(name: str) -> Any:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def quality() -> list[str]:
    results = load("demo_table")
    if results is None:
        return []
    lines = [
        "## Searched networks against baselines",
        "",
        "`make bench-demo`. The plan was fixed before the run: the same steps, batch and recipe for every network of a",
        "set (`stage train` of the spec in `benchmarks/specs/`), test scores with the weights of the best validation.",
        "`searched` are the networks of independent searches, each retrained; `random` are networks drawn from the",
        "same space at the same width; the two U-Nets are hand-made, in `.nas`, of about equal parameters. Dice: mean",
        "(smallest .. largest) over the runs. Milliseconds: one patch, one thread, medians; a range where the networks",
        "differ. These are small sets and short trainings: they show what the tool does, not what is best on the data.",
        "",
    ]  # fmt: skip
    for name, plan in SETS.items():
        if name in results:
            found = results[name]
            runs = sum(1 for unit in found if unit.startswith("search/"))
            lines += [table(name, found), "", f"{runs} search(es), spec `{plan.spec}`.", ""]
    return lines


def steps() -> list[str]:
    found = load("supernet_step")
    if found is None:
        return []
    lines = [
        "## A bilevel step of the supernet",
        "",
        "`python benchmarks/run.py supernet_step`. NAS-Unet's supernet compiled from text against the hand-written",
        "loop over mixed operators (`benchmarks/loop_supernet.py`): one weight step and one architecture step with",
        "their optimisers, interleaved in one process. Ratio of the medians (below 1: ours is faster), of CPU time,",
        "and of peak memory. The machine was shared while this was measured; CPU time says more than wall time.",
        "",
        "| case | wall | CPU | memory |",
        "|---|---|---|---|",
    ]  # fmt: skip
    for case, row in found["results"].items():
        memory = row["memory"][0] / row["memory"][1] if row.get("memory") else float("nan")
        lines.append(f"| {case} | {row['ratio']:.2f} | {row['cpu_ratio']:.2f} | {memory:.2f} |")
    return [*lines, ""]


def other_steps() -> list[str]:
    """Steps of the other relaxed systems against hand-written ones."""
    lines = []
    for row, words in (
        ("lattice_step", "MixSearch's lattice against a hand-written loop (`benchmarks/loop_lattice.py`)"),
        ("dints_step", "DiNTS' grid against MONAI's own `DiNTS` on `TopologySearch`, equal weights and fused SGD"),
    ):
        found = load(row)
        if found is None:
            continue
        lines += [f"`python benchmarks/run.py {row}`. {words}; one thread.", "", "| case | wall | CPU | memory |"]
        lines.append("|---|---|---|---|")
        for case, cell in found["results"].items():
            memory = cell["memory"][0] / cell["memory"][1]
            lines.append(f"| {case} | {cell['ratio']:.2f} | {cell['cpu_ratio']:.2f} | {memory:.2f} |")
        lines.append("")
    return lines


def real_runs() -> list[str]:
    found = load("real_runs")
    if found is None:
        return []
    lines = [
        "## One real run of each kind of system",
        "",
        "`python benchmarks/real_runs.py --data FOLDER`: searched, retrained, compared with what is trivial and with a",
        "random network of the same space at the same budget; every file was exported to ONNX after parity. One seed:",
        "intervals are over the test cases. The backbone of NAS-Unet has the table above.",
        "",
    ]  # fmt: skip
    for name, run in found["runs"].items():
        lines += [
            f"**{name}** (`{run['spec']}`), {run['metric']}:",
            "",
            "| network | value | 95 % | by part or class | parameters | MACs |",
        ]
        lines.append("|---|---|---|---|---|---|")
        for e in run["entries"]:
            parts = e["parts"] or e["per_class"]
            words = ", ".join(f"{k} {v:.3f}" for k, v in parts.items() if v is not None)
            size, macs = (f"{e[k]:,}" if e[k] is not None else "" for k in ("parameters", "macs"))
            lines.append(
                f"| {e['name']} | {e['value']:.3f} | {e['low']:.3f} .. {e['high']:.3f} | {words} | {size} | {macs} |"
            )
        lines.append("")
        if "analog" in run:
            lines += on_tiles(run["analog"])
    return lines


def on_tiles(found: Any) -> list[str]:
    """A run's networks on tiles over time, mean and standard deviation over programmings."""
    times = list(next(iter(found["entries"].values()))["times"])
    lines = [
        f"The searched network on `{found['device']}`, mean and standard deviation of {found['programmings']}",
        "programmings:",
        "",
        f"| network | digitally | {' | '.join(times)} |",
        f"|---|---|{'---|' * len(times)}",
    ]
    for name, one in found["entries"].items():
        cells = [f"{at['mean']:.3f} ± {at['std']:.3f}" for at in one["times"].values()]
        lines.append(f"| {name} | {one['digital']:.3f} | {' | '.join(cells)} |")
    return [*lines, ""]


def latency() -> list[str]:
    found = load("latency_model")
    if found is None or "model" not in found:
        return []
    lines = [
        "## Predicted latency",
        "",
        "`python benchmarks/latency_model.py`: ONNX Runtime on the CPU, one thread; random networks of spaces that",
        f"took no part in the calibration ({found['calibration_seconds']:.0f} s), all with decoders, `dints` in 3-D.",
        "`repeated` is the same network measured twice, the second time after all the others.",
        "",
        "| networks | count | median error | within 10 % | within 20 % | Spearman | repeated: median | within 10 % |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    model = found["model"]
    for name, row in (("all", model), *model["spaces"].items()):
        again = row["repeatability"]
        lines.append(
            f"| {name} | {row['count']} | {100 * row['median']:.1f} % | {100 * row['within_10']:.0f} % |"
            f" {100 * row['within_20']:.0f} % | {row['spearman']:.3f} | {100 * again['median']:.1f} % |"
            f" {100 * again['within_10']:.0f} % |"
        )
    return [*lines, ""]


def fronts() -> list[str]:
    found = load("pareto_runs")
    if found is None:
        return []
    lines = [
        "## Three objectives at once",
        "",
        "`python benchmarks/pareto_runs.py`: `demo/pareto.nas`, Dice, measured latency and parameters, 40 trials a",
        "search; hypervolume up to one reference for all (larger is better).",
        "",
        "| seed | NSGA-II | random |",
        "|---|---|---|",
    ]
    volumes = found["hypervolume"]
    for seed in dict.fromkeys(key.split()[1] for key in volumes):
        lines.append(f"| {seed} | {volumes[f'nsga2 {seed}']:.4f} | {volumes[f'random {seed}']:.4f} |")
    holds = found["holds"]
    kept = sum(e["ms"] < 1.5 for e in found["exported"].values())
    lines += [
        "",
        f"Of {holds['networks']} networks on the fronts, measured again afterwards, {holds['within the condition']}",
        f"keep the latency condition. All {len(found['exported'])} of the first front were exported;",
        f"{kept} of those files keep it too, timed alone on the machine.",
        "",
    ]
    return lines


def soundness() -> list[str]:
    found = load("soundness")
    if found is None:
        return []
    spaces = found["spaces"]
    meta, real = (sum(s[kind] for s in spaces.values()) for kind in ("meta", "real"))
    wrong = sum(len(s["wrong"]) for s in spaces.values())
    lines = [
        "## Soundness",
        "",
        "`python benchmarks/soundness.py`. Random genotypes of the shipped spaces, elaborated and built: shapes,",
        "parameters and multiply-accumulates are those that the text promises.",
        f"{meta:,} on the meta device, {real:,} with numbers, {wrong} wrong.",
        "",
        "| space | meta | real | wrong |",
        "|---|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {k} | {s['meta']:,} | {s['real']:,} | {len(s['wrong'])} |" for k, s in spaces.items()]
    return [*lines, ""]


def resume() -> list[str]:
    found = load("resume")
    if found is None:
        return []
    verdict = "identical" if found["identical"] else f"different in {', '.join(found['differing'])}"
    return [
        "## Resumption",
        "",
        f"`python benchmarks/resume.py`. A search killed {found['kills']} times at random moments",
        f"({found['killed_while_running']} of them while it ran) and resumed, against one left alone:",
        f"{', '.join(found['files'])} byte for byte {verdict}.",
        "",
    ]  # fmt: skip


def _reached(kills: list[dict[str, Any]]) -> str:
    """How far a search was at each kill."""
    return ", ".join(
        str(kill["begun"] - kill["running"] if "begun" in kill else max(kill["steps"].values(), default=0))
        for kill in kills
    )


def kills() -> list[str]:
    found, counts = load("kills"), load("workers")
    if found is None or counts is None:
        return []
    lines = [
        "## Kills and workers",
        "",
        "`python benchmarks/kills.py`. Small searches on the demo nuclei, each killed at random moments as it worked,",
        "resumed to its end and compared byte for byte with one left alone. `timed` measures latencies, which do not",
        "repeat: there the trials recorded before a kill are compared with what the resumed search holds. The kills of",
        "`nsga2`, whose population is 4, fell into its first generation; there are later ones in",
        "`tests/search/test_black_box.py`.",
        "",
        "| search | kills | trials that had ended, or steps, at the kills | files or trials that differ "
        "| differ with 1, 2, 4 workers |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, case in found["cases"].items():
        wrong = len(case["differing"]) + sum(len(kill.get("changed", ())) for kill in case["kills"])
        many = counts["cases"].get(name)
        others = ", ".join(str(len(many[count])) for count in ("1", "2", "4")) if many else ""
        lines.append(f"| {name} | {len(case['kills'])} | {_reached(case['kills'])} | {wrong} | {others} |")
    return [*lines, ""]


def deployed() -> list[str]:
    parts = {
        "onnx_always": results_deploy.always,
        "onnx_published": results_deploy.published,
        "small_models": results_deploy.smaller,
        "predict_volumes": results_deploy.predicted,
        "analog_conversion": results_analog.conversion,
        "analog_over_time": results_analog.over_time,
        "analog_search": partial(results_analog.search, "analog_search"),
        "analog_unet_search": partial(results_analog.search, "analog_unet_search"),
        "analog_surrogate": partial(results_analog.surrogate, "analog_surrogate"),
        "analog_unet_surrogate": partial(results_analog.surrogate, "analog_unet_surrogate"),
    }
    return [line for name, part in parts.items() if (found := load(name)) is not None for line in part(found)]


def main() -> None:
    lines = ["# Results", "", "Written by `benchmarks/results_page.py` from `benchmarks/results/`.", ""]
    for part in (quality, real_runs, fronts, latency, steps, other_steps, soundness, resume, kills, deployed):
        lines += part()
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
