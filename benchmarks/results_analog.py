"""The part of `docs/results.md` on networks on analog tiles: conversion, drift over time, search, surrogates."""

from __future__ import annotations

from statistics import mean
from typing import Any

NETS = {
    "unet": "Small U-Net, nuclei at 32 x 32",
    "segnet": "NAS-SegNet, nuclei at 32 x 32",
    "lidc": "NAS-Lung, nodules at 16 x 16 x 16",
}


def conversion(found: Any) -> list[str]:
    """`analog_conversion.json`."""
    lines = [
        "## Networks on analog tiles",
        "",
        "`python benchmarks/analog_conversion.py`. PCM tiles of 256 x 256. `share`: of the multiply-accumulates of",
        "convolutions and linear layers. `parity`: relative difference of the output on ideal tiles (float64,",
        "float32), and what rounding alone does to the digital network in float32.",
        "",
        "| network | tiles | share | parity, float64 | parity, float32 | rounding |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in found["conversion"].items():
        parity = f"{one['parity_float64']:.1e} | {one['parity_float32']:.1e} | {one['rounding_of_digital_float32']:.1e}"
        lines.append(f"| {name} | {one['tiles']:,} | {one['share_of_convolutions_and_linear']:.2%} | {parity} |")
    lines += [
        "",
        "One evaluation on tiles (10 programmings, 4 times of each, programming and drift included) as a multiple",
        "of as many digital passes; seconds of the processor, one thread:",
        "",
        "| network | batch | a pass | with programming and drift |",
        "|---|---|---|---|",
    ]
    for name, one in found["speed"].items():
        lines.append(f"| {name} | {one['batch']} | {one['ratio_forward']:.1f} | {one['ratio']:.1f} |")
    return [*lines, ""]


def over_time(found: Any) -> list[str]:
    """`analog_over_time.json`."""
    lines = [
        "## Trained networks on PCM tiles over time",
        "",
        "`python benchmarks/analog_over_time.py --data FOLDER`. Every training seed: the digital network; its weights",
        "on tiles (`converted`); trained further with noise and clipping (`hardware-aware`); trained further for as",
        "many steps without, then converted (`control`). Ten programmings each. Mean (95 %, bootstrap over seeds and",
        "programmings), test cases.",
        "",
    ]
    for net, found_net in found["nets"].items():
        summary, seeds = found_net.get("summary"), found_net["seeds"]
        if not summary:
            continue
        one = next(iter(seeds.values()))
        times = list(one["times"])
        lines += [
            f"**{NETS.get(net, net)}**, {one['metric']}, {len(seeds)} seeds, {one['parameters']:,} parameters, "
            f"{one['tiles']} tiles:",
            "",
            f"| network | digitally | {' | '.join(times)} |",
            f"|---|---|{'---|' * len(times)}",
        ]
        for name in ("converted", "hardware-aware", "control"):
            cells = [account(summary[name][t]) for t in times]
            lines.append(f"| {name} | {account(summary['digital'][name + chr(39) + 's'])} | {' | '.join(cells)} |")
        lines.append("")
        for name, row in summary["differences"].items():
            lines.append(f"- {name}, at {times[-1]}: {account(row[times[-1]], True)}")
        lines += [f"- lost from {times[0]} to {times[-1]}, {n}: {account(v, True)}" for n, v in
                  summary["loss over time"].items()]  # fmt: skip
        lines.append("")
    return lines


def account(one: Any, is_signed: bool = False) -> str:
    form = "+.3f" if is_signed else ".3f"
    return f"{one['mean']:{form}} ({one['low']:{form}} .. {one['high']:{form}})"


SEARCHES = {
    "analog_search": (
        "NAS-SegNet",
        "`python benchmarks/analog_search.py --data FOLDER`: `benchmarks/specs/nuclei_drift.nas`",
    ),
    "analog_unet_search": (
        "A small U-Net with open widths, kernels, depths, norm and way up",
        "`python benchmarks/analog_search.py --data FOLDER --space unet`: `benchmarks/specs/nuclei_unet_drift.nas`",
    ),
}


def search(name: str, found: Any) -> list[str]:
    """`analog_search.json` and `analog_unet_search.json`."""
    plan = found["plan"]
    lines = []
    if name == next(iter(SEARCHES)):
        lines = [
            "## Searching for the metric after a month",
            "",
            "Two spaces; plans fixed before the runs, the second after the first had ended. `drift` looks for Dice a",
            "month after programming, `digital` for digital Dice, `random` draws; all have parameters as second",
            "objective. Every member of a front is trained again as in its trial and programmed",
            f"{plan['programmings']} more times. Hypervolume of (Dice at a month, parameters), larger is better.",
            "`lost`: the mean of the fronts' members.",
            "",
        ]
    title, command = SEARCHES[name]
    lines += [
        f"**{title}** ({command}), {plan['trials']} trials a search:",
        "",
        f"| search | {' | '.join(f'seed {s}' for s in plan['seeds'])} | mean | best Dice at a month | lost since 1 s | "
        "lost of digital |",
        f"|---|{'---|' * (len(plan['seeds']) + 4)}",
    ]
    for name, one in found["summary"].items():
        at = one["hypervolume at 1 month"]
        if one["mean"] is None:
            continue
        cells = [f"{at[f'{name} {s}']:.3f}" if f"{name} {s}" in at else "" for s in plan["seeds"]]
        best = mean(one["best Dice at 1 month"].values())
        lines.append(
            f"| {name} | {' | '.join(cells)} | {one['mean']:.3f} | {best:.3f} | {one['mean drop from 1 s']:.3f} "
            f"| {one['mean drop from digital']:.3f} |"
        )
    if again := found.get("other training seeds", {}).get("agreement"):
        words = ", ".join(f"{one['spearman']} by `{measure}`" for measure, one in again.items())
        nets = next(iter(again.values()))["nets"]
        lines += [
            "",
            f"Two trainings of the same {nets} random nets, with other seeds, order them alike by (Spearman):",
        ]
        lines.append(f"{words}.")
    return [*lines, ""]


def surrogate(name: str, found: Any) -> list[str]:
    """`analog_surrogate.json` and `analog_unet_surrogate.json`."""
    lines = []
    if name == "analog_surrogate":
        lines = [
            "## Surrogates on nets that took no part",
            "",
            "`python benchmarks/analog_surrogate.py [--space unet]`, on the nets of the searches above. For each seed:",
            "fitted to the nets of the other seeds' searches, tested on the random nets of this one, and on all.",
            "Spearman's rank correlation; `held out` is the surrogate's own figure, from nets that a fit left out.",
            "",
        ]
    lines += [
        f"**{SEARCHES[name.replace('surrogate', 'search')][0]}**:",
        "",
        "| target | seed | fitted to | held out | random nets | all nets | random nets by parameters alone |",
        "|---|---|---|---|---|---|---|",
    ]
    for target, seeds in found["targets"].items():
        for seed, one in seeds.items():
            tested, every, alone = one["random nets"], one["all"], one["random nets by parameters"]
            ranks = f"{tested['spearman']} ({tested['nets']}) | {every['spearman']} ({every['nets']})"
            fitted = f"{one['fitted to']} | {one['held out']['spearman']}"
            lines.append(f"| `{target}` | {seed} | {fitted} | {ranks} | {alone['spearman']} |")
    if "at most" in found:
        for target, one in found["at most"].items():
            lines += [
                "",
                f"{one['nets']} front nets by `{target}`, as searched and over other programmings of the same",
            ]
            lines.append(f"weights: {one['spearman']}. Another training seed is not in it: see the searches above.")
    lines.append("")
    for space, one in found.get("another space", {}).items():
        warned = "; ".join(one["warnings"]) or "no warning"
        lines.append(f'- on another space, {space} ({one["nets"]} nets): {one["spearman"]}; "{warned}";')
        lines.append(f"  in a search: `{one['in a search']}`")
    return [*lines, ""]
