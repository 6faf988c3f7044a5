"""Collecting the findings of static checks: one diagnostic a fact, with a suggestion where a name is near."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean
from nascompile.semantics.modules import Library
from nascompile.semantics.parameters import unknown_word
from nascompile.source import Source, Span
from nascompile.syntax import nodes as ast
from nascompile.syntax.parser import parse_expression


class Findings:
    """Diagnostics under collection, with what they need to know of the library.

    `words` are all words that parameters list: a call through a parameter may pass any of them. `place`, if set,
    stands for the spans of expressions inside a message. `is_operator`: an op or a cell is checked, not a space.
    """

    def __init__(self, library: Library):
        self.library = library
        self.diagnostics: list[Diagnostic] = []
        self.words = frozenset(w for d in library.names.values() for p in parameters_of(d) for w in p.kinds)
        self.loop_names = frozenset(_loop_names(library.module))
        self.place: Span | None = None
        self.is_operator = False

    def at(self, place: Span) -> Findings:
        """The same collection, with every finding at one place."""
        other = object.__new__(Findings)
        other.__dict__.update(self.__dict__, place=place)
        return other

    def add(self, code: str, message: str, span: Span, hint: str | None = None, *labels: Label) -> None:
        """Add an error."""
        self.diagnostics.append(Diagnostic(code, message, Label(self.place or span), labels, hint))

    def unknown(
        self, code: str, name: str, message: str, node: ast.Node, known: Iterable[str], hint: str | None = None
    ) -> None:
        """A name that is not there. The nearest known one is the hint, else the one given."""
        self.add(code, message, node.span, did_you_mean(name, sorted(known)) if hint is None else hint)

    def word(self, parameter: ast.Parameter, node: ast.Name) -> None:
        """Report a word that a parameter does not list."""
        code, message = unknown_word(parameter, node.id)
        self.add(code, message, node.span, did_you_mean(node.id, parameter.kinds))

    def parameters(self, parameters: Iterable[ast.Parameter]) -> None:
        """Report parameters of one name."""
        first: dict[str, ast.Parameter] = {}
        for parameter in parameters:
            earlier = first.setdefault(parameter.name, parameter)
            if earlier is not parameter:
                label = Label(head(earlier.span, earlier.name), "first declared here")
                place = head(parameter.span, parameter.name)
                self.add("duplicate-parameter", f"two parameters are called `{parameter.name}`", place, None, label)

    def candidates(self, declaration: ast.OpsDecl) -> None:
        """Report unconditional candidates of one label."""
        first: dict[str, ast.Candidate] = {}
        for candidate in declaration.candidates:
            label = candidate.label or _callee(candidate.value)
            if label is None or candidate.condition is not None:
                continue
            earlier = first.setdefault(label, candidate)
            if earlier is not candidate:
                other = Label(head(earlier.span, label), "the other one")
                message = f"two candidates are called `{label}`"
                self.add("duplicate-candidate", message, head(candidate.span, label), "label them apart", other)


def parameters_of(declaration: Any) -> tuple[ast.Parameter, ...]:
    """The parameters of a declaration; none for those that have none."""
    return getattr(declaration, "parameters", ())


def head(span: Span, name: str) -> Span:
    """The name that a span starts with."""
    return replace(span, end=span.start + len(name)) if span.text.startswith(name) else span


def heading(declaration: Any) -> Label:
    """The first line of a declaration, where its parameters stand."""
    span = declaration.span
    first = span.text.split("\n", 1)[0].rstrip()
    return Label(type(span)(span.source, span.start, span.start + len(first)), "declared here")


def placeholders(require: ast.Require) -> Iterator[tuple[ast.Expr, Span]]:
    """The expressions in braces of a requirement's message, each with its place in the text."""
    for match in re.finditer(r"\{([^{}]+)\}", require.message or ""):
        offset = require.span.text.rfind(match.group(0))
        start = require.span.start + offset + 1
        place = replace(require.span, start=start, end=start + len(match.group(1))) if offset >= 0 else require.span
        try:
            yield parse_expression(Source("message", match.group(1))), place
        except NasError:
            continue  # braces that are no expression print as they are


def _callee(expr: ast.Expr) -> str | None:
    while isinstance(expr, ast.Call):
        expr = expr.callee
    return expr.id if isinstance(expr, ast.Name) else None


def _loop_names(module: ast.Module) -> Iterator[str]:
    """Plain names that are bound inside of loops, for the hint at a use behind the loop."""

    def walk(body: tuple[ast.Statement, ...], in_loop: bool) -> Iterator[str]:
        for statement in body:
            if isinstance(statement, ast.Assign) and in_loop and isinstance(statement.target, ast.Name):
                yield statement.target.id
            if isinstance(statement, ast.For | ast.Repeat):
                yield from walk(statement.body, True)

    for declaration in module.declarations:
        if isinstance(declaration, ast.OpDecl):
            yield from walk(declaration.body, False)
