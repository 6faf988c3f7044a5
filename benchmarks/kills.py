"""Searches killed at random moments and resumed, and searches with other numbers of workers: the same bytes?

    python benchmarks/kills.py [--part kills|workers] [--seed 0] [--work FOLDER]

Runs `nascompile search` on the demo nuclei (`benchmarks/specs/kills.nas`) in processes of its own and kills them
(SIGKILL) at random moments while trials are evaluated or steps are made, resumes, and compares what was written with a
search left alone. Measured latencies do not repeat from search to search; there what was recorded before a kill must
stay as it was. Goes on where it stopped; writes `benchmarks/results/{kills,workers}.json` after every kill.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from record import fingerprint, read, write

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "benchmarks" / "specs"
RESULTS = ROOT / "benchmarks" / "results"
FRONT = ("trials.json", "front.json", "front.nas", "genotype.nas", "metrics.csv")
RELAXED = ("genotype.nas", "probabilities.json", "supernet.safetensors", "metrics.csv")
STAGES = ("genotype_first.nas", "narrow_second.nas", "stage_first.json", "stage_second.json")
STARTED = re.compile(r"^search( \w+)? \.\.\.$", re.MULTILINE)
PRELOADED = ["nascompile.jobs.pipeline", "nascompile.search.strategies.optuna_sampler", "nascompile.cli.app"]


@dataclass(frozen=True, slots=True)
class Case:
    """A search of the text: its settings, how often it is killed, the workers meanwhile, the files to compare."""

    search: str
    kills: int
    files: tuple[str, ...] = FRONT
    strategy: str | None = None
    workers: int = 0

    @property
    def is_sampled(self) -> bool:
        return self.search in ("tried", "timed")


CASES = {
    "random": Case("tried", 3, strategy="random"),
    "evolution": Case("tried", 3, strategy="evolution(population = 4, sample = 2, lag = 4)"),
    "nsga2": Case("tried", 3, strategy="nsga2(population = 4)"),
    "partial_order": Case("tried", 2, strategy="partial_order(lag = 4)"),
    "tpe": Case("tried", 3, strategy="optuna(sampler = tpe, startup = 4, lag = 4)"),
    "bilevel": Case("relaxed", 3, (*RELAXED,)),
    "staged": Case("staged", 2, (*RELAXED, *STAGES)),
    "timed": Case("timed", 1, ()),
}


def run(arguments: list[str], log: str) -> None:
    """The life of a process: `nascompile` with these arguments, its words in a file."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv = ["nascompile", *arguments]
    from nascompile.cli.app import main

    main()


class Bench:
    """Starts searches under a folder; a process that is begun has torch loaded already."""

    def __init__(self, work: Path):
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        self.context: Any = multiprocessing.get_context(method)
        if method == "forkserver":
            self.context.set_forkserver_preload(PRELOADED)
        self.work = work

    def start(self, case: Case, folder: str, workers: int) -> tuple[BaseProcess, Path]:
        """A search, gone on with if it was begun; the process and its log."""
        root, log = self.work / folder, self.work / f"{folder}.log"
        more = ["--resume"] if (root / "run" / "run.json").is_file() else []
        if case.strategy:
            more += ["--set", f"strategy={case.strategy}"]
        if case.is_sampled:
            more += ["--workers", str(workers)]
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        spec = SPECS / ("kills.nas" if case.is_sampled else "kills_relaxed.nas")
        given = ["search", str(spec), case.search, "--data", str(ROOT / "demo"), "--runs", str(root), "--name", "run"]
        process: BaseProcess = self.context.Process(target=run, args=([*given, "--device", "cpu", *more], str(log)))
        process.start()
        return process, log

    def whole(self, case: Case, folder: str, workers: int) -> float:
        """A search until its end; the seconds after its start."""
        process, log = self.start(case, folder, workers)
        begun = self.working(case, process, log, folder)
        process.join()
        if process.exitcode != 0:
            raise SystemExit(f"{folder}: status {process.exitcode}\n{log.read_text(encoding='utf-8')[-2000:]}")
        return time.monotonic() - begun

    def working(self, case: Case, process: BaseProcess, log: Path, folder: str) -> float:
        """Wait until a search works: a trial trains, or steps are saved. The time of it, or of the end."""
        started = time.time()
        run = self.work / folder / "run"
        while process.is_alive():
            if log.is_file() and STARTED.search(log.read_text(encoding="utf-8", errors="replace")):
                break
            time.sleep(0.02)
        while process.is_alive() and not newer(
            run, "trials/*" if case.is_sampled else "**/search.safetensors", started
        ):
            time.sleep(0.02)
        return time.monotonic()


def newer(folder: Path, pattern: str, moment: float) -> bool:
    """Whether something in a folder is newer than a moment."""
    try:
        return any(entry.stat().st_mtime > moment for entry in folder.glob(pattern))
    except OSError:
        return False


def kept(run_folder: Path) -> Any:
    """What a killed search leaves: its trials by number (state, values, measures), or the step it is saved at."""
    if not (run_folder / "study.db").is_file():
        found = sorted((run_folder / "search").rglob("search.safetensors"))
        from nascompile.train.checkpoint import load_checkpoint

        return {path.parent.name: load_checkpoint(path)["step"] for path in found}
    with tempfile.TemporaryDirectory() as folder:  # reading the files in place would tidy them up
        for path in run_folder.glob("study.db*"):
            shutil.copy(path, folder)
        base = sqlite3.connect(Path(folder, "study.db"))
        try:
            trials = base.execute("select trial_id, number, state from trials order by number").fetchall()
            words = dict(
                base.execute("select trial_id, value_json from trial_user_attributes where key = 'measures'").fetchall()
            )
        finally:
            base.close()
    return {number: (state, words.get(key, "") if state != "RUNNING" else "") for key, number, state in trials}


