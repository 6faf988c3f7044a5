"""Names in bodies: statements in text order, expressions below them, each call against what it calls."""

from __future__ import annotations

from typing import Any

from nascompile.ir.symbols import COSTS
from nascompile.semantics import signatures
from nascompile.semantics.findings import Findings, placeholders
from nascompile.semantics.scopes import Names, children
from nascompile.syntax import nodes as ast

MEASURED = frozenset({"flops", "latency", "memory"})
"""Conditions on these belong to a search, which knows the device."""


def check_parameters(parameters: tuple[ast.Parameter, ...], names: Names, found: Findings) -> None:
    """Bind parameters; a default sees those before it."""
    for parameter in parameters:
        if parameter.default is not None:
            _argument(parameter.default, parameter, names, found)
        names.add_plain(parameter.name)


def _families(body: tuple[ast.Statement, ...]) -> set[str]:
    """Indexed names that a body assigns anywhere: they belong to the whole body."""
    families: set[str] = set()
    for statement in body:
        target = statement.target if isinstance(statement, ast.Assign | ast.Repeat) else None
        if isinstance(target, ast.Index) and isinstance(target.base, ast.Name):
            families.add(target.base.id)
        if isinstance(statement, ast.For | ast.Repeat):
            families |= _families(statement.body)
    return families


def _bound(body: tuple[ast.Statement, ...]) -> set[str]:
    """Plain names that the statements of a body bind themselves."""
    names: set[str] = set()
    for statement in body:
        target = statement.target if isinstance(statement, ast.Assign | ast.Repeat) else None
        if isinstance(target, ast.Name):
            names.add(target.id)
        elif isinstance(target, ast.Call) and isinstance(target.callee, ast.Name):
            names.add(target.callee.id)
        elif isinstance(statement, ast.Shared):
            names.add(statement.name)
    return names


def check_body(body: tuple[ast.Statement, ...], names: Names, found: Findings, *, is_outermost: bool = False) -> None:
    """Statements in text order. An indexed name belongs to the outermost body, a local function sees all of its own."""
    if is_outermost:
        for family in _families(body):
            names.add(family)
    bound = _bound(body)
    for statement in body:
        if isinstance(statement, ast.Assign):
            _assign(statement, bound, names, found)
        elif isinstance(statement, ast.For):
            inner = _generators(statement.generators, statement.condition, names.inner(), found)
            check_body(statement.body, inner.inner(), found)
        elif isinstance(statement, ast.Repeat):
            check_expression(statement.domain, names, found)
            _target(statement.target, names, found)
            check_body(statement.body, names.inner([statement.index]), found)
        elif isinstance(statement, ast.Outputs):
            for item in statement.items:
                check_expression(item.value, names, found)
        elif isinstance(statement, ast.Require):
            check_expression(statement.condition, names, found)
            for expr, place in placeholders(statement):
                check_expression(expr, names, found.at(place))
        elif isinstance(statement, ast.Where):
            _where(statement, names, found)
        elif isinstance(statement, ast.Value | ast.Unused | ast.Measure):
            check_expression(statement.value, names, found)
        elif isinstance(statement, ast.Shared):
            check_expression(statement.value, names, found)
            names.add(statement.name)


def _where(statement: ast.Where, names: Names, found: Findings) -> None:
    """In a space, costs are numbers that a condition may mention."""
    seen = names.inner(set() if found.is_operator else [c for c in COSTS if c not in names])
    check_expression(statement.condition, seen, found)


def _assign(statement: ast.Assign, bound: set[str], names: Names, found: Findings) -> None:
    target = statement.target
    if isinstance(target, ast.Call) and isinstance(target.callee, ast.Name):
        inner = names.inner()
        for name in bound - {target.callee.id}:
            if name not in names:
                inner.add(name)
        for argument in target.arguments:
            if argument.name is not None:
                check_expression(argument.value, inner, found)
                inner.add_plain(argument.name)
            elif isinstance(argument.value, ast.Name):
                inner.add_plain(argument.value.id)
        check_expression(statement.value, inner, found)
        names.add(target.callee.id)
        names.functions.add(target.callee.id)
        return
    check_expression(statement.value, names, found)
    _target(target, names, found)


def _target(target: ast.Expr | None, names: Names, found: Findings) -> None:
    if isinstance(target, ast.Name):
        names.add(target.id)
    elif isinstance(target, ast.Index):
        for index in target.indices:
            check_expression(index, names, found)


def _generators(
    generators: tuple[ast.Generator, ...], condition: ast.Expr | None, names: Names, found: Findings
) -> Names:
    for generator in generators:
        check_expression(generator.domain, names, found)
        names.add_plain(generator.target)
    if condition is not None:
        check_expression(condition, names, found)
    return names


