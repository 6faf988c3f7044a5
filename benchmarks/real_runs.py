"""One real run for each kind of system: searched, retrained, compared with what is trivial and with a random network.

    python benchmarks/real_runs.py --data FOLDER [--runs FOLDER] [--only NAME ...]

Every run is `nascompile run` of a spec in `benchmarks/specs/` and goes on where it was killed; what is finished is only
read. The rows go to `benchmarks/results/real_runs.json`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from record import fingerprint, read, write

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "real_runs.json"
SPECS = {
    "grid": "hippocampus_grid.nas",
    "mixed": "mixed.nas",
    "ladder": "lidc_ladder.nas",
    "analog": "nuclei_analog.nas",
    "segnet_analog": "nuclei_segnet_analog.nas",
}
"""Names of runs and their specs. The backbone of NAS-Unet has a table of its own: `demo_table.py`."""


def rows(folder: Path) -> dict[str, Any]:
    """What a finished run holds: its entries without the single cases, and its ONNX file's account of itself."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    metric = results["metric"]
    entries = []
    for entry in results["entries"]:
        summary = entry["evaluation"]["summaries"][metric]
        parts = entry["evaluation"].get("parts", {})
        entries.append({
            "name": entry["name"],
            "value": summary["value"], "low": summary["low"], "high": summary["high"],
            "per_class": summary["per_class"],
            "parts": {name: found[metric]["value"] for name, found in parts.items()},
            "parameters": entry["parameters"], "macs": entry["macs"], "steps": entry["steps"],
        })  # fmt: skip
    return {
        "task": results["task"],
        "metric": metric,
        "genotype": (folder / "genotype.nas").read_text(encoding="utf-8"),
        "onnx": (folder / "model.onnx").exists(),
        "timing": (folder / "timing.csv").read_text(encoding="utf-8").splitlines()[1:],
        "entries": entries,
        **({"analog": over_time(folder)} if (folder / "analog_pcm.json").exists() else {}),
    }


def over_time(folder: Path) -> dict[str, Any]:
    """What `stage analog` measured: by network the digital metric, and mean and spread at each time."""
    found = json.loads((folder / "analog_pcm.json").read_text(encoding="utf-8"))
    kept = ("device", "programmings", "training")
    entries = {
        name: {
            "digital": one["digital"],
            "times": {time: {k: at[k] for k in ("mean", "std", "low", "high")} for time, at in one["times"].items()},
        }
        for name, one in found["entries"].items()
    }
    return {**{k: found[k] for k in kept}, "entries": entries}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--only", nargs="+", choices=tuple(SPECS), default=tuple(SPECS))
    options = parser.parse_args()
    results = read(RESULTS) or {"machine": fingerprint(), "runs": {}}
    for name in options.only:
        folder = options.runs / name
        record = folder / "run.json"
        done = record.exists() and json.loads(record.read_text(encoding="utf-8")).get("step") == "finished"
        if not done:
            spec = ROOT / "benchmarks" / "specs" / SPECS[name]
            command = [sys.executable, "-m", "nascompile.cli.app", "run", str(spec), "--name", name]
            command += ["--data", str(options.data), "--runs", str(options.runs)]
            if subprocess.run(command, check=False).returncode:
                continue
        results["runs"][name] = {"spec": f"benchmarks/specs/{SPECS[name]}", **rows(folder)}
        write(RESULTS, results)
        print(name, [(e["name"], round(e["value"], 3)) for e in results["runs"][name]["entries"]])


if __name__ == "__main__":
    main()
