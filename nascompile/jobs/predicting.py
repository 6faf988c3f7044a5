"""Predicted latency as a measure of a search: `latency("cpu.yaml")`, known from a genotype's text alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nascompile.config.objectives import latencies_of, name_of, table_of
from nascompile.config.search import SearchConfig
from nascompile.diagnostics import Diagnostic, Label, NasError
from nascompile.ir.program import Program
from nascompile.profile.latency_model import LatencyModel
from nascompile.profile.latency_table import find
from nascompile.profile.operations import operations_of
from nascompile.semantics.penalties import latency_targets
from nascompile.source import Span
from nascompile.syntax import nodes as ast


@dataclass(frozen=True, slots=True)
class Predictor:
    """The latency models that a search names, and digests of their tables' files, both by the measure's name."""

    models: Mapping[str, LatencyModel]
    digests: Mapping[str, str]

    def seconds(self, program: Program) -> dict[str, float]:
        """Predicted seconds a call by the measure's name, of a network whose decisions are all bound."""
        if not self.models:
            return {}
        network = operations_of(program)
        return {name: model.predict_operations(network).ms / 1e3 for name, model in self.models.items()}


def predictor_of(config: SearchConfig, folder: Path) -> Predictor:
    """The models of all tables that objectives, conditions and the strategy's `cost` name.

    A table is a file, relative to `folder` (the text's) or else to the working directory, or one that ships. Raises
    NasError (`unknown-target`, at its place in the text; `bad-latency-table`).
    """
    models: dict[str, LatencyModel] = {}
    digests: dict[str, str] = {}
    problems: list[Diagnostic] = []
    named = [(name_of(expr) or "", expr.span) for expr in _latencies(config)]
    for name, span in (*named, (str(config.strategy.options.get("cost", "")), config.strategy.span)):
        target = table_of(name)
        if name in models or target is None:
            continue
        try:
            path = find(target, folder)
            models[name] = LatencyModel.from_file(path)
            digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        except NasError as failure:
            problems += [_placed(d, span) for d in failure.diagnostics]
    if problems:
        raise NasError(problems)
    return Predictor(models, digests)


def require_tables(config: SearchConfig, folder: Path) -> None:
    """Raise NasError for tables of `expected(latency(...))` that are not there, at their places, or cannot be read."""
    problems: list[Diagnostic] = []
    for each in (config, *(stage.config for stage in config.stages)):
        for target, span in latency_targets(each.penalty):
            try:
                LatencyModel.from_file(find(target, folder))
            except NasError as failure:
                problems += [_placed(d, span) for d in failure.diagnostics]
    if problems:
        raise NasError(dict.fromkeys(problems))


def _latencies(config: SearchConfig) -> Iterator[ast.Expr]:
    for objective in config.objectives:
        yield from latencies_of(objective.value)
    for condition in config.where:
        yield from latencies_of(condition)


def _placed(problem: Diagnostic, span: Span | None) -> Diagnostic:
    """A diagnostic without a place gets that of the text which names the table."""
    if problem.primary is not None or span is None:
        return problem
    return Diagnostic(problem.code, problem.message, Label(span), hint=problem.hint)
