"""`nascompile search`: find a genotype."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nascompile import runs
from nascompile.cli import options, session
from nascompile.cli.guard import guarded, warn
from nascompile.diagnostics import error

if TYPE_CHECKING:
    from nascompile.jobs.estimate import Estimate
    from nascompile.jobs.sampling import Sampled
    from nascompile.jobs.trial_estimate import TrialEstimate


@guarded
def search(
    spec: options.Spec,
    search: Annotated[str | None, typer.Argument(metavar="[SEARCH]", help="Which search of the text.")] = None,
    name: options.RunName = None,
    note: options.Note = None,
    seed: options.Seed = None,
    set_: options.Set = None,
    config: options.Config = None,
    data: options.Data = None,
    device: options.Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of this text (or of `--name`).")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Estimate memory and time, then stop.")] = False,
    workers: options.Workers = 1,
    storage: options.Storage = None,
    join: Annotated[
        str | None,
        typer.Option("--join", metavar="STUDY", help="Share this study of `--storage` with other processes."),
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Count processes that were at work on the study as gone.")
    ] = False,
    any_machine: Annotated[
        bool, typer.Option("--any-machine", help="Let latencies that different machines measured mix.")
    ] = False,
    root: options.Runs = options.RUNS,
) -> None:
    """Search a space; the run folder holds the genotype, its drawings, the course and the supernet or the study."""
    if join is not None and storage is None:
        hint = (
            "give its address: `--storage postgresql://HOST/DATABASE`, or `--storage sqlite:///study.db` on one machine"
        )
        raise error("missing-storage", "a study that is shared is in no run folder", hint=hint)
    text = session.checked(options.compilation(spec, session.seeded(set_, seed), config, data, search=search))
    task = session.checked_task(text.task(search=search))
    chosen = session.device(device)
    from nascompile.jobs.estimate import estimate
    from nascompile.jobs.folder import record_of, write_spec
    from nascompile.jobs.pipeline import search_step, start
    from nascompile.jobs.readiness import require_ready
    from nascompile.jobs.sampling import Where, identity
    from nascompile.jobs.stages import previews
    from nascompile.jobs.training import Data

    digest = identity(text, search)
    ready = require_ready(text, search, task, root)
    if dry_run and ready is not None:
        print_sampled(ready)
        from nascompile.jobs.trial_estimate import estimate_trials

        print_trials(ready, estimate_trials(ready, chosen, root), str(chosen), workers)
        return
    if dry_run:
        images = Data.of(task, 0)
        for title, prepared in previews(text, search, images):
            print_estimate(estimate(prepared, images.train, chosen), prepared.space.size(), str(chosen), title)
        return
    if resume:
        run = session.resumed(root, name, digest, "search")
    else:
        if join is not None and name is None:
            name = runs.as_name(f"{join}_{platform.node()}_{os.getpid()}")
        run = runs.create(root, name, note=note, record=record_of(text, "search", search) | {"digest": digest})
    with runs.withdrawn(run, not resume):
        write_spec(run, text, search)  # also when resumed: a larger budget, or what a kill at the start left out
        context = start(
            text, run, search, chosen, session.announce, lambda line: print(line, file=sys.stderr),
            workers=workers, where=Where(storage, join, take_over, any_machine),
        )  # fmt: skip
        if ready is not None:
            print_sampled(ready)
        elif not run.path("genotype.nas").exists():
            for title, prepared in previews(text, search, context.data):
                print_estimate(
                    estimate(prepared, context.data.train, chosen), prepared.space.size(), str(chosen), title
                )
        try:
            search_step(context)
        except KeyboardInterrupt:
            again = f"nascompile search {spec} --resume --name {run.name}" + (f" --join {join}" if join else "")
            raise KeyboardInterrupt(f"resume with `{again}` and the same settings") from None
    print(run.path("genotype.nas").read_text(encoding="utf-8"))
    if ready is not None:
        print_front(run)
    print(f"run {run.folder}")


def print_sampled(prepared: Sampled) -> None:
    """What a search that tries genotypes will do, before it starts."""
    warn(prepared.forecaster.warnings)
    config = prepared.config
    goals = ", ".join(f"{'minimize' if goal.sign > 0 else 'maximize'} {goal.name}" for goal in prepared.goals)
    print(
        f"{config.name}: space of {prepared.space.size():,} genotypes; {config.strategy.name}, "
        f"{config.budget.amount:g} {config.budget.unit}: {goals}",
        file=sys.stderr,
    )


def print_trials(prepared: Sampled, found: TrialEstimate | None, device: str, workers: int) -> None:
    """What the trials of a search will take, before it starts."""
    if found is None:
        print("no estimate: no genotype of many drawn at random keeps the conditions", file=sys.stderr)
        return
    spent = [f"{found.steps:,} steps" if found.steps > 1 else "a step"] if found.steps else []
    spent += [f"{found.validations:,} validations" if found.validations > 1 else "a validation"] * bool(
        found.validations
    )
    one = f" with {' and '.join(spent)}" if spent else ", which trains nothing"
    mib = max(1.0, found.memory / 2**20)
    print(
        f"estimate from {len(found.begun)} genotypes begun on {device}: about {mib:,.0f} MiB a process beside torch "
        f"itself (by a model of its tensors), and {found.per_trial:.2g} s a trial{one}",
        file=sys.stderr,
    )
    if prepared.config.budget.unit == "seconds":
        print(f"the budget holds about {found.trials:,} such trials", file=sys.stderr)
    else:
        print(
            f"{found.trials:,} such trials one after another: about {session.duration(found.seconds)}", file=sys.stderr
        )
    if workers > 1:
        print(f"at best {workers} trials at a time: divide by what the cores give", file=sys.stderr)
    if found.is_on_tiles:
        print("not in the estimate: measuring on analog tiles, which each trial does at its end", file=sys.stderr)


def print_front(run: runs.Run) -> None:
    """The front of a search that tried genotypes, as a table."""
    from nascompile.report.tables import show_table

    found = runs.read_json(run.path("front.json"))
    names = [goal["name"] for goal in found["objectives"]]
    rows = [
        [member["name"], str(member["trial"]), *(f"{member['values'][name]:.4g}" for name in names)]
        for member in found["front"]
    ]
    show_table(f"front (knee: {found['knee']})", ["genotype", "trial", *names], rows, right=["trial", *names])


def print_estimate(found: Estimate, size: int, device: str, title: str) -> None:
    """What a search will take, before it starts."""
    mib = found.memory / 2**20
    print(
        f"{title}: space of {size:,} genotypes; supernet of {found.parameters:,} parameters\n"
        f"about {mib:,.0f} MiB, {found.per_step:.2f} s a step on {device}, {found.steps:,} steps "
        f"({found.per_epoch} an epoch): about {session.duration(found.seconds)} without validation",
        file=sys.stderr,
    )
