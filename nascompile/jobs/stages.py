"""A search in stages: each searches what the one before leaves, with new weights and new architecture parameters.

The run folder holds, for a stage `second`, `narrow_second.nas` (what it searches), `genotype_second.nas` and
`stage_second.json` (its relaxed weights and its course); `genotype.nas` is that of the last stage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from nascompile.compilation import Compilation
from nascompile.config.search import SearchConfig
from nascompile.config.stages import Stage, check_keep
from nascompile.diagnostics import Diagnostic, NasError
from nascompile.files import write_text
from nascompile.jobs.folder import FOUND, SPEC
from nascompile.jobs.losses import output_loss
from nascompile.jobs.programs import call_for_task, input_for
from nascompile.jobs.searching import METRICS, Found, Prepared, declared_narrowing, explore, prepare, write_found
from nascompile.jobs.training import Data
from nascompile.runs import Run, read_json, write_json, write_table
from nascompile.search.oneshot.staged import narrowed
from nascompile.space.narrowing import narrowing_text
from nascompile.space.space import SearchSpace
from nascompile.train.progress import Report

Announce = Callable[[str], AbstractContextManager[Report]]
Candidates = Mapping[str, tuple[Any, ...]]
Timing = Callable[[str, float], None]


def whole_space(
    text: Compilation, config: SearchConfig, data: Data, left: Candidates = MappingProxyType({})
) -> SearchSpace:
    """The space of a stage with all its candidates, or with those that are `left`."""
    return text.open_space(call_for_task(text, config.space, data.task), input_for(data.task), left)


def check_stages(text: Compilation, config: SearchConfig, data: Data) -> None:
    """Raise NasError with what is wrong with any stage, before the first one begins: lists to keep, outputs of losses.

    Loads no supernet.
    """
    problems: list[Diagnostic] = []
    for stage in config.stages:
        try:
            space = whole_space(text, stage.config, data)
            check_keep(stage, space.decisions)
            declared_narrowing(text, stage.config, data.task)
            output_loss(stage.config.loss, [name for name, _ in space.program.graph.outputs])
        except NasError as failure:
            problems += failure.diagnostics
    if problems:
        raise NasError(dict.fromkeys(problems))


def previews(text: Compilation, name: str | None, data: Data) -> Iterator[tuple[str, Prepared]]:
    """The searches of a text with their titles, to be estimated: one, or one a stage.

    Of a later stage it is not known what will be left; it gets the first candidates of each list, as many as it keeps.
    """
    config = text.search(name)
    if not config.stages:
        yield "search", prepare(text, name, data)
        return
    check_stages(text, config, data)
    left: Candidates = {}
    for stage in config.stages:
        declared = declared_narrowing(text, stage.config, data.task)
        decisions = whole_space(text, stage.config, data, declared).decisions
        level = {d.parameters: [1.0] * len(d.candidates) for d in decisions.values()}
        left = narrowed(decisions, decisions, level, _counts(stage), left)
        yield f"stage {stage.name}", prepare(text, name, data, config=stage.config, candidates=left)


def search_stages(
    text: Compilation,
    name: str | None,
    data: Data,
    run: Run,
    *,
    digest: str,
    device: torch.device,
    resume: bool,
    announce: Announce,
    timed: Timing,
) -> tuple[Found, Prepared]:
    """Search all stages; a finished one is not searched again. The last one's outcome, or the interrupted one's.

    `timed` is told the seconds of each stage. Raises NasError for mistakes in any stage before the first one begins.
    """
    config = text.search(name)
    check_stages(text, config, data)
    rows: list[dict[str, Any]] = []
    left: Candidates = {}
    searched: SearchSpace | None = None
    relaxed: Mapping[str, Sequence[float]] = {}
    for stage in config.stages:
        declared = declared_narrowing(text, stage.config, data.task)
        if searched is not None:
            ahead = whole_space(text, stage.config, data, declared).decisions
            left = narrowed(ahead, searched.decisions, relaxed, _counts(stage), left)
        left = {**declared, **left}
        if left:
            whole = whole_space(text, stage.config, data)
            _write_text(run, f"narrow_{stage.name}.nas", narrowing_text(stage.name, whole, left))
        searched = whole_space(text, stage.config, data, left)
        record = run.path(f"stage_{stage.name}.json")
        is_last = stage is config.stages[-1]
        if resume and record.exists() and not is_last:
            ended = read_json(record)
            relaxed, history = ended["relaxed"], ended["history"]
        else:
            prepared = prepare(text, name, data, config=stage.config, candidates=left)
            run.update(step=f"searching stage {stage.name}")
            with announce(f"search {stage.name}") as report:
                found = explore(
                    prepared, data, run.path("search") / stage.name, digest=f"{digest}/{stage.name}",
                    device=device, resume=resume, report=report,
                )  # fmt: skip
            history = [{key: _finite(value) for key, value in row.items()} for row in found.outcome.history]
            if found.genotype is None:
                _write_course(run, [*rows, *_rows(stage, history)])
                return found, prepared
            relaxed = found.outcome.relaxed
            timed(f"search {stage.name}", found.outcome.seconds)
            _write_text(run, f"genotype_{stage.name}.nas", found.genotype.to_text(FOUND, header=False))
            write_json(record, {"relaxed": {k: list(v) for k, v in relaxed.items()}, "history": history})
        rows += _rows(stage, history)
    _write_course(run, rows)
    assert found.genotype is not None  # the last stage is always run, or resumed at its end
    write_found(prepared, found.genotype, found.outcome, run, digest)
    return found, prepared


def _counts(stage: Stage) -> dict[str, int]:
    return {entry.operators: entry.count for entry in stage.keep}


def _rows(stage: Stage, history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"stage": stage.name, **row} for row in history]


def _write_course(run: Run, rows: Sequence[Mapping[str, Any]]) -> None:
    """`metrics.csv`: the genotypes by number, equal ones of all stages with the same."""
    texts: dict[str, int] = {}
    numbered = [{**row, "genotype": texts.setdefault(str(row.get("genotype", "")), len(texts))} for row in rows]
    write_table(run.path(METRICS), numbered)


def _write_text(run: Run, name: str, declaration: str) -> None:
    """A text of its own beside the spec, which it imports."""
    write_text(run.path(name), f"nas 1\nimport {Path(SPEC).stem}\n\n{declaration}")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
