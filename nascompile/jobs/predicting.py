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
    """The models of all tables that objectives and conditions name.

    A table is a file, relative to `folder` (the text's) or else to the working directory, or one that ships. Raises
    NasError (`unknown-target`, at its place in the text; `bad-latency-table`).
    """
    models: dict[str, LatencyModel] = {}
    digests: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for expr in _latencies(config):
        name = name_of(expr) or ""
        target = table_of(name) or ""
        if name in models:
            continue
        try:
            path = folder / target if target and (folder / target).is_file() else find(target)
            models[name] = LatencyModel.from_file(path)
            digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        except NasError as failure:
            problems += [_placed(d, expr) for d in failure.diagnostics]
    if problems:
        raise NasError(problems)
    return Predictor(models, digests)


def _latencies(config: SearchConfig) -> Iterator[ast.Expr]:
    for objective in config.objectives:
        yield from latencies_of(objective.value)
    for condition in config.where:
        yield from latencies_of(condition)


def _placed(problem: Diagnostic, expr: ast.Expr) -> Diagnostic:
    """A diagnostic without a place gets that of the text which names the table."""
    if problem.primary is not None:
        return problem
    return Diagnostic(problem.code, problem.message, Label(expr.span), hint=problem.hint)
