"""A search as a text says it, from its supernet to a genotype in the run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from nascompile.backends.supernet import Supernet, build_supernet
from nascompile.compilation import Compilation
from nascompile.config.constants import Choice, space_call
from nascompile.config.search import Optimiser, SearchConfig
from nascompile.data.dataset import halves
from nascompile.data.task import Task
from nascompile.diagnostics import error
from nascompile.jobs.candidates import candidate_dropout, sampled_paths
from nascompile.jobs.folder import FOUND, write_genotype
from nascompile.jobs.losses import output_loss
from nascompile.jobs.networks import save_weights
from nascompile.jobs.programs import call_for_task, input_for
from nascompile.jobs.training import Data, plain, schedule_of
from nascompile.runs import Run, write_json, write_table
from nascompile.search.oneshot.bilevel import BilevelConfig, OptimiserConfig, SearchOutcome, run_bilevel
from nascompile.search.oneshot.penalty import Penalty, read_penalty
from nascompile.search.oneshot.temperature import Temperature, make_temperature
from nascompile.space.decode import decode
from nascompile.space.genotype import Genotype
from nascompile.space.narrowing import read_narrowing
from nascompile.space.space import SearchSpace
from nascompile.train.progress import Report, silent

SUPERNET = "supernet.safetensors"
METRICS = "metrics.csv"
TIMING = "timing.csv"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A search that is ready to start: its space for the task, the supernet, and how to search."""

    config: SearchConfig
    space: SearchSpace
    supernet: Supernet
    settings: BilevelConfig
    penalty: Penalty | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave; `genotype` is None if it was interrupted."""

    genotype: Genotype | None
    outcome: SearchOutcome


def prepare(
    text: Compilation,
    name: str | None,
    data: Data,
    seed: int | None = None,
    *,
    config: SearchConfig | None = None,
    candidates: Mapping[str, tuple[Any, ...]] = MappingProxyType({}),
) -> Prepared:
    """Elaborate the space for the task's images, build the supernet, check the loss against its outputs.

    `config` is a stage of the search (by default the search itself); `candidates` what the stages before leave.
    """
    config = config or text.search(name)
    left = {**declared_narrowing(text, config, data.task), **candidates}
    space = text.open_space(call_for_task(text, config.space, data.task), input_for(data.task), left)
    text.require_outputs(space)
    start = config.seed if seed is None else seed
    supernet = build_supernet(space.program, start)
    penalty = None
    if config.penalty is not None:
        penalty = read_penalty(config.penalty, space.program, supernet.architecture, text.folder)
    options = config.strategy.options
    settings = BilevelConfig(
        budget=config.budget,
        loss=output_loss(config.loss, supernet.output_names),
        weights=_optimiser(config.weights),
        alphas=_optimiser(config.alphas),
        batch=config.batch,
        warmup=options.get("warmup"),
        arch_first=options.get("arch_first", False),
        alphas_in_weights=options.get("alphas_in_weights", False),
        clip=config.clip,
        patience=options.get("patience"),
        mix=options.get("mix", 0.0),
        mix_ways=options.get("mix_ways", 2),
        temperature=_temperature(options.get("temperature", Choice("constant"))),
        candidate_dropout=candidate_dropout(supernet, options),
        paths=sampled_paths(space, options, start),
        precision=config.precision,
        validate=config.validate,
        seed=start,
    )
    return Prepared(config, space, supernet, settings, penalty)


def declared_narrowing(text: Compilation, config: SearchConfig, task: Task) -> dict[str, tuple[Any, ...]]:
    """What the `narrow` text that a search names leaves of its space. Raises NasError (`wrong-space`, and its own)."""
    if config.narrowing is None:
        return {}
    declaration = text.library.genotypes[config.narrowing]
    call = space_call(declaration.space, text.library)
    if call.name != config.space.name:
        message = f"`{config.narrowing}` narrows `{call.name}`, not `{config.space.name}`"
        raise error("wrong-space", message, config.spans.get("narrowing"))
    whole = text.open_space(call_for_task(text, config.space, task), input_for(task))
    return read_narrowing(declaration, whole)


def _temperature(given: Choice | str) -> Temperature:
    found = Choice(given) if isinstance(given, str) else given
    return make_temperature(found.name, found.options, found.span)


def _optimiser(given: Optimiser) -> OptimiserConfig:
    return OptimiserConfig(given.name, plain(given.options), schedule_of(given.schedule))


def search(
    prepared: Prepared,
    data: Data,
    run: Run,
    *,
    digest: str,
    device: torch.device,
    resume: bool,
    report: Report = silent,
) -> Found:
    """Search; write `genotype.nas`, `metrics.csv`, `timing.csv`, the supernet's weights and what a resumption needs."""
    found = explore(
        prepared, data, run.path("search"), digest=digest, device=device, resume=resume, report=report
    )  # fmt: skip
    write_history(run, found.outcome.history, found.outcome.seconds)
    if found.genotype is not None:
        write_found(prepared, found.genotype, found.outcome, run, digest)
    return found


def explore(
    prepared: Prepared,
    data: Data,
    folder: Path,
    *,
    digest: str,
    device: torch.device,
    resume: bool,
    report: Report = silent,
) -> Found:
    """Search; `folder` holds what a resumption needs, and nothing else is written."""
    weight_data, arch_data = halves(data.train, prepared.settings.seed, prepared.config.split)
    outcome = run_bilevel(
        prepared.supernet, data.task, weight_data, arch_data, data.val, prepared.settings, folder,
        digest=digest, device=device, decode=_decoder(prepared.space), penalty=prepared.penalty,
        resume=resume, report=report,
    )  # fmt: skip
    return Found(decode(prepared.space, outcome.relaxed) if outcome.finished else None, outcome)


def write_found(prepared: Prepared, genotype: Genotype, outcome: SearchOutcome, run: Run, digest: str) -> None:
    """Write the supernet's weights, `probabilities.json` and, as the sign that a search is done, `genotype.nas`."""
    write_json(run.path("probabilities.json"), {name: list(row) for name, row in outcome.relaxed.items()})
    metadata = {"digest": digest, "genotype": genotype.to_text(FOUND, header=False)}
    save_weights(run.path(SUPERNET), prepared.supernet.named_weights(), metadata)
    write_genotype(run, genotype)


def _decoder(space: SearchSpace) -> Callable[[Mapping[str, Sequence[float]]], str]:
    return lambda relaxed: decode(space, relaxed).to_text(FOUND, header=False)


def write_history(run: Run, history: Sequence[Mapping[str, Any]], seconds: float) -> None:
    """`metrics.csv` of the search: what a repetition gives again; the genotypes by number, their texts in a folder."""
    texts: dict[str, int] = {}
    rows = []
    for row in history:
        number = texts.setdefault(str(row.get("genotype", "")), len(texts))
        rows.append({**{k: v for k, v in row.items() if k != "genotype"}, "genotype": number})
    write_table(run.path(METRICS), rows)
    write_table(run.path(TIMING), [{"stage": "search", "seconds": seconds}])
