"""`narrow` texts: which candidates each decision keeps, as one stage of a search hands them to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean
from nascompile.ir.program import Decision
from nascompile.source import Span
from nascompile.space.expression import constant, expression_of, number, path_of, value_expression
from nascompile.space.writing import family_of
from nascompile.syntax import nodes as ast
from nascompile.syntax.formatter import format_declaration

if TYPE_CHECKING:
    from nascompile.space.space import SearchSpace


def read_narrowing(declaration: ast.GenotypeDecl, space: SearchSpace) -> dict[str, tuple[Any, ...]]:
    """Candidates by decision path, for `Compilation.open_space`. A family (`w in [4, 8]`) narrows all its decisions.

    Raises NasError with every mistake: `unknown-decision`, `not-a-candidate`, `duplicate-decision`, `no-candidates`,
    `cannot-narrow` (a real number), `narrow-statement`.
    """
    found: dict[str, tuple[Any, ...]] = {}
    targets: dict[str, Span] = {}
    problems: list[Diagnostic] = []
    for statement in declaration.body:
        if not isinstance(statement, ast.Restrict):
            where = Label(statement.span)
            hint = "write `path in [candidates]`"
            problems.append(Diagnostic("narrow-statement", "a narrowing only lists candidates", where, (), hint))
            continue
        for path in _paths(statement.target, space.decisions, problems):
            if path in targets:
                earlier = (Label(targets[path], "first narrowed here"),)
                where = Label(statement.target.span)
                problems.append(Diagnostic("duplicate-decision", f"`{path}` is narrowed twice", where, earlier))
                continue
            targets[path] = statement.target.span
            kept = _kept(space.decisions[path], statement.values, problems)
            if kept is not None:
                found[path] = kept
    if problems:
        raise NasError(sorted(dict.fromkeys(problems), key=Diagnostic.sort_key))
    return found


def narrowing_text(name: str, space: SearchSpace, candidates: Mapping[str, Sequence[Any]]) -> str:
    """The `narrow` declaration that reads back as these candidates, in the space's text order."""
    body: list[ast.Statement] = []
    for path in space.decisions:
        if path in candidates:
            items = tuple(expression_of(c) if isinstance(c, str) else number(c) for c in candidates[path])
            body.append(ast.Restrict(expression_of(path), ast.List(items)))
    given = tuple(ast.Argument(key, value_expression(value)) for key, value in space.arguments.items())
    called: ast.Expr = ast.Name(space.name)
    if given:
        called = ast.Call(called, given, None)
    return format_declaration(ast.GenotypeDecl("narrow", name, called, tuple(body))) + "\n"


def _paths(target: ast.Expr, decisions: Mapping[str, Decision], problems: list[Diagnostic]) -> list[str]:
    path = path_of(target)
    if path in decisions:
        return [path]
    members = [p for p in decisions if family_of(p) == path]
    if not members:
        hint = did_you_mean(path, [*decisions, *{f for p in decisions if (f := family_of(p))}])
        message = f"the space has no decision `{path}`"
        problems.append(Diagnostic("unknown-decision", message, Label(target.span), (), hint))
    return members


def _kept(decision: Decision, listed: ast.Expr, problems: list[Diagnostic]) -> tuple[Any, ...] | None:
    if decision.interval is not None:
        message = f"`{decision.path}` is a real number, which has no list of candidates"
        problems.append(Diagnostic("cannot-narrow", message, Label(listed.span)))
        return None
    items = listed.items if isinstance(listed, ast.List) else (listed,)
    kept: list[Any] = []
    try:
        for item in items:
            value = constant(item)
            if value not in decision.candidates:
                among = [str(c) for c in decision.candidates]
                message = f"`{decision.path}` has no candidate `{value}`; it has {', '.join(among)}"
                hint = did_you_mean(str(value), among)
                problems.append(Diagnostic("not-a-candidate", message, Label(item.span), (), hint))
                return None
            kept.append(value)
    except NasError as failure:
        problems.extend(failure.diagnostics)
        return None
    needed = decision.count or 1 if decision.kind == "edges" else 1
    if len([c for c in kept if c not in decision.never]) < needed:
        message = f"`{decision.path}` keeps too few candidates: a genotype takes {needed}"
        problems.append(Diagnostic("no-candidates", message, Label(listed.span)))
        return None
    return tuple(c for c in decision.candidates if c in kept)
