"""Training one genotype on its own, in a run of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nascompile.compilation import Compilation
from nascompile.config.constants import Choice
from nascompile.config.loss import LossTerm
from nascompile.config.search import Optimiser, Training
from nascompile.config.settings import from_argument
from nascompile.data.task import Task
from nascompile.diagnostics import error
from nascompile.jobs.contest import SEARCHED, Announce, add_timing, metadata_of
from nascompile.jobs.environment import environment
from nascompile.jobs.folder import (
    FOUND,
    GENOTYPE,
    WEIGHTS,
    read_front,
    read_genotype,
    record_of,
    write_genotype,
    write_spec,
)
from nascompile.jobs.networks import inherit, load_weights, make, save_weights
from nascompile.jobs.programs import fixed_program
from nascompile.jobs.results import Entry
from nascompile.jobs.training import Data, test, train
from nascompile.profile.cost import cost_of
from nascompile.profile.latency import torch_latency
from nascompile.runs import Run, find, write_json, write_table
from nascompile.space.genotype import Genotype
from nascompile.train.budget import Budget


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train: a genotype of a text, on a task, as `training` says."""

    text: Compilation
    genotype: Genotype
    task: Task
    training: Training
    search: str | None
    digest: str

    def record(self) -> dict[str, Any]:
        """The entries of `run.json`."""
        return {
            **record_of(self.text, "train", self.search),
            "digest": self.digest,
            "task": self.task.name,
        }


def plan_of(text: Compilation, genotype: str | None, search: str | None, task: str | None) -> Plan:
    """The plan for a genotype of a text. Without a search the training has its defaults: adamw, 40 epochs."""
    made = text.genotype(genotype)
    name = search if search is not None else _search_for(text, made.space)
    training = text.search(name).train if name is not None else default_training()
    where = text.task(task, search=name)
    digest = f"{text.digest_of(name)}/{made.digest()}/{where.name}"
    return Plan(text, made, where, training, name, digest)


def _search_for(text: Compilation, space: str) -> str | None:
    for name in text.library.searches:
        if text.search(name).space.name == space:
            return name
    return None


def default_training() -> Training:
    """What trains a genotype of a text that has no search."""
    loss = (LossTerm(1.0, None, Choice("dice_ce")),)
    return Training(Optimiser("adamw", schedule=Choice("cosine")), Budget(40), loss)


def of_run(
    root: Path, name: str | None, genotype: str | None, settings: Sequence[str], task: str | None, data: Path | None
) -> Plan:
    """The plan for the genotype of a run, by default of the newest that has one; `genotype` names one of its front.

    Settings that are arguments of its space (`c=32`) replace those that it was found with. Raises NasError (`no-runs`,
    `unknown-run`, `no-front`, `unknown-genotype`).
    """
    run = find(root, name, having=() if name else (GENOTYPE,))
    text, _ = read_genotype(run, data) if genotype is None else read_front(run, genotype, data)
    text = replace(text, settings=(*text.settings, *(from_argument(s) for s in settings)), _programs={}, _spaces={})
    found = text.genotype(genotype or FOUND)
    search = run.record().get("search")
    if search is None and not text.library.searches:
        raise error("missing-search", f"the run `{run.name}` has no search that says how to train")
    where = text.task(task, search=search)
    digest = f"{text.digest_of(search)}/{found.digest()}/{where.name}"
    own = text.search(search)  # without a name it is the text's only one, whose stages count as well
    return Plan(text, found, where, own.train, own.name, digest)


def train_single(
    plan: Plan,
    run: Run,
    device: torch.device,
    weights: Path | None,
    announce: Announce,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Train, evaluate on the test cases, and write weights, history and `results.json`; returns its entry.

    `weights` are started from, as far as they fit; what does not is said. Raises KeyboardInterrupt after Ctrl-C.
    """
    write_spec(run, plan.text, plan.search)
    write_genotype(run, plan.genotype)
    write_json(run.path("environment.json"), environment(device, plan.training.seed))
    program = fixed_program(plan.text, plan.genotype, plan.task)
    network = make(program, plan.training.seed)
    cost = cost_of(program)
    if cost.registered != cost.live:
        idle = cost.registered - cost.live
        say(f"{cost.live:,} parameters; {idle:,} more that the text registers and nothing reads are left out")
    if weights is not None:
        for line in inherit(network, load_weights(weights)[0]).lines():
            say(line)
    data = Data.of(plan.task, plan.training.seed)
    with announce("train") as report:
        outcome = train(
            network, data, plan.training, run.path("train"),
            digest=plan.digest, device=device, seed=plan.training.seed, report=report,
        )  # fmt: skip
    write_table(run.path("metrics.csv"), outcome.history)
    if not outcome.finished:
        run.update(step="training interrupted")
        raise KeyboardInterrupt
    add_timing(run, "train", outcome.seconds)
    measured = Entry(SEARCHED, test(network, plan.task, device), cost, outcome.step)
    network.cpu()
    save_weights(run.path(WEIGHTS), network.state_dict(), metadata_of(plan.digest, plan.genotype))
    shape = (plan.task.channels, *plan.task.patch)
    latency = {"torch": torch_latency(network, shape, torch.device("cpu"), seconds=1.0).as_json()}
    entry = replace(measured, name="trained", latency=latency).as_json()
    metric = plan.task.metric
    write_json(
        run.path("results.json"), {"task": plan.task.name, "metric": metric, "split": "test", "entries": [entry]}
    )
    run.update(step="finished", metric=metric, value=entry["evaluation"]["summaries"][metric]["value"])
    return entry
