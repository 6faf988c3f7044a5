"""A search killed at random moments and resumed: is everything it leaves byte for byte that of one left alone?

    python benchmarks/resume.py [--kills 5] [--seed 0]

Runs `nascompile search` on the demo nuclei in processes of its own, kills each (SIGKILL, or what the system has) after
a random time, counted from about when it starts to work, resumes, and compares genotype, weights, metrics and
probabilities. Writes `benchmarks/results/resume.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "tests" / "search" / "tiny.nas"
FILES = ("genotype.nas", "supernet.safetensors", "metrics.csv", "probabilities.json")
BUDGET = "200 steps"


def command(runs: Path, *more: str) -> list[str]:
    code = "from nascompile.cli.app import main; main()"
    start = [sys.executable, "-c", code, "search", str(SPEC), "--data", str(ROOT / "demo"), "--runs", str(runs)]
    return [*start, "--device", "cpu", *more]


def whole(runs: Path, budget: str = BUDGET) -> float:
    """An uninterrupted search; returns its seconds."""
    started = time.monotonic()
    command_ = command(runs, "--name", "run", "--set", f"budget={budget}")
    subprocess.run(command_, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - started


def killed(runs: Path, after: float) -> bool:
    """Start or resume, kill after a time; True if it was still running."""
    exists = (runs / "run" / "run.json").is_file()
    more = ["--name", "run", "--resume"] if exists else ["--name", "run"]
    process = subprocess.Popen(
        command(runs, *more, "--set", f"budget={BUDGET}"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


def digests(runs: Path) -> dict[str, str]:
    return {name: hashlib.sha256((runs / "run" / name).read_bytes()).hexdigest() for name in FILES}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        start = whole(Path(folder, "short"), "1 steps")
        seconds = whole(Path(folder, "whole"))
        expected = digests(Path(folder, "whole"))
        moments, unfinished = [], 0
        for _ in range(options.kills):
            moment = start + rng.uniform(0.0, 0.3) * (seconds - start)
            unfinished += killed(Path(folder, "killed"), moment)
            moments.append(round(moment, 2))
        more = ["--resume"] if (Path(folder, "killed") / "run" / "run.json").is_file() else []
        last = command(Path(folder, "killed"), "--name", "run", *more, "--set", f"budget={BUDGET}")
        subprocess.run(last, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = digests(Path(folder, "killed"))
    result = {
        "spec": SPEC.name, "budget": BUDGET, "seconds": round(seconds, 2), "kills": options.kills,
        "killed_while_running": unfinished, "moments": moments, "identical": found == expected, "files": expected,
        "differing": [name for name in FILES if found[name] != expected[name]],
    }  # fmt: skip
    target = ROOT / "benchmarks" / "results" / "resume.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    return 0 if result["identical"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
