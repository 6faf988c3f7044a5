"""`nascompile search`: find a genotype."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nascompile import runs
from nascompile.cli import options, session
from nascompile.cli.guard import guarded

if TYPE_CHECKING:
    from nascompile.jobs.estimate import Estimate


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
    root: options.Runs = options.RUNS,
) -> None:
    """Search a space; the run folder holds the genotype, its drawings, the course and the supernet."""
    text = session.checked(options.compilation(spec, session.seeded(set_, seed), config, data))
    task = session.checked_task(text.task(search=search))
    chosen = session.device(device)
    from nascompile.jobs.estimate import estimate
    from nascompile.jobs.folder import record_of, write_spec
    from nascompile.jobs.pipeline import search_step, start
    from nascompile.jobs.stages import previews
    from nascompile.jobs.training import Data

    digest = text.digest_of(search)
    if dry_run:
        images = Data.of(task, 0)
        for title, prepared in previews(text, search, images):
            print_estimate(estimate(prepared, images.train, chosen), prepared.space.size(), str(chosen), title)
        return
    if resume:
        run = session.resumed(root, name, digest, "search")
    else:
        run = runs.create(root, name, note=note, record=record_of(text, "search", search))
        write_spec(run, text, search)
    context = start(text, run, search, chosen, session.announce, lambda line: print(line, file=sys.stderr))
    if not run.path("genotype.nas").exists():
        for title, prepared in previews(text, search, context.data):
            print_estimate(estimate(prepared, context.data.train, chosen), prepared.space.size(), str(chosen), title)
    try:
        search_step(context)
    except KeyboardInterrupt:
        again = f"nascompile search {spec} --resume --name {run.name}"
        raise KeyboardInterrupt(f"resume with `{again}` and the same settings") from None
    print(run.path("genotype.nas").read_text(encoding="utf-8"))
    print(f"run {run.folder}")


def print_estimate(found: Estimate, size: int, device: str, title: str) -> None:
    """What a search will take, before it starts."""
    mib = found.memory / 2**20
    print(
        f"{title}: space of {size:,} genotypes; supernet of {found.parameters:,} parameters\n"
        f"about {mib:,.0f} MiB, {found.per_step:.2f} s a step on {device}, {found.steps:,} steps "
        f"({found.per_epoch} an epoch): about {session.duration(found.seconds)} without validation",
        file=sys.stderr,
    )
