"""Stages of a search: the same search several times, each on what the one before leaves of the operators.

`stage second { layers = 9  budget = 80 epochs  keep = [down(4), up(2)] }` overrides arguments of the space and fields
of the search, and says how many operators of each list an edge keeps (Chen et al., P-DARTS, ICCV 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nascompile.config import readers
from nascompile.config.constants import Choice, argument_value
from nascompile.config.fields import Reader, read_fields
from nascompile.config.sampling import FIELDS, check_relaxed, is_sampled
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.ir.program import Decision
from nascompile.semantics.modules import Library
from nascompile.source import Span
from nascompile.syntax import nodes as ast

if TYPE_CHECKING:
    from nascompile.config.search import SearchConfig

NOT_IN_STAGES = ("compare", *FIELDS)


@dataclass(frozen=True, slots=True)
class Keep:
    """How many operators of the list `operators` an edge keeps."""

    operators: str
    count: int
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: the search as it runs then, and what it keeps of the candidates of the stage before."""

    name: str
    config: SearchConfig
    keep: tuple[Keep, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What the body of a stage says: fields of the search by name, and arguments of the space."""

    name: str
    values: Mapping[str, Any]
    arguments: Mapping[str, Any]
    keep: tuple[Keep, ...]


def stage_readers(space: ast.OpDecl | None, known: Mapping[str, Reader]) -> dict[str, Reader]:
    """The fields of a stage: those of the search, `keep`, and parameters of the space whose names are free."""
    found: dict[str, Reader] = {}
    for parameter in space.parameters if space is not None else ():

        def read(expr: ast.Expr, library: Library, parameter: ast.Parameter = parameter) -> Any:
            return argument_value(expr, parameter, library)

        found[parameter.name] = read
    return {**found, **{k: v for k, v in known.items() if k not in NOT_IN_STAGES}, "keep": readers.listed(_read_keep)}


def read_stages(
    search: str,
    statements: Sequence[ast.Stage],
    space: ast.OpDecl | None,
    known: Mapping[str, Reader],
    library: Library,
) -> tuple[list[Written], list[Diagnostic]]:
    """The stages of a search in text order (`train` is none of them), and every mistake in them."""
    table = stage_readers(space, known)
    found: list[Written] = []
    problems: list[Diagnostic] = []
    for statement in statements:
        name, where = statement.name, Label(statement.span)
        if (near := did_you_mean(name, ("train", "analog"))) is not None:
            problems.append(Diagnostic("unknown-stage", f"there is no stage `{name}`", where, hint=near))
            continue
        if name in (w.name for w in found):
            problems.append(Diagnostic("duplicate-name", f"`{search}` has two stages `{name}`", where))
        fields = read_fields(f"stage `{name}` of `{search}`", statement.body, table, library)
        problems += fields.problems
        problems += [
            Diagnostic("not-a-field", "a stage holds `field = value` lines only", Label(s.span)) for s in fields.others
        ]
        strategy = fields.get("strategy", Choice("bilevel"))
        problems += check_relaxed(strategy, fields, None)
        if is_sampled(strategy):
            message = f"a stage trains a supernet, and `{strategy.name}` has none"
            problems.append(Diagnostic("bad-option", message, Label(fields.spans["strategy"]), hint="write `bilevel`"))
        keep = fields.get("keep", ())
        if keep and not found:
            hint = "the first stage searches everything; write `keep` in a stage that comes after it"
            message = "`keep` has no earlier stage to go by"
            problems.append(Diagnostic("bad-option", message, Label(fields.spans["keep"]), hint=hint))
        values = {k: v for k, v in fields.values.items() if k in known}
        arguments = {k: v for k, v in fields.values.items() if k not in known and k != "keep"}
        found.append(Written(name, values, arguments, keep))
    return found, problems


def with_stages(config: SearchConfig, written: Sequence[Written]) -> SearchConfig:
    """The search with its stages; its `space` is that of the last one, of which the genotype is."""
    stages = []
    for stage in written:
        given = {**config.space.arguments, **stage.arguments}
        space = replace(config.space, arguments=MappingProxyType(given))
        stages.append(Stage(stage.name, replace(config, space=space, **stage.values), stage.keep))
    if not stages:
        return config
    return replace(config, space=stages[-1].config.space, stages=tuple(stages))


def check_keep(stage: Stage, decisions: Mapping[str, Decision]) -> None:
    """Raise NasError (`unknown-name`) where `keep` names a list that no decision of the stage's space picks from."""
    used = {d.operators for d in decisions.values() if d.operators is not None}
    problems = []
    for entry in stage.keep:
        if entry.operators not in used:
            message = f"no decision of `{stage.config.space.name}` picks from `{entry.operators}`"
            hint = did_you_mean(entry.operators, used) or f"its lists are {', '.join(sorted(used))}"
            problems.append(Diagnostic("unknown-name", message, Label(entry.span), hint=hint))
    if problems:
        raise NasError(problems)


def _read_keep(expr: ast.Expr, library: Library) -> Keep:
    lists = [name for name, d in library.names.items() if isinstance(d, ast.OpsDecl)]
    if not isinstance(expr, ast.Call) or not isinstance(expr.callee, ast.Name) or len(expr.arguments) != 1:
        hint = f"write `{lists[0] if lists else 'normal'}(4)`: a list of operators, and how many of them an edge keeps"
        raise error("bad-value", f"`{' '.join(expr.span.text.split())}` keeps nothing", expr.span, hint=hint)
    name = expr.callee.id
    if name not in lists:
        hint = did_you_mean(name, lists) or f"the lists are {', '.join(lists)}"
        raise error("unknown-name", f"there is no list of operators `{name}`", expr.callee.span, hint=hint)
    return Keep(name, readers.integer(1)(expr.arguments[0].value, library), expr.span)
