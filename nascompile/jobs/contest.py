"""Networks that are trained alike and compared: the searched one, random ones of its space, hand-written ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from nascompile.backends.pytorch import Network
from nascompile.compilation import Compilation
from nascompile.config.objectives import names_of, violation
from nascompile.config.search import SearchConfig, Training
from nascompile.data.task import Task
from nascompile.diagnostics import error
from nascompile.files import write_text
from nascompile.ir.program import Program
from nascompile.jobs.brightness import apply_cut, fit_cut
from nascompile.jobs.folder import FOUND, WEIGHTS
from nascompile.jobs.networks import load_weights, make, save_weights
from nascompile.jobs.programs import call_for_task, fixed_program, input_for, plain_program
from nascompile.jobs.results import Entry
from nascompile.jobs.thresholds import apply_threshold, fit_threshold
from nascompile.jobs.training import Data, test, train
from nascompile.profile.cost import cost_of
from nascompile.profile.measures import ALL
from nascompile.profile.pricing import Pricer
from nascompile.runs import Run, read_json, write_json, write_table
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace
from nascompile.train.progress import Report
from nascompile.train.seed import derive

Announce = Callable[[str], AbstractContextManager[Report]]
"""Opens a progress bar for a stage with this title."""

SEARCHED = "searched"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A network to train: its label, its program for the task, and its genotype if it has one."""

    label: str
    program: Program
    genotype: Genotype | None = None


def contestants(text: Compilation, config: SearchConfig, found: Genotype, task: Task, seed: int) -> list[Contestant]:
    """The searched network first, then what `compare` lists and can be trained."""
    result = [Contestant(SEARCHED, fixed_program(text, found, task), found)]
    for baseline in config.compare:
        if baseline.kind == "random":
            call = call_for_task(text, config.space, task)
            space = text.open_space(call, input_for(task))
            for number in range(baseline.count):
                drawn, program = _drawn(text, config, space, task, seed, number)
                label = "random" if baseline.count == 1 else f"random {number + 1}"
                result.append(Contestant(label, program, drawn))
        elif baseline.kind == "genotype":
            genotype = text.genotype(baseline.name)
            result.append(Contestant(baseline.name, fixed_program(text, genotype, task), genotype))
        elif baseline.space is not None:
            result.append(Contestant(baseline.name, plain_program(text, baseline.space, task)))
    labels = [c.label for c in result]
    numbered = [
        f"{label} {labels[: i + 1].count(label)}" if labels.count(label) > 1 else label
        for i, label in enumerate(labels)
    ]
    return [Contestant(label, c.program, c.genotype) for label, c in zip(numbered, result, strict=True)]


_DRAWS = 1000
"""Genotypes that are looked at for one that fulfils the search's conditions."""


def _drawn(
    text: Compilation, config: SearchConfig, space: SearchSpace, task: Task, seed: int, number: int
) -> tuple[Genotype, Program]:
    """Random network `number`: a uniform draw among those that fulfil what a search asks of static measures.

    Raises NasError (`sampling-failed`).
    """
    wanted = [name for condition in config.where for name in names_of(condition) if name in ALL]
    pricer = Pricer(text.library, space) if wanted else None
    for attempt in range(_DRAWS):
        more = (attempt,) if attempt else ()
        drawn = space.sample(random.Random(derive(seed, 2, number, *more)))
        measures = {} if pricer is None else pricer.measures(drawn, wanted)
        if not any(violation(condition, measures, text.library) for condition in config.where):
            return drawn, fixed_program(text, drawn, task)
    message = f"none of {_DRAWS} random genotypes of `{space.name}` fulfils the conditions of the search"
    raise error("sampling-failed", message, config.spans.get("compare"), hint="loosen `where`, or compare with others")


def trained(
    contestant: Contestant,
    data: Data,
    training: Training,
    run: Run,
    *,
    digest: str,
    device: torch.device,
    seed: int,
    announce: Announce,
) -> tuple[Network, int]:
    """The trained network, with the weights of its best validation, and its number of steps; at once if it is done.

    Raises KeyboardInterrupt after Ctrl-C; the folder then holds what a resumption needs.
    """
    folder = run.path("train") / contestant.label.replace(" ", "_")
    network = make(contestant.program, seed)
    if (folder / "done.json").exists():
        weights, _ = load_weights(folder / WEIGHTS)
        network.load_state_dict(weights)
        return network, int(read_json(folder / "done.json")["steps"])
    folder.mkdir(parents=True, exist_ok=True)
    if contestant.genotype is not None:
        write_text(folder / "genotype.nas", contestant.genotype.to_text(FOUND, imports=["spec"]))
    own = f"{digest}/{contestant.label}"
    with announce(f"train {contestant.label}") as report:
        outcome = train(network, data, training, folder, digest=own, device=device, seed=seed, report=report)
    write_table(folder / "metrics.csv", outcome.history)
    if not outcome.finished:
        raise KeyboardInterrupt
    network.cpu()
    save_weights(folder / WEIGHTS, network.state_dict(), metadata_of(digest, contestant.genotype))
    write_json(folder / "done.json", {"steps": outcome.step, "best": _finite(outcome.best)})
    add_timing(run, f"train {contestant.label}", outcome.seconds)
    return network, outcome.step


def metadata_of(digest: str, genotype: Genotype | None) -> dict[str, str]:
    """What a weights file says of its network."""
    text = "" if genotype is None else genotype.to_text(FOUND, header=False)
    return {"digest": digest, "genotype": text}


def entry(contestant: Contestant, network: torch.nn.Module, task: Task, device: torch.device, steps: int) -> Entry:
    """Evaluate a trained network on the test cases."""
    evaluation = test(network, task, device)
    return Entry(contestant.label, evaluation, cost_of(contestant.program), steps)


def untrained(config: SearchConfig, task: Task) -> list[Entry]:
    """What needs no training: a threshold, or nothing found at all. Raises NasError for a classification."""
    entries = []
    for baseline in config.compare:
        if baseline.kind == "brightness":
            cut = fit_cut(task)
            entries.append(Entry(baseline.name, apply_cut(cut, task, "test"), remark=str(cut)))
        if baseline.kind not in ("threshold", "background"):
            continue
        if task.kind != "segmentation":
            at = config.spans.get("compare")
            message = f"`{baseline.name}` is a baseline of segmentations"
            raise error("bad-baseline", message, at, hint="compare with `random` or with spaces")
        rule = fit_threshold(task) if baseline.kind == "threshold" else None
        remark = "all background" if rule is None else str(rule)
        entries.append(Entry(baseline.name, apply_threshold(rule, task, "test"), remark=remark))
    return entries


def add_timing(run: Run, stage: str, seconds: float) -> None:
    """Put a row into `timing.csv`, replacing one of the same stage."""
    path = run.path("timing.csv")
    rows: list[dict[str, Any]] = []
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        rows = [dict(zip(("stage", "seconds"), line.rsplit(",", 1), strict=True)) for line in lines]
    kept = [row for row in rows if row["stage"] != stage]
    write_table(path, [*kept, {"stage": stage, "seconds": f"{seconds:.3f}"}])


def _finite(values: Any) -> dict[str, Any] | None:
    return None if values is None else {k: v if v == v else None for k, v in values.items()}
