"""The candidates of a pick: labels, operators and the scope in which each is evaluated."""

from __future__ import annotations

from typing import Any

from nascompile.diagnostics import did_you_mean
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Env
from nascompile.semantics.parameters import bind_defaults
from nascompile.semantics.values import (
    Absent,
    Candidates,
    Edge,
    Items,
    Scope,
    Tensor,
    describe,
)
from nascompile.source import Span
from nascompile.syntax import nodes as ast


def labelled(env: Env, source: Any, tensor: Tensor | Absent | None, span: Span) -> list[tuple[str, Any, Scope | None]]:
    """The candidates of a pick: label, operator (or its expression), and the scope to evaluate it in."""
    if isinstance(source, Candidates):
        declaration = source.declaration
        scope = Scope()
        for parameter in declaration.tensors:
            scope.names[parameter.name] = tensor
        inner = Env(env.ctx, env.frame, scope)
        bind_defaults(inner, declaration.name, declaration.parameters, dict(source.arguments), source.span)
        found: list[tuple[str, Any, Scope | None]] = []
        for candidate in declaration.candidates:
            if candidate.condition is not None:
                wanted = inner.evaluate(candidate.condition)
                if isinstance(wanted, Sym):
                    raise env.ctx.fail("decided-domain", "a candidate cannot depend on a decision", candidate.span)
                if not wanted:
                    continue
            label = candidate.label or candidate_name(candidate.value)
            if label is None:
                raise env.ctx.fail(
                    "unnamed-candidate", "this candidate needs a label", candidate.span, "`label: operator`"
                )
            found.append((label, candidate.value, scope))
        check_labels(env, [label for label, _, _ in found], declaration.span)
        return found
    if isinstance(source, Items):
        entries: list[tuple[str, Any, Scope | None]] = [(e.label, e.value, None) for e in source.entries]
        check_labels(env, [label for label, _, _ in entries], span)
        return entries
    raise env.ctx.fail("not-candidates", f"{describe(source)} is no list of operators", span)


def check_labels(env: Env, labels: list[str], span: Span) -> None:
    """Raise NasError where there is nothing to pick from or two labels are equal."""
    if not labels:
        raise env.ctx.fail("no-candidates", "there is nothing to pick from", span)
    for label in labels:
        if labels.count(label) > 1:
            raise env.ctx.fail("duplicate-candidate", f"two candidates are called `{label}`", span, "label them apart")


def candidate_name(expr: ast.Expr) -> str | None:
    """The label of a candidate that has none of its own: the name of its operator."""
    if isinstance(expr, ast.Name):
        return expr.id
    if isinstance(expr, ast.Call):
        return candidate_name(expr.callee)
    return None


def check_never(env: Env, source: Items, node: ast.Pick) -> None:
    """Raise NasError for a `never` that names no candidate of any slot."""
    for entry in source.entries:
        never = entry.value.attributes.never if isinstance(entry.value, Edge) else None
        if never is None:
            continue
        known: set[str] = set()
        for other in source.entries:
            if isinstance(other.value, Edge) and isinstance(other.value.operators, Candidates):
                declared = other.value.operators.declaration.candidates
                known |= {c.label or candidate_name(c.value) or "" for c in declared}
        if known and never not in known and len(source.entries) > 1 and not _known_anywhere(env, never):
            raise env.ctx.fail("unknown-candidate", f"`never {never}` names no candidate", entry.value.span,
                               did_you_mean(never, known))  # fmt: skip


def _known_anywhere(env: Env, label: str) -> bool:
    declared = env.ctx.library.names.values()
    return any(isinstance(d, ast.OpsDecl) and any(c.label == label for c in d.candidates) for d in declared)
