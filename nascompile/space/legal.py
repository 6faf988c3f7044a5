"""Whether values are legal for a space: decision by decision in text order, then the conditions between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, did_you_mean
from nascompile.ir.program import Constraint, Decision
from nascompile.ir.symbols import Sym
from nascompile.source import Span
from nascompile.space.absence import Existing, is_met
from nascompile.space.options import Nest, labels_of

Take = Callable[[Decision], Any]
"""Gives the value of a decision that exists, or None where it has none."""


def walk(roots: Sequence[Nest], take: Take, found: dict[str, Any] | None = None) -> dict[str, Any]:
    """Values of every decision that exists, in text order; what exists follows from the values taken so far."""
    found = {} if found is None else found
    for nest in roots:
        decision = nest.decision
        if decision.guard is not True and not is_met(decision.guard, Existing(found), otherwise=False):
            continue
        value = take(decision)
        if value is None:
            continue
        found[decision.path] = value
        for label in labels_of(decision, value):
            walk(nest.children.get(label, ()), take, found)
    return found


def mistake(decision: Decision, value: Any, span: Span | None) -> Diagnostic | None:
    """What is wrong with a value of a decision, if anything. `value` is a label, a number or a tuple of labels."""
    primary = None if span is None else Label(span)
    declared = (Label(decision.origin.span, "declared here"),)
    path = decision.path
    if decision.kind == "edges":
        return _wrong_edges(decision, value if isinstance(value, tuple) else (value,), primary, declared)
    if decision.interval is not None:
        low, high = decision.interval
        if isinstance(value, bool | str | tuple) or not low <= value <= high:
            return Diagnostic(
                "not-a-candidate", f"`{path}` is {_shown(value)}, not in {low} .. {high}", primary, declared
            )
        return None
    legal = [c for c in decision.candidates if c not in decision.never]
    if value in legal and not isinstance(value, bool):
        return None
    hint = did_you_mean(value, [str(c) for c in legal]) if isinstance(value, str) else None
    if value in decision.never:
        hint = f"`never {value}`: it belongs to the supernet only"
    among = ", ".join(map(str, legal))
    return Diagnostic(
        "not-a-candidate", f"`{path}` is {_shown(value)}, which is none of {among}", primary, declared, hint
    )


def _wrong_edges(
    decision: Decision, kept: tuple[Any, ...], primary: Label | None, declared: tuple[Label, ...]
) -> Diagnostic | None:
    path, labels = decision.path, decision.candidates
    for label in kept:
        if label not in labels:
            hint = did_you_mean(str(label), labels)
            message = f"`{path}` keeps {_shown(label)}, which is none of {', '.join(labels)}"
            return Diagnostic("not-a-candidate", message, primary, declared, hint)
        if kept.count(label) > 1:
            return Diagnostic("duplicate-candidate", f"`{path}` keeps `{label}` twice", primary, declared)
    if decision.decode == "all" and len(kept) != len(labels):
        return Diagnostic("pick-count", f"`{path}` keeps all of its {len(labels)} edges", primary, declared)
    if (decision.count is None and not kept) or (decision.count is not None and len(kept) != decision.count):
        wanted = "at least one edge" if decision.count is None else f"{decision.count} of {len(labels)} edges"
        return Diagnostic("pick-count", f"`{path}` keeps {len(kept)} edges; it picks {wanted}", primary, declared)
    return None


def normal(decision: Decision, value: Any) -> Any:
    """A legal value in the form that genotypes hold: edges as a tuple in text order, reals as floats."""
    if decision.kind == "edges":
        kept = (value,) if isinstance(value, str) else tuple(value)
        return tuple(label for label in decision.candidates if label in kept)
    if decision.interval is not None:
        return float(value)
    return next((c for c in decision.candidates if c == value), value)


def violated(constraints: Sequence[Constraint], found: Mapping[str, Any], span: Span | None) -> Iterator[Diagnostic]:
    """The conditions of the space that a complete genotype breaks, one diagnostic for each `where`."""
    known = Existing(found)
    reported: set[Span] = set()
    for constraint in constraints:
        where = constraint.origin.span
        if where in reported or is_met(constraint.condition, known):
            continue
        reported.add(where)
        yield Diagnostic(
            "violated-constraint", f"the genotype breaks `where {constraint.text or constraint.condition}`",
            None if span is None else Label(span), (Label(where, "demanded here"),),
            _needed(constraint.condition, known),
        )  # fmt: skip


def _needed(condition: Any, known: Mapping[Any, Any]) -> str | None:
    """For "if one of these edges is kept, then one of those": a kept one, and those that it needs."""
    if not (isinstance(condition, Sym) and condition.op == "or" and len(condition.args) == 2):
        return None
    premise, conclusion = condition.args
    if not (isinstance(premise, Sym) and premise.op == "not"):
        return None
    causes, needs = _kept_labels(premise.args[0]), _kept_labels(conclusion)
    kept = [label for path, label in causes or () if label in known.get(path, ())]
    if not kept or not needs:
        return None
    return f"`{kept[0]}` is kept, so one of {', '.join(f'`{label}`' for _, label in needs)} must be"


def _kept_labels(condition: Any) -> list[tuple[str, str]] | None:
    """(decision, label) of "one of these edges is kept"; None for other conditions."""
    parts = condition.args if isinstance(condition, Sym) and condition.op == "or" else (condition,)
    if not all(isinstance(part, Sym) and part.op == "kept" for part in parts):
        return None
    return [(part.args[0], part.args[1]) for part in parts]


def why_absent(decision: Decision, found: Mapping[str, Any]) -> str:
    """Why a decision does not exist under a genotype, as the end of a sentence."""
    if decision.parent is not None:
        path, label = decision.parent
        if path not in found:
            return f"`{path}` does not exist either"
        kept = found[path]
        if label not in (kept if isinstance(kept, tuple) else (kept,)):
            shown = ", ".join(kept) if isinstance(kept, tuple) else kept
            return f"`{path}` is {shown}, not `{label}`"
    return f"it needs {decision.guard}"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return f"`{value}`" if isinstance(value, str) else str(value)