def check_expression(expr: ast.Expr, names: Names, found: Findings) -> None:
    """Every name and every call inside of an expression."""
    if isinstance(expr, ast.Name):
        _name(expr, names, found)
    elif isinstance(expr, ast.Call):
        check_call(expr, names, found)
    elif isinstance(expr, ast.Comprehension):
        inner = _generators(expr.generators, expr.condition, names.inner(), found)
        check_expression(expr.element, inner, found)
    elif isinstance(expr, ast.Pipe):
        for position, stage in enumerate(expr.stages):
            _stage(stage, names, found, is_piped=position > 0)
    elif isinstance(expr, ast.Pick | ast.Via):
        parts = (expr.source, expr.count) if isinstance(expr, ast.Pick) else (expr.value, expr.operators)
        for part in parts:
            if not isinstance(part, str):
                check_expression(part, names, found)
        tied = expr.attributes.tied
        if isinstance(tied, ast.Index):  # the name itself is a word for the shared parameters
            for index in tied.indices:
                check_expression(index, names, found)
    else:
        for child in children(expr):
            check_expression(child, names, found)


def _name(expr: ast.Name, names: Names, found: Findings) -> None:
    if expr.id in names or expr.id in found.library.names or expr.id in signatures.BUILTIN or expr.id == "fixed":
        return
    known = names.all() | set(found.library.names) | signatures.BUILTIN | {"fixed"}
    hint = None
    if expr.id in COSTS:
        hint = f"`{expr.id}` is known in the `where` of a space and of a search: `where params < 2M`"
    elif expr.id in MEASURED:
        hint = f"a `search` takes conditions on `{expr.id}`"
    elif expr.id in found.loop_names:
        hint = f"`{expr.id}` is local to one turn of a loop: bind it before the loop to carry it on"
    found.unknown("unknown-name", expr.id, f"`{expr.id}` is not defined", expr, known, hint)


def _stage(expr: ast.Expr, names: Names, found: Findings, *, is_piped: bool) -> None:
    """A stage of a pipe is an operator with all its arguments; the first may also be a tensor."""
    if isinstance(expr, ast.Call):
        check_call(expr, names, found, is_applied=True, is_piped=is_piped)
        return
    check_expression(expr, names, found)
    if isinstance(expr, ast.Name) and expr.id not in names:
        declaration = found.library.names.get(expr.id)
        if isinstance(declaration, ast.LayerDecl | ast.OpDecl | ast.CellAlias):
            bare = ast.Call(expr, (), None, span=expr.span)
            signatures.check(bare, declaration, names, found, is_applied=True, is_piped=is_piped)


def check_call(
    expr: ast.Call, names: Names, found: Findings, *, is_applied: bool = False, is_piped: bool = False
) -> None:
    """A call's callee and arguments. `is_applied`: nothing can add arguments; `is_piped`: its tensor comes by `->`."""
    callee = expr.callee
    declaration: Any = None
    if isinstance(callee, ast.Name) and callee.id not in names:
        if callee.id in signatures.BUILTIN:
            signatures.check_builtin(expr, callee.id, found)
            for argument in expr.arguments:
                if argument.name is None:
                    check_expression(argument.value, names, found)
            return
        declaration = found.library.names.get(callee.id)
    if declaration is None:
        check_expression(callee, names, found)
    for position, argument in enumerate(expr.arguments):
        if declaration is not None:
            parameter = signatures.parameter_of(expr, position, declaration, names, found, is_piped=is_piped)
            _argument(argument.value, parameter, names, found)
        elif not (isinstance(argument.value, ast.Name) and argument.value.id in found.words):
            check_expression(argument.value, names, found)
    if declaration is not None:
        signatures.check(expr, declaration, names, found, is_applied=is_applied, is_piped=is_piped)


def _argument(expr: ast.Expr, parameter: ast.Parameter | None, names: Names, found: Findings) -> None:
    """An argument or default: a word where the parameter lists words, also behind `if`."""
    if parameter is None or not parameter.kinds:
        check_expression(expr, names, found)
    elif isinstance(expr, ast.Name) and expr.id not in names:
        if expr.id not in parameter.kinds:
            found.word(parameter, expr)
    elif isinstance(expr, ast.Conditional) and expr.orelse is not None:
        check_expression(expr.condition, names, found)
        _argument(expr.then, parameter, names, found)
        _argument(expr.orelse, parameter, names, found)
    else:
        check_expression(expr, names, found)
