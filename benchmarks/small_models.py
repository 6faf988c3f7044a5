"""Trained networks in float16 and int8: bytes, latency in ONNX Runtime (one thread) and the metric on validation cases.

    python benchmarks/small_models.py RUN... [--data FOLDER]

Each RUN is the folder of a finished run. A network goes through the steps of `nascompile export --fp16 --int8`; the
latency of its three files is measured in turns, and a ratio is one of medians. Results go to
`benchmarks/results/small_models.json`, run by run; a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from record import fingerprint, read, write

from nascompile.backends.onnx import session
from nascompile.data.splits import load_splits
from nascompile.jobs.exporting import export_network, real_images
from nascompile.jobs.shrinking import measured, shrink
from nascompile.jobs.target import of_run
from nascompile.profile.latency import session_latency

RESULTS = Path(__file__).parent / "results" / "small_models.json"
ROUNDS = 5


def attempt(run: Path, data: Path | None, seconds: float) -> dict[str, Any]:
    """The three files of a run's network."""
    target = of_run(run.parent, run.name, None, data)
    network, _ = target.network()
    assert target.task is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        made = export_network(
            network, target.input, target.outputs, path, digest=target.digest, genotype=target.genotype,
            task=target.task, images=real_images(target.task), unit=target.unit,
        )  # fmt: skip
        rows = {"float32": measured(path, target.input, target.task)}
        for bits in ("fp16", "int8"):
            rows[bits] = shrink(path, made.model, bits, target.input, target.task)  # type: ignore[arg-type]
        running = {name: session(str(row.path), 1) for name, row in rows.items()}
        times: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(ROUNDS):
            for name, one in running.items():
                times[name].append(session_latency(one, target.input, 1, seconds=seconds).median)
        medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        "space": target.call.name,
        "input": list(target.input),
        "metric": target.task.metric,
        "cases": len(load_splits(target.task).val),
        "files": {
            name: {
                "bytes": row.bytes,
                "ms": medians[name],
                "of float32": medians[name] / medians["float32"],
                "value": row.metric,
            }
            for name, row in rows.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each of the timings")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = read(options.out) or {"machine": fingerprint(), "runs": {}}
    for run in options.runs:
        if run.name not in results["runs"]:
            found = results["runs"][run.name] = attempt(run, options.data, options.seconds)
            write(options.out, results)
            print(run.name, found["files"])


if __name__ == "__main__":
    main()
