"""Genotypes as vectors of numbers, for predictors and surrogates: one column for each thing that a genotype can say.

Columns follow the space's text. A number has one column with its value (0 where it does not exist), an operator one
column a candidate (1 for the one that is taken), a decision on edges one column an edge (1 for those that are kept). A
number that not every genotype has is preceded by a column that is 1 where it exists; operators and edges need none,
because those that exist have a 1. Candidates that no genotype keeps (`never`) have no column. Names of columns are
conditions of the language: `w[0]`, `w[0] exists`, `y == conv`, `s[1] in block.s[3]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nascompile.ir.program import Decision


@dataclass(frozen=True, slots=True)
class Column:
    """What one place of the vector says of the decision at `path`; `candidate` is an operator or an edge of it."""

    path: str
    kind: Literal["number", "exists", "operator", "edge"]
    candidate: str = ""

    @property
    def name(self) -> str:
        """The column's name, unique in its space."""
        if self.kind == "operator":
            return f"{self.path} == {self.candidate}"
        if self.kind == "edge":
            return f"{self.candidate} in {self.path}"
        return self.path if self.kind == "number" else f"{self.path} exists"

    def of(self, values: Mapping[str, Any]) -> float:
        """The number in this column for the values of a genotype."""
        if self.path not in values:
            return 0.0
        value = values[self.path]
        if self.kind == "number":
            return float(value)
        if self.kind == "exists":
            return 1.0
        return float(self.candidate in value if self.kind == "edge" else self.candidate == value)


def columns_of(decisions: Mapping[str, Decision]) -> tuple[Column, ...]:
    """The columns of a space, in text order."""
    found: list[Column] = []
    for path, decision in decisions.items():
        if decision.kind == "number":
            if decision.guard is not True or decision.parent is not None:
                found.append(Column(path, "exists"))
            found.append(Column(path, "number"))
        else:
            kind: Literal["edge", "operator"] = "edge" if decision.kind == "edges" else "operator"
            found += [Column(path, kind, c) for c in decision.candidates if c not in decision.never]
    return tuple(found)
