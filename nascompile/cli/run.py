"""`nascompile run`: search, train, compare, export; what is done is not done again."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Annotated, Any

import typer

from nascompile import runs
from nascompile.cli import options, session
from nascompile.cli.analog_tables import print_analog
from nascompile.cli.guard import guarded


@guarded
def run(
    spec: options.Spec,
    search: Annotated[str | None, typer.Argument(metavar="[SEARCH]", help="Which search of the text.")] = None,
    name: options.RunName = None,
    note: options.Note = None,
    seed: options.Seed = None,
    set_: options.Set = None,
    config: options.Config = None,
    data: options.Data = None,
    device: options.Device = "auto",
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over: remove a run of this name first.")] = False,
    workers: options.Workers = 1,
    storage: options.Storage = None,
    root: options.Runs = options.RUNS,
) -> None:
    """Search, train what was found and what it is compared with, evaluate on the test cases, export.

    A run of the same name and text is gone on with where it stopped.
    """
    begun = time.monotonic()
    text = session.checked(options.compilation(spec, session.seeded(set_, seed), config, data, search=search))
    task = session.checked_task(text.task(search=search))
    chosen = session.device(device)
    from nascompile.jobs.folder import record_of, write_spec
    from nascompile.jobs.pipeline import run_all, start
    from nascompile.jobs.readiness import require_ready
    from nascompile.jobs.sampling import Where, identity

    require_ready(text, search, task, root)
    digest = identity(text, search)
    if fresh and name is not None and (root / name / runs.RECORD).is_file():
        shutil.rmtree(root / name)
    is_new = name is None or not (root / name / runs.RECORD).is_file()
    if name is not None and not is_new:
        folder = runs.Run(root / name)
        session.require_same(folder, digest)
        if folder.record().get("step") == "finished":
            print(f"run `{name}` is finished; this is its table (`--fresh` does it again)", file=sys.stderr)
    else:
        folder = runs.create(root, name, note=note, record=record_of(text, "run", search) | {"digest": digest})
    with runs.withdrawn(folder, is_new):
        if text.search(search).sampling is not None or not folder.path("spec.nas").exists():
            write_spec(folder, text, search)  # a larger budget is written down, too
        context = start(
            text, folder, search, chosen, session.announce, lambda line: print(line, file=sys.stderr),
            workers=workers, where=Where(storage),
        )  # fmt: skip
        try:
            entries = run_all(context)
        except KeyboardInterrupt:
            again = f"nascompile run {spec} --name {folder.name}"
            raise KeyboardInterrupt(f"resume with `{again}` and the same settings") from None
    print(folder.path("genotype.nas").read_text(encoding="utf-8"))
    print_results(entries, context.data.task.metric)
    print_analog(folder)
    print(f"{context.data.task.name}: {context.data.task.metric} on the test cases; one seed, a demonstration")
    print(f"run {folder.folder} in {session.duration(time.monotonic() - begun)}; for research, not a medical device")


def print_results(entries: list[dict[str, Any]], metric: str) -> None:
    """The table of compared networks."""
    from nascompile.jobs.results import table
    from nascompile.report.tables import show_table

    columns, rows = table(entries, metric)
    show_table("", columns, rows, right=[c for c in columns if c not in ("network", "95 %")])
    for entry in entries:
        if entry["remark"]:
            print(f"{entry['name']}: {entry['remark']}")
