"""`nascompile train`: train the network of a genotype."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nascompile import runs
from nascompile.cli import options, session
from nascompile.cli.analog_tables import analog_device, for_tiles, print_analog
from nascompile.cli.guard import guarded
from nascompile.diagnostics import error


@guarded
def train(
    spec: Annotated[Path | None, typer.Argument(metavar="[SPEC]", help="A text; without it, the newest run.")] = None,
    genotype: options.GenotypeName = None,
    run_: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="A run instead of a text; `-g front_2` of its front.")
    ] = None,
    search: Annotated[str | None, typer.Option("--search", metavar="NAME", help="Whose `stage train` to use.")] = None,
    task: Annotated[str | None, typer.Option("--task", metavar="NAME", help="Another task of the text.")] = None,
    from_: Annotated[Path | None, typer.Option("--from", metavar="WEIGHTS", help="Start from these weights.")] = None,
    inherit: Annotated[
        str | None, typer.Option("--inherit", metavar="RUN", help="Start from a run's supernet.")
    ] = None,
    name: options.RunName = None,
    note: options.Note = None,
    seed: options.Seed = None,
    set_: options.Set = None,
    config: options.Config = None,
    data: options.Data = None,
    device: options.Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of `--name`.")] = False,
    analog: Annotated[
        bool, typer.Option("--analog", help="Train a run's network for analog tiles (`--device pcm`), within the run.")
    ] = False,
    root: options.Runs = options.RUNS,
) -> None:
    """Train a genotype from scratch, from a supernet's weights, or from a file; then evaluate it."""
    if analog or analog_device(device) is not None:
        given = {"a SPEC": spec, "--genotype": genotype, "--from": from_, "--inherit": inherit, "--name": name}
        given |= {"--search": search, "--config": config, "--note": note}
        refused = {name for name, value in given.items() if value is not None}
        for_tiles(run_, refused, device, session.seeded(set_, seed), task, data, root)
        return
    chosen = session.device(device)
    from nascompile.jobs.analog_step import train_and_convert
    from nascompile.jobs.single import Plan, of_run, plan_of

    if spec is not None and run_ is not None:
        raise error("two-targets", "a SPEC and `--run` name two networks", hint="give one of them")
    plan: Plan
    if spec is None:
        options.for_texts_only(search=search, config=config)
        plan = of_run(root, run_, genotype, session.seeded(set_, seed), task, data)
    else:
        text = session.checked(options.compilation(spec, session.seeded(set_, seed), config, data))
        plan = plan_of(text, genotype, search, task)
    session.checked_task(plan.task)
    if resume:
        run = session.resumed(root, name, plan.digest, "train")
    else:
        run = runs.create(root, name, note=note, record=plan.record())
    with runs.withdrawn(run, not resume):
        start = from_ if inherit is None else runs.find(root, inherit).path("supernet.safetensors")
        try:
            result = train_and_convert(
                plan, run, chosen, start, session.announce, lambda line: print(line, file=sys.stderr)
            )  # fmt: skip
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"resume with the same command and `--resume --name {run.name}`") from None
    from nascompile.cli.run import print_results

    print_results([result], plan.task.metric)
    print_analog(run)
    print(f"run {run.folder}")
