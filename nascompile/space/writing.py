"""A genotype as a declaration, for the formatter: edges with their operators, lists of numbers in one line."""

from __future__ import annotations

import re
from typing import Any

from nascompile.space.expression import expression_of, number, value_expression
from nascompile.space.genotype import Genotype
from nascompile.syntax import nodes as ast

_MEMBER_OF_FAMILY = re.compile(r"(?P<family>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\[\d+(?:, *\d+)*\]")


def declaration_of(genotype: Genotype, name: str) -> ast.GenotypeDecl:
    """The `genotype` declaration. Edges are written `s[0] via conv`; the numbers of a family as one list."""
    body: list[ast.Statement] = []
    values = genotype.values
    families = _number_families(values)
    done: set[str] = set(genotype.implied)
    for path, value in values.items():
        if path in done:
            continue
        family = family_of(path)
        if family is not None and family in families:
            members = families[family]
            done.update(members)
            body.append(_assign(family, ast.List(tuple(number(values[m]) for m in members))))
        elif isinstance(value, tuple):
            body.append(_assign(path, ast.List(tuple(_edge(path, label, values, done) for label in value))))
        elif not isinstance(value, str):
            body.append(_assign(path, number(value)))
        elif not _is_written_with_its_edge(path, values):
            body.append(_assign(path, expression_of(value)))
    arguments = tuple(ast.Argument(key, value_expression(given)) for key, given in genotype.arguments.items())
    space: ast.Expr = ast.Name(genotype.space)
    return ast.GenotypeDecl("genotype", name, ast.Call(space, arguments, None) if arguments else space, tuple(body))


def family_of(path: str) -> str | None:
    """`w` for `w[0, 1]`: the name that stands for all paths that differ only in their index; None for other paths."""
    match = _MEMBER_OF_FAMILY.fullmatch(path)
    return None if match is None else match["family"]


def operator_path(path: str, label: str, values: Any) -> str | None:
    """The decision that picks the operator of edge `label` of `path`: that of the slot, or one that the label names."""
    slot = f"{path}.{label}"
    return slot if slot in values else label if label in values else None


def _assign(path: str, value: ast.Expr) -> ast.Assign:
    return ast.Assign(expression_of(path), value)


def _number_families(values: Any) -> dict[str, list[str]]:
    families: dict[str, list[str]] = {}
    for path, value in values.items():
        family = family_of(path)
        if family is not None and isinstance(value, int | float):
            families.setdefault(family, []).append(path)
    return families


def _edge(path: str, label: str, values: Any, done: set[str]) -> ast.Expr:
    operator = operator_path(path, label, values)
    if operator is None or not isinstance(values[operator], str):
        return expression_of(label)
    done.add(operator)
    return ast.Via(expression_of(label), expression_of(values[operator]), ast.Attributes())


def _is_written_with_its_edge(path: str, values: Any) -> bool:
    return any(
        isinstance(kept, tuple) and any(operator_path(edges, label, values) == path for label in kept)
        for edges, kept in values.items()
    )
