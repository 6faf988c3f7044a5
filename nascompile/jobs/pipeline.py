"""The whole of a run: search, train, compare on the test cases, export. Every step that is done is not done again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from nascompile.compilation import Compilation
from nascompile.config.objectives import violation
from nascompile.config.search import SearchConfig
from nascompile.diagnostics import NasError
from nascompile.jobs.analog_step import analog_step, plan_of_network, require_ready
from nascompile.jobs.contest import (
    SEARCHED,
    Announce,
    Contestant,
    add_timing,
    contestants,
    entry,
    metadata_of,
    trained,
    untrained,
)
from nascompile.jobs.environment import environment
from nascompile.jobs.exporting import Exported, export_network, first_images
from nascompile.jobs.folder import GENOTYPE, WEIGHTS, read_genotype
from nascompile.jobs.networks import load_weights, save_weights
from nascompile.jobs.programs import fixed_call, fixed_program, input_for
from nascompile.jobs.results import Entry, table
from nascompile.jobs.sampling import IN_RUN, Where, identity, prepare_sampled, search_sampled
from nascompile.jobs.searching import prepare, search
from nascompile.jobs.sizes import divisor
from nascompile.jobs.stages import search_stages
from nascompile.jobs.training import Data
from nascompile.profile.latency import torch_latency
from nascompile.profile.measures import measures_of
from nascompile.report.curves import draw_run
from nascompile.report.run_page import write_page
from nascompile.runs import Run, read_json, write_json
from nascompile.space.genotype import Genotype

RESULTS = "results.json"
MODEL = "model.onnx"


@dataclass(frozen=True, slots=True)
class Context:
    """What all steps of a run share. `say` prints a line.

    `workers` and `where` are for searches that try genotypes: their processes, and where the study is.
    """

    text: Compilation
    run: Run
    name: str | None
    config: SearchConfig
    data: Data
    device: torch.device
    digest: str
    announce: Announce
    say: Callable[[str], None]
    workers: int = 1
    where: Where = IN_RUN


def start(
    text: Compilation,
    run: Run,
    name: str | None,
    device: torch.device,
    announce: Announce,
    say: Callable[[str], None],
    *,
    workers: int = 1,
    where: Where = IN_RUN,
) -> Context:
    """Read the images, and record the environment."""
    config = text.search(name)
    require_ready(text, config.analog)
    data = Data.of(text.task(search=name), config.seed)
    write_json(run.path("environment.json"), environment(device, config.seed))
    return Context(text, run, name, config, data, device, identity(text, name), announce, say, workers, where)


def search_step(context: Context, *, resume: bool = True) -> Genotype:
    """The genotype of the run, searched for unless it is there. Raises KeyboardInterrupt after Ctrl-C."""
    run = context.run
    if context.config.sampling is not None:
        return _sampled(context)
    if resume and run.path(GENOTYPE).exists():
        return read_genotype(run, context.text.data)[1]
    if context.config.stages:
        found, prepared = search_stages(
            context.text, context.name, context.data, run, digest=context.digest, device=context.device, resume=resume,
            announce=context.announce, timed=lambda stage, seconds: add_timing(run, stage, seconds),
        )  # fmt: skip
    else:
        prepared = prepare(context.text, context.name, context.data)
        run.update(step="searching")
        with context.announce("search") as report:
            found = search(
                prepared, context.data, run, digest=context.digest, device=context.device, resume=resume, report=report
            )
        add_timing(run, "search", found.outcome.seconds)
    if found.genotype is None:
        run.update(step="search interrupted")
        raise KeyboardInterrupt
    _tell_broken_conditions(context, found.genotype)
    run.update(step="searched", size=str(prepared.space.size()))
    draw_run(run, prepared.space.program, found.genotype)
    return found.genotype


def _sampled(context: Context) -> Genotype:
    """The genotype of a search that tries them; what a smaller budget led to goes if the genotype is another one."""
    run = context.run
    before = run.path(GENOTYPE).read_text(encoding="utf-8") if run.path(GENOTYPE).exists() else None
    prepared = prepare_sampled(context.text, context.name, context.data.task)
    run.update(step="searching")
    with context.announce("search") as report:
        genotype = search_sampled(
            prepared, run, context.device, workers=context.workers, where=context.where, report=report
        )
    if before is not None and before != run.path(GENOTYPE).read_text(encoding="utf-8"):
        shutil.rmtree(run.path("train") / SEARCHED, ignore_errors=True)
    run.update(step="searched", size=str(prepared.space.size()), budget=_budget(context))
    draw_run(run, prepared.space.program, genotype)
    return genotype


def _budget(context: Context) -> str:
    return f"{context.config.budget.amount:g} {context.config.budget.unit}"


def _tell_broken_conditions(context: Context, genotype: Genotype) -> None:
    """A relaxed search cannot refuse a network for its cost; that what it found breaks a `where` is said."""
    program = fixed_program(context.text, genotype, context.data.task)
    measures = measures_of(program)
    for condition in context.config.where:
        if violation(condition, measures, context.text.library):
            words = " ".join(condition.span.text.split())
            context.say(
                f"note: the genotype does not fulfil `{words}` ({measures['params']:,} parameters,"
                f" {measures['macs']:,} MACs)"
            )


def run_all(context: Context) -> list[dict[str, Any]]:
    """Do what is not done yet; returns the entries of `results.json`, the baselines without training first."""
    run, task = context.run, context.data.task
    record = run.record()
    is_spent = context.config.sampling is None or record.get("budget") == _budget(context)
    if record.get("step") == "finished" and is_spent and run.path(RESULTS).exists():
        return list(read_json(run.path(RESULTS))["entries"])
    genotype = search_step(context)
    seed = context.config.train.seed
    entries = [e.as_json() for e in untrained(context.config, task)]
    exported: Exported | None = None
    for contestant in contestants(context.text, context.config, genotype, task, seed):
        network, steps = trained(
            contestant, context.data, context.config.train, run,
            digest=context.digest, device=context.device, seed=seed, announce=context.announce,
        )  # fmt: skip
        run.update(step=f"trained {contestant.label}")
        measured = entry(contestant, network, task, context.device, steps)
        network.cpu()
        latency: dict[str, Any] = {}
        shape = (task.channels, *task.patch)
        if contestant.label == SEARCHED:
            save_weights(run.path(WEIGHTS), network.state_dict(), metadata_of(context.digest, genotype))
            exported = _export(context, contestant, network)
        latency["torch"] = torch_latency(network, shape, torch.device("cpu"), seconds=1.0).as_json()
        if exported is not None and contestant.label == SEARCHED:
            latency["onnxruntime"] = exported.latency.as_json()
        entries.append(replace(measured, latency=latency).as_json())
        write_json(run.path(RESULTS), {"task": task.name, "metric": task.metric, "split": "test", "entries": entries})
    draw_run(run, None, genotype)
    columns, rows = table(entries, task.metric)
    remarks = [f"{e['name']}: {e['remark']}" for e in entries if e["remark"]]
    write_page(run, task.name, task.metric, columns, rows, remarks)
    _on_tiles(context, genotype)
    searched = next(e for e in entries if e["name"] == SEARCHED)
    value = searched["evaluation"]["summaries"][task.metric]["value"]
    run.update(step="finished", metric=task.metric, value=value)
    return entries


def _on_tiles(context: Context, genotype: Genotype) -> None:
    """The stage `analog`, where the search has one: the searched network on tiles of a device."""
    stage, task = context.config.analog, context.data.task
    if stage is None:
        return
    weights, metadata = load_weights(context.run.path(WEIGHTS))
    program = fixed_program(context.text, genotype, task)
    plan = plan_of_network(context.text, program, genotype, task, weights, stage, metadata["digest"])
    analog_step(plan, context.run, context.data, context.announce, context.say)


def _export(context: Context, contestant: Contestant, network: torch.nn.Module) -> Exported | None:
    """The ONNX file of the searched network; without it a run still ends, and says why there is none."""
    task = context.data.task
    try:
        return export_network(
            network, (task.channels, *task.patch), [n for n, _ in contestant.program.graph.outputs],
            context.run.path(MODEL), digest=context.digest, genotype=contestant.genotype, task=task,
            images=first_images(context.data.val), unit=_unit(context, contestant),
        )  # fmt: skip
    except NasError as failure:
        context.say(f"not exported: {failure.diagnostics[0].message}")
        return None


def _unit(context: Context, contestant: Contestant) -> int:
    """What divides every legal size of a contestant's images."""
    if contestant.genotype is None:
        return 1
    text, task = context.text, context.data.task
    return divisor(text, fixed_call(text, contestant.genotype, task), contestant.genotype, input_for(task))


__all__ = ["MODEL", "RESULTS", "Context", "Entry", "run_all", "search_step", "start"]
