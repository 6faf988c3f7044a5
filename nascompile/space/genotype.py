"""Genotypes: the values of a space's decisions, as data, as `.nas` text and as the binding of an elaboration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nascompile.space.expression import written
from nascompile.syntax import nodes as ast

if TYPE_CHECKING:
    from nascompile.space.space import SearchSpace


@dataclass(frozen=True, slots=True, eq=False)
class Genotype:
    """One point of a space.

    `arguments` are those that the text gives the space; the rest have their defaults. `values` maps the path of every
    decision that exists under this genotype, relative to the space, to a label (an operator), a number, or a tuple of
    labels in text order (edges). `implied` are the paths that a text may leave out, because every genotype of the
    space has the same value there (`decode all`).
    """

    space: str
    arguments: Mapping[str, Any]
    values: Mapping[str, Any]
    implied: frozenset[str] = field(default=frozenset(), repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Genotype) and self._data() == other._data()

    def __hash__(self) -> int:
        return hash(self.digest())

    @staticmethod
    def from_declaration(declaration: ast.GenotypeDecl, space: SearchSpace) -> Genotype:
        """Evaluate the body of a `genotype` text against its space, which was elaborated with the text's arguments.

        Raises NasError with every mistake: `unknown-decision`, `not-a-candidate`, `missing-decision`, `pick-count`,
        `duplicate-decision`, `absent-decision` (it does not exist under this genotype), `value-count`,
        `violated-constraint`.
        """
        from nascompile.space.declared import read_values

        return space.genotype(read_values(declaration, space))

    def to_text(self, name: str, header: bool = True, imports: Sequence[str] = ()) -> str:
        """Canonical `.nas` text that reads back as this genotype.

        `header` adds the first line `nas 1`; `imports` are the specs that the text reads (`["darts"]`).
        """
        from nascompile.space.writing import declaration_of
        from nascompile.syntax.formatter import format_declaration

        body = format_declaration(declaration_of(self, name)) + "\n"
        if not header:
            return body
        lines = ["nas 1", *(f"import {module}" for module in imports)]
        return "\n".join(lines) + "\n\n" + body

    def digest(self) -> str:
        """Twelve hexadecimal digits that depend only on the space's name, the arguments and the values."""
        text = json.dumps(self._data(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _data(self) -> list[Any]:
        arguments = {name: written(value) for name, value in self.arguments.items()}
        return [self.space, arguments, dict(self.values)]
