"""Bodies of `field = value` lines: known names with readers, and every mistake of a body in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nascompile.config.tables import OTHER_WORDS
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean
from nascompile.semantics.modules import Library
from nascompile.semantics.values import Poisoned
from nascompile.source import Span
from nascompile.syntax import nodes as ast

Reader = Callable[[ast.Expr, Library], Any]
"""From the expression of a field to its value; raises NasError."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a body says: values by field name, the span of each, and the statements that are no fields."""

    values: Mapping[str, Any]
    spans: Mapping[str, Span]
    others: tuple[ast.Statement, ...]
    problems: tuple[Diagnostic, ...] = field(default=())

    def get(self, name: str, default: Any) -> Any:
        """The value of a field, or `default` if the text does not have it."""
        return self.values.get(name, default)


def read_fields(
    owner: str, body: Iterable[ast.Statement], known: Mapping[str, Reader], library: Library, also: Iterable[str] = ()
) -> Fields:
    """Read a body. `owner` is how messages call it (`task nuclei`); `also` names fields that others read.

    Diagnostics: `unknown-field` with the nearest name, `duplicate-field`, `not-a-field`, and what the readers raise.
    """
    values: dict[str, Any] = {}
    spans: dict[str, Span] = {}
    others: list[ast.Statement] = []
    problems: list[Diagnostic] = []
    names = [*known, *also]
    for statement in body:
        if not isinstance(statement, ast.Assign):
            others.append(statement)
            continue
        target = statement.target
        if not isinstance(target, ast.Name):
            hint = "write `field = value`"
            problems.append(Diagnostic("not-a-field", "a field has a plain name", Label(target.span), hint=hint))
        elif target.id not in names:
            hint = did_you_mean(OTHER_WORDS.get(target.id, target.id), names) or f"there are {', '.join(sorted(names))}"
            message = f"{owner} has no field `{target.id}`"
            problems.append(Diagnostic("unknown-field", message, Label(target.span), hint=hint))
        elif target.id in spans:
            first = Label(spans[target.id], "first given here")
            message = f"{owner} gives `{target.id}` twice"
            problems.append(Diagnostic("duplicate-field", message, Label(target.span), (first,), "remove one of them"))
        else:
            spans[target.id] = statement.value.span
            if target.id in known:
                try:
                    values[target.id] = known[target.id](statement.value, library)
                except NasError as failure:
                    problems.extend(failure.diagnostics)
                except Poisoned:
                    continue
    return Fields(values, spans, tuple(others), tuple(problems))
