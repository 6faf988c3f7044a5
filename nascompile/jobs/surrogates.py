"""Surrogates and runs: nets that searches evaluated become a surrogate, or are what one is tested with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nascompile import __version__
from nascompile.compilation import Compilation
from nascompile.config.objectives import Unmeasured, check, value_of
from nascompile.config.settings import parse_within
from nascompile.diagnostics import Diagnostic, NasError, error
from nascompile.jobs.folder import reopen
from nascompile.jobs.programs import call_for_task, input_for
from nascompile.jobs.searching import declared_narrowing
from nascompile.runs import Run
from nascompile.search.recorded import read_trials
from nascompile.search.strategy import Trial
from nascompile.search.study import file_url
from nascompile.search.surrogate.agreement import Agreement, agreement
from nascompile.search.surrogate.columns import COSTS, Encoder
from nascompile.search.surrogate.fitting import fit
from nascompile.search.surrogate.model import Domain, Surrogate
from nascompile.source import Source
from nascompile.space.space import SearchSpace
from nascompile.syntax import nodes as ast

STUDY = "study.db"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The complete trials of a run, with its space and text."""

    run: str
    text: Compilation
    search: str
    task: str
    space: SearchSpace
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A surrogate against nets that it was not fitted to.

    `repeated` nets were among the fitted ones and are left out; `unknown` is the share outside the region that it
    knows, `covered` that of measured values within the interval.
    """

    agreement: Agreement
    repeated: int
    unknown: float
    covered: float
    problems: tuple[Diagnostic, ...]


def evaluated(run: Run, data: Path | None = None) -> Evaluated:
    """What a run evaluated, read from its study. Raises NasError (`no-study`, `unreadable-study`, ...)."""
    text = reopen(run, data)
    config = text.search(run.record().get("search"))
    if config.sampling is None or not run.path(STUDY).is_file():
        hint = "name a run of a search that tries genotypes (`strategy = random`, `evolution`, ...)"
        raise error("no-study", f"the run `{run.name}` has no `{STUDY}`", hint=hint)
    task = text.task(search=run.record().get("search"))
    left = declared_narrowing(text, config, task)
    space = text.open_space(call_for_task(text, config.space, task), input_for(task), left)
    trials = tuple(t for t in read_trials(file_url(run.path(STUDY)), run.name, space) if t.state == "complete")
    return Evaluated(run.name, text, config.name, config.task, space, trials)


def target_of(text: str) -> tuple[str, ast.Expr]:
    """`--target` as a name and an expression. Raises NasError (`syntax-error`, ...)."""
    return " ".join(text.split()), parse_within(Source("--target", text), 0, len(text))


def measured(found: Evaluated, target: ast.Expr) -> list[tuple[tuple[float, ...], float]]:
    """Columns and target of every net that has it. Raises NasError (`unknown-measure`, ...)."""
    problems = check(target, found.text.library)
    if problems:
        raise NasError(problems)
    encoder = Encoder.of(found.space)
    rows = []
    for trial in found.trials:
        try:
            value = value_of(target, trial.measures, found.text.library)
        except Unmeasured:
            continue
        if all(name in trial.measures for name in COSTS):
            rows.append((encoder.row(trial.genotype, trial.measures), value))
    return rows


def fit_runs(runs: Sequence[Evaluated], target: str, *, seed: int = 0) -> Surrogate:
    """A surrogate of what runs of one space evaluated. Raises NasError (`surrogate-of-another-space` where their spaces
    differ, `too-few-nets`, `missing-package`, `unknown-measure`)."""
    name, expr = target_of(target)
    first = Domain.of(runs[0].space)
    rows: list[tuple[float, ...]] = []
    values: list[float] = []
    for found in runs:
        own = Domain.of(found.space)
        if own != first:
            message = f"the runs `{runs[0].run}` and `{found.run}` have different spaces"
            raise error("surrogate-of-another-space", message, hint="fit a surrogate to the runs of one space")
        for row, value in measured(found, expr):
            rows.append(row)
            values.append(value)
    about: dict[str, Any] = {
        "task": runs[0].task,
        "arguments": {k: str(v) for k, v in runs[0].space.arguments.items()},
        "runs": {found.run: len(found.trials) for found in runs},
        "seed": seed,
        "nascompile": __version__,
        "lightgbm": _version(),
    }
    return fit(name, first, rows, values, seed=seed, about=about)


def compare(surrogate: Surrogate, runs: Sequence[Evaluated]) -> Comparison:
    """How a surrogate orders what runs evaluated. Columns of another space are matched by name, for a space without a
    column it is 0: `problems` says so. Raises NasError (`too-few-nets`)."""
    _, expr = target_of(surrogate.target)
    known = set(surrogate.rows)
    problems: list[Diagnostic] = []
    pairs = []
    repeated = 0
    for found in runs:
        problems += surrogate.fit_for(found.space)
        names = Domain.of(found.space).columns
        for row, value in measured(found, expr):
            by_name = dict(zip(names, row, strict=True))
            own = tuple(by_name.get(name, 0.0) for name in surrogate.domain.columns)
            repeated += own in known
            if own not in known:
                pairs.append((value, surrogate.forecast(own)))
    if len(pairs) < 2:
        message = f"{len(pairs)} nets have `{surrogate.target}` and were not fitted"
        raise error("too-few-nets", message, hint="name runs that took no part in fitting")
    return Comparison(
        agreement([value for value, _ in pairs], [said.value for _, said in pairs]),
        repeated,
        sum(not said.is_known for _, said in pairs) / len(pairs),
        sum(abs(value - said.value) <= said.half for value, said in pairs) / len(pairs),
        tuple(replace(d, severity="warning") for d in dict.fromkeys(problems)),
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lightgbm")
    except PackageNotFoundError:
        return ""
