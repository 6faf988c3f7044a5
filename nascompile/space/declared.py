"""Reads the body of a `genotype` text: which decision each line means, and every mistake at its span."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean
from nascompile.ir.program import Decision
from nascompile.source import Span
from nascompile.space.expression import constant, path_of
from nascompile.space.legal import mistake, normal, walk, why_absent
from nascompile.space.writing import family_of, operator_path
from nascompile.syntax import nodes as ast

if TYPE_CHECKING:
    from nascompile.space.space import SearchSpace


@dataclass(slots=True)
class _Written:
    """What the lines say: values by path, lists by family, and where each stands."""

    values: dict[str, Any] = field(default_factory=dict)
    families: dict[str, list[tuple[Any, Span]]] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    targets: dict[str, Span] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)

    def report(self, code: str, message: str, span: Span, hint: str | None = None, *secondary: Label) -> None:
        self.problems.append(Diagnostic(code, message, Label(span), secondary, hint))


def read_values(declaration: ast.GenotypeDecl, space: SearchSpace) -> dict[str, Any]:
    """Values of every decision that exists under the genotype, in text order. Raises NasError with all mistakes."""
    written = _Written()
    for statement in declaration.body:
        if isinstance(statement, ast.Assign):
            _read(statement, space.decisions, written)
        else:
            written.report("genotype-statement", "a genotype only gives values to decisions", statement.span,
                           "write `path = value`")  # fmt: skip
    taken: set[str] = set()
    queues = {name: list(items) for name, items in written.families.items()}
    missing: list[Decision] = []

    def take(decision: Decision) -> Any:
        path = decision.path
        span = written.spans.get(path)
        queue = queues.get(family_of(path) or "")
        if path in written.values:
            taken.add(path)
            value = written.values[path]
        elif queue:
            value, span = queue.pop(0)
        elif decision.decode == "all":
            return decision.candidates
        else:
            if path not in written.targets:  # else its value was no value, which is reported
                missing.append(decision)
            return None
        wrong = mistake(decision, value, span)
        if wrong is not None:
            written.problems.append(wrong)
            return None
        return normal(decision, value)

    found = walk(space.roots, take)
    _report_missing(missing, declaration, queues, written)
    if not written.problems:
        _report_absent(space.decisions, found, taken, queues, written)
    if not written.problems:
        written.problems.extend(space.broken(found, _head(declaration)))
    if written.problems:
        raise NasError(sorted(written.problems, key=Diagnostic.sort_key))
    return found


def _read(statement: ast.Assign, decisions: Mapping[str, Decision], written: _Written) -> None:
    path, span = path_of(statement.target), statement.target.span
    if path in written.targets:
        earlier = Label(written.targets[path], "first decided here")
        written.report("duplicate-decision", f"`{path}` is decided twice", span, None, earlier)
        return
    written.targets[path] = span
    try:
        if path in decisions:
            _read_value(decisions[path], statement.value, decisions, written)
        elif any(family_of(p) == path for p in decisions):
            items = statement.value.items if isinstance(statement.value, ast.List) else (statement.value,)
            written.families[path] = [(constant(item), item.span) for item in items]
        else:
            families = {f for p in decisions if (f := family_of(p)) is not None}
            hint = did_you_mean(path, [*(p for p, d in decisions.items() if not d.slot), *families])
            written.report("unknown-decision", f"the space has no decision `{path}`", span, hint)
    except NasError as failure:
        written.problems.extend(failure.diagnostics)


def _read_value(decision: Decision, value: ast.Expr, decisions: Mapping[str, Decision], written: _Written) -> None:
    path = decision.path
    written.spans[path] = value.span
    if decision.kind != "edges":
        written.values[path] = constant(value)
        return
    items = value.items if isinstance(value, ast.List) else (value,)
    labels = []
    for item in items:
        label = path_of(item.value if isinstance(item, ast.Via) else item)
        if label in labels:
            written.report("duplicate-candidate", f"`{path}` keeps `{label}` twice", item.span)
            continue
        labels.append(label)
        if label not in decision.candidates:
            hint = did_you_mean(label, decision.candidates)
            among = ", ".join(decision.candidates)
            written.report("not-a-candidate", f"`{path}` keeps `{label}`, which is none of {among}", item.span, hint)
        elif isinstance(item, ast.Via):
            operator = operator_path(path, label, decisions)
            if operator is None:
                written.report(
                    "no-operator", f"`{label}` goes through no operator that is decided", item.operators.span
                )
            elif operator in written.values:
                earlier = Label(written.spans[operator], "first decided here")
                written.report("duplicate-decision", f"`{operator}` is decided twice", item.span, None, earlier)
            else:
                written.values[operator] = constant(item.operators)
                written.spans[operator] = item.operators.span
    written.values[path] = tuple(label for label in labels if label in decision.candidates)


def _report_missing(
    missing: list[Decision], declaration: ast.GenotypeDecl, queues: Mapping[str, Any], written: _Written
) -> None:
    for decision in missing:
        family = family_of(decision.path) or ""
        parent = decision.parent[0] if decision.parent else ""
        if family in queues:
            last = written.families[family][-1][1] if written.families[family] else _head(declaration)
            count = len(written.families[family])
            message = f"`{family}` has {count} values here, and `{decision.path}` gets none"
            if not any(d.code == "value-count" and d.primary == Label(last) for d in written.problems):
                written.report("value-count", message, last)
            continue
        span = written.spans.get(parent) if decision.slot else None
        hint = f"write `{decision.path.removeprefix(parent + '.')} via OPERATOR`" if decision.slot else None
        written.report("missing-decision", f"the genotype does not decide `{decision.path}`",
                       span or _head(declaration), hint)  # fmt: skip


def _report_absent(
    decisions: Mapping[str, Decision],
    found: Mapping[str, Any],
    taken: set[str],
    queues: Mapping[str, list[tuple[Any, Span]]],
    written: _Written,
) -> None:
    for path in written.values:
        if path not in taken:
            reason = why_absent(decisions[path], found)
            span = written.targets.get(path) or written.spans[path]
            written.report("absent-decision", f"`{path}` does not exist under this genotype: {reason}", span)
    for family, rest in queues.items():
        if rest:
            count = len(written.families[family])
            message = f"`{family}` has {count} values here, but only {count - len(rest)} of its decisions exist"
            written.report("value-count", message, rest[0][1])


def _head(declaration: ast.GenotypeDecl) -> Span:
    """The span of the name and the space: `genotype NAME : space(...)` without the body."""
    span, last = declaration.span, declaration.space.span
    if last.source is not span.source:
        return span
    return Span(span.source, span.start, max(last.end, span.start))
