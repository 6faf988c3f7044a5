"""Static name resolution: every name, callee and argument of a text, also of what is never used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nascompile.diagnostics import Diagnostic
from nascompile.semantics.findings import Findings
from nascompile.semantics.layer_names import check_layer
from nascompile.semantics.modules import Library
from nascompile.semantics.recursion import recursions
from nascompile.semantics.resolution import check_body, check_call, check_expression, check_parameters
from nascompile.semantics.scopes import Names
from nascompile.syntax import nodes as ast


def check_library(library: Library) -> list[Diagnostic]:
    """What is wrong with the names of a module's own declarations, in text order; imported ones are not checked.

    Codes: unknown-name, unknown-argument, unknown-word, unknown-space, too-many-arguments, missing-argument,
    duplicate-argument, duplicate-parameter, duplicate-candidate, recursion. An empty list does not promise that the
    text elaborates: shapes, counts and indices need an input.
    """
    found = Findings(library)
    for declaration in library.module.declarations:
        _CHECKS[type(declaration)](declaration, found)
    found.diagnostics.extend(recursions(library))
    return sorted(found.diagnostics, key=Diagnostic.sort_key)


# --- declarations ------------------------------------------------------------------------------------------------


def _op(declaration: ast.OpDecl, found: Findings) -> None:
    names = _scope(declaration, found)
    if declaration.kind == "space" and not declaration.tensors:
        names.add("x")
    found.is_operator = declaration.kind != "space"
    check_body(declaration.body, names, found, is_outermost=True)


def _scope(declaration: ast.OpDecl | ast.OpsDecl, found: Findings) -> Names:
    found.parameters((*declaration.tensors, *declaration.parameters))
    names = Names()
    for parameter in declaration.tensors:
        names.add(parameter.name)
    check_parameters(declaration.parameters, names, found)
    return names


def _ops(declaration: ast.OpsDecl, found: Findings) -> None:
    names = _scope(declaration, found)
    for candidate in declaration.candidates:
        check_expression(candidate.value, names, found)
        if candidate.condition is not None:
            check_expression(candidate.condition, names, found)
    found.candidates(declaration)


def _function(declaration: ast.FunctionDecl, found: Findings) -> None:
    found.parameters(declaration.parameters)
    names = Names()
    check_parameters(declaration.parameters, names, found)
    check_expression(declaration.value, names, found)


def _constant(declaration: ast.ConstantDecl | ast.CellAlias, found: Findings) -> None:
    check_expression(declaration.value, Names(), found)


def _genotype(declaration: ast.GenotypeDecl | ast.SearchDecl, found: Findings) -> None:
    """The space and its arguments; the body holds paths and labels, which only the elaborated space knows."""
    space = declaration.space
    callee = space.callee if isinstance(space, ast.Call) else space
    if not isinstance(callee, ast.Name):
        return
    known = found.library.spaces.get(callee.id)
    if known is None:
        found.unknown("unknown-space", callee.id, f"there is no space `{callee.id}`", callee, found.library.spaces)
    elif isinstance(space, ast.Call):
        check_call(space, Names(), found)


def _task(declaration: ast.TaskDecl, found: Findings) -> None:
    """Fields of tasks are read where the task is used."""


_CHECKS: dict[type, Callable[[Any, Findings], None]] = {
    ast.OpDecl: _op,
    ast.OpsDecl: _ops,
    ast.LayerDecl: check_layer,
    ast.FunctionDecl: _function,
    ast.ConstantDecl: _constant,
    ast.CellAlias: _constant,
    ast.GenotypeDecl: _genotype,
    ast.SearchDecl: _genotype,
    ast.TaskDecl: _task,
}

__all__ = ["check_library"]
