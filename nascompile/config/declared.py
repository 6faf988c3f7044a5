"""Finding a declaration by its name, or the only one there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from nascompile.diagnostics import did_you_mean, error
from nascompile.syntax import nodes as ast

T = TypeVar("T", ast.GenotypeDecl, ast.SearchDecl, ast.TaskDecl, ast.OpDecl)


def one(noun: str, table: Mapping[str, T], name: str | None, own: Sequence[T]) -> T:
    """The declaration `name`; without a name the only one of the text (`own`), else the only one known.

    Raises NasError: `unknown-NOUN`, `missing-NOUN`, `which-NOUN`.
    """
    if name is not None:
        if name not in table:
            listed = f"there are {', '.join(table)}" if table else None
            raise error(f"unknown-{noun}", f"there is no {noun} `{name}`", hint=did_you_mean(name, table) or listed)
        return table[name]
    candidates = list(own) or list(table.values())
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise error(f"missing-{noun}", f"the text declares no {noun}")
    names = ", ".join(c.name for c in candidates)
    several = f"{noun}es" if noun == "search" else f"{noun}s"
    raise error(f"which-{noun}", f"the text declares several {several}: {names}", hint="name one of them")


def space_name(expr: ast.Expr) -> str:
    """The name of the space in `net(c = 8)` or `net`; "" in anything else."""
    name = expr.callee if isinstance(expr, ast.Call) else expr
    return name.id if isinstance(name, ast.Name) else ""