def differing(first: Path, second: Path, files: tuple[str, ...]) -> list[str]:
    """The files that are not the same bytes in two runs."""
    return [f for f in files if (first / "run" / f).read_bytes() != (second / "run" / f).read_bytes()]


def changed(before: dict[Any, Any], after: dict[Any, Any]) -> list[int]:
    """Trials that were recorded and are not as they were."""
    ended = {n: found for n, found in before.items() if found[0] != "RUNNING"}
    return [n for n, found in ended.items() if after.get(n) != found]


def kill(bench: Bench, name: str, case: Case, found: dict[str, Any], seed: int) -> None:
    """One kill of a case, recorded in `found`; if the search ended before, it is compared and the next one begins."""
    number = len(found["kills"]) + len(found["missed"])
    rng = random.Random(f"{seed}/{name}/{number}")
    folder = f"{name}/killed_{found['chain']}"
    before = kept(bench.work / folder / "run") if (bench.work / folder / "run").is_dir() else {}
    process, log = bench.start(case, folder, case.workers)
    bench.working(case, process, log, folder)
    wait = rng.uniform(0.0, 0.9 if case.is_sampled else 0.5) * found["seconds"] / case.kills
    process.join(wait)
    was_alive = process.is_alive()
    process.kill()
    process.join()
    if not was_alive or process.exitcode != -signal.SIGKILL:
        if process.exitcode != 0:
            raise SystemExit(f"{name}: status {process.exitcode}\n{log.read_text(encoding='utf-8')[-2000:]}")
        found["missed"].append(round(wait, 3))
        finish(bench, name, case, found)
        found["chain"] += 1
        return
    after = kept(bench.work / folder / "run")
    entry: dict[str, Any] = {"after": round(wait, 3), "status": process.exitcode}
    if (bench.work / folder / "run" / "study.db").is_file():
        states = [state for state, _ in after.values()]
        entry |= {"begun": len(states), "running": states.count("RUNNING"), "changed": changed(before, after)}
    else:
        entry["steps"] = after
    found["kills"].append(entry)


def finish(bench: Bench, name: str, case: Case, found: dict[str, Any]) -> None:
    """Resume a killed search until its end, and compare."""
    folder = f"{name}/killed_{found['chain']}"
    before = kept(bench.work / folder / "run")
    bench.whole(case, folder, case.workers)
    if case.search == "timed":
        after = kept(bench.work / folder / "run")
        found["replayed"] = sum(state != "RUNNING" for state, _ in before.values())
        found["differing"] += [f"trial {n}" for n in changed(before, after)]
        return
    found["differing"] += differing(bench.work / name / "whole", bench.work / folder, case.files)


def kills(bench: Bench, seed: int) -> dict[str, Any]:
    target = RESULTS / "kills.json"
    results = read(target) or {"machine": fingerprint(), "seed": seed, "cases": {}}
    for name, case in CASES.items():
        empty: dict[str, Any] = {"seconds": None, "kills": [], "missed": [], "chain": 0, "differing": [], "done": False}
        found = results["cases"].setdefault(name, {**empty, "files": case.files})
        if found["seconds"] is None:
            shutil.rmtree(bench.work / name, ignore_errors=True)
            found["seconds"] = round(bench.whole(case, f"{name}/whole", 0), 2)
            write(target, results)
        while len(found["kills"]) < case.kills:
            kill(bench, name, case, found, seed)
            write(target, results)
        if not found["done"]:
            finish(bench, name, case, found)
            found["done"] = True
            write(target, results)
        print(f"{name:14} {found['seconds']:6.1f} s  {len(found['kills'])} kills  differing: {found['differing']}")
        sys.stdout.flush()
    return results


def workers(bench: Bench) -> dict[str, Any]:
    """Every strategy with 0, 1, 2 and 4 workers, compared with 0."""
    target = RESULTS / "workers.json"
    results = read(target) or {"machine": fingerprint(), "cases": {}}
    for name, case in CASES.items():
        if case.search != "tried":
            continue
        found = results["cases"].setdefault(name, {})
        for count in (0, 1, 2, 4):
            if str(count) in found:
                continue
            folder = f"{name}/workers_{count}"
            shutil.rmtree(bench.work / folder, ignore_errors=True)
            bench.whole(case, folder, count)
            found[str(count)] = differing(bench.work / name / "workers_0", bench.work / folder, case.files)
            write(target, results)
            print(f"{name:14} {count} workers  differing: {found[str(count)]}", flush=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["kills", "workers"], default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "nascompile-kills")
    options = parser.parse_args()
    wrong = 0
    if options.part != "workers":
        bench = Bench(options.work / "kills")
        cases = kills(bench, options.seed)["cases"].values()
        wrong += sum(len(c["differing"]) + sum(len(k.get("changed", ())) for k in c["kills"]) for c in cases)
        print(f"{sum(len(c['kills']) for c in cases)} kills, {wrong} files or trials differ", flush=True)
    if options.part != "kills":
        bench = Bench(options.work / "workers")
        counts = [different for case in workers(bench)["cases"].values() for different in case.values()]
        print(f"{len(counts)} searches with 0, 1, 2, 4 workers, {sum(map(len, counts))} files differ")
        wrong += sum(map(len, counts))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
