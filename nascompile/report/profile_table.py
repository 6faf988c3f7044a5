"""Profiles in the terminal and as CSV: networks side by side, and their layers."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from nascompile.report.tables import grouped, short, show_table

Figures = Mapping[str, Any]


def show(found: Sequence[Figures]) -> None:
    """Print the networks side by side, then what was measured badly, then the layers of each."""
    names = [f"{f['name']} ({f['space']})" for f in found]
    rows = [["input", *("x".join(map(str, f["input"])) for f in found)]]
    rows.append(["parameters, live", *(grouped(f["parameters"]["live"]) for f in found)])
    rows.append(["parameters, registered", *(grouped(f["parameters"]["registered"]) for f in found)])
    rows.append(["MACs", *(f"{grouped(f['macs'])} ({short(f['macs'])})" for f in found)])
    rows.append(["activations", *(grouped(f["activations"]) for f in found)])
    rows.append(["peak memory", *(f"{f['peak_memory_bytes'] / 2**20:.1f} MiB" for f in found)])
    if any("predicted" in f for f in found):
        target = found[0]["predicted"]["target"]
        rows.append([f"predicted on {target}", *(_predicted(f["predicted"]) for f in found)])
    runtimes = dict.fromkeys(name for f in found for name in f.get("latency", {}) if name != "machine")
    for name in runtimes:
        rows.append([name, *(_latency(f["latency"].get(name, {"missing": "-"})) for f in found)])
    show_table("", ("", *names), rows, right=names)
    for f in found:
        _remarks(f)
        if "against" in f:
            rows_ = [
                (r["measure"], r["kind"], grouped(r["expected"]), grouped(r["counted"]), _yes(r["equal"]))
                for r in f["against"]
            ]
            show_table(
                f"{f['name']} beside torch",
                ("", "of", "declared", "counted", "equal"),
                rows_,
                right=("declared", "counted"),
            )
        if "layers" in f:
            _show_layers(f)


def _remarks(figures: Figures) -> None:
    for name, row in figures.get("latency", {}).items():
        if row.get("unstable"):
            print(f"{figures['name']}, {name}: not stable, {row['unstable']}")
    unknown = figures.get("predicted", {}).get("unknown", [])
    if unknown:
        print(
            f"{figures['name']}: {len(unknown)} kernels that the table hardly knows (`--measure-missing` measures them)"
        )
        for line in unknown[:5]:
            print(f"  {line}")


def _show_layers(figures: Figures) -> None:
    timed = any("ms" in row for row in figures["layers"])
    columns = ["layer", "", "output", "params", "MACs", *(["ms", "share"] if timed else [])]
    total = sum(row.get("ms", 0.0) for row in figures["layers"]) or 1.0
    rows = []
    for row in figures["layers"]:
        line = [
            row["path"],
            row["layer"],
            "x".join(map(str, row["output"])),
            grouped(row["parameters"]),
            short(row["macs"]),
        ]
        if timed:
            line += [f"{row['ms']:.4f}", f"{row['ms'] / total:.1%}"]
        rows.append(line)
    show_table(str(figures["name"]), columns, rows, right=("params", "MACs", "ms", "share"))


def _yes(value: bool) -> str:
    return "yes" if value else "NO"


def _predicted(row: Figures) -> str:
    return f"{row['ms']:.2f} ms ({row['low_ms']:.2f} .. {row['high_ms']:.2f})"


def _latency(row: Figures) -> str:
    if "median_ms" not in row:
        return str(row["missing"])
    mark = "" if row["stable"] else " (not stable)"
    spread = f"{row['quartile_low_ms']:.2f} .. {row['quartile_high_ms']:.2f}"
    return f"{row['median_ms']:.2f} ms ({spread}){mark}, {row['calls']} calls, {row['threads']} threads"


def as_csv(found: Sequence[Figures]) -> str:
    """One line a layer where layers were asked for, else one a network."""
    rows: list[dict[str, Any]] = []
    for f in found:
        head = {"network": f["name"], "space": f["space"], "input": "x".join(map(str, f["input"]))}
        if "layers" in f:
            for row in f["layers"]:
                flat = {**row, "output": "x".join(map(str, row["output"]))}
                if "kernels" in flat:
                    flat["kernels"] = "; ".join(row["kernels"])
                rows.append(head | flat)
            continue
        line = head | {"parameters": f["parameters"]["live"], "registered": f["parameters"]["registered"]}
        line |= {"macs": f["macs"], "activations": f["activations"]}
        line["peak_memory_bytes"] = f["peak_memory_bytes"]
        if "predicted" in f:
            line |= {f"predicted_{k}": f["predicted"][k] for k in ("ms", "low_ms", "high_ms")}
        for name, latency in f.get("latency", {}).items():
            if "median_ms" in latency:
                line |= {f"{name.replace(' ', '_')}_{k}": latency[k] for k in ("median_ms", "calls", "stable")}
        rows.append(line)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
