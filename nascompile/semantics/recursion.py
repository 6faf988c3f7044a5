"""Calls that lead back to themselves: found in the text, before anything is elaborated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from nascompile.diagnostics import Diagnostic, Label
from nascompile.semantics.modules import Library
from nascompile.source import Span
from nascompile.syntax import nodes as ast


def recursions(library: Library) -> list[Diagnostic]:
    """One diagnostic (`recursion`) for every cycle of declarations that the module takes part in."""
    own = {d.name: d for d in library.module.declarations if library.names.get(d.name) is d}
    uses = {name: list(_uses(d, library)) for name, d in own.items()}
    found: list[Diagnostic] = []
    done: set[str] = set()

    def visit(name: str, chain: tuple[str, ...]) -> None:
        for other, span in uses.get(name, ()):
            if other in chain:
                cycle = (*chain[chain.index(other) :], other)
                if done.isdisjoint(cycle):
                    found.append(_diagnostic(cycle, span))
                done.update(cycle)
            elif other not in done:
                visit(other, (*chain, other))
        done.add(name)

    for name in own:
        if name not in done:
            visit(name, (name,))
    return found


def _diagnostic(cycle: tuple[str, ...], span: Span) -> Diagnostic:
    through = "" if len(cycle) == 2 else ": " + " -> ".join(f"`{name}`" for name in cycle)
    message = f"`{cycle[0]}` calls itself{through}"
    return Diagnostic("recursion", message, Label(span), (), "a loop (`for`, `repeat`) repeats")


def _uses(declaration: Any, library: Library) -> Iterator[tuple[str, Span]]:
    """Declarations that a declaration names, where no parameter or binding of its own hides them."""
    parts = (*getattr(declaration, "parameters", ()), *getattr(declaration, "tensors", ()))
    hidden = {p.name for p in parts}
    names: list[ast.Name] = []
    for node in _walk(declaration):
        if isinstance(node, ast.Name):
            names.append(node)
        elif isinstance(node, ast.Generator):
            hidden.add(node.target)
        elif isinstance(node, ast.Repeat):
            hidden.add(node.index)
        elif isinstance(node, ast.Shared):
            hidden.add(node.name)
        elif isinstance(node, ast.Assign):
            hidden.add(_target(node.target))
    for name in names:
        if name.id in library.names and name.id not in hidden:
            yield name.id, name.span


def _target(expr: ast.Expr) -> str:
    while isinstance(expr, ast.Call | ast.Index):
        expr = expr.callee if isinstance(expr, ast.Call) else expr.base
    return expr.id if isinstance(expr, ast.Name) else ""


def _walk(node: Any) -> Iterator[Any]:
    """Every node inside, attributes of picks left out: their names are words."""
    if isinstance(node, tuple):
        for item in node:
            yield from _walk(item)
    elif is_dataclass(node) and not isinstance(node, ast.Attributes | Span):
        yield node
        for field in fields(node):
            if field.name != "span":
                yield from _walk(getattr(node, field.name))
