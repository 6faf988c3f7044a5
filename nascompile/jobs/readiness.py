"""What can be found wrong with a search before it gets a run folder, beyond what its text says alone."""

from __future__ import annotations

from pathlib import Path

from nascompile.compilation import Compilation
from nascompile.data.task import Task
from nascompile.jobs.inheriting import inheritance_of
from nascompile.jobs.predicting import require_tables
from nascompile.jobs.sampling import Sampled, prepare_sampled


def require_ready(text: Compilation, name: str | None, task: Task, root: Path) -> Sampled | None:
    """The prepared search, if it tries genotypes; else None.

    Looked at are the files and runs that the search names: latency tables, surrogates, the supernet to inherit from,
    which is a run under `root`. Raises NasError.
    """
    config = text.search(name)
    if config.sampling is None:
        require_tables(config, text.folder)
        return None
    prepared = prepare_sampled(text, name, task)
    inheritance_of(text, config, task, prepared.space, root)
    return prepared
