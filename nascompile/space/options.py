"""Values of single decisions, and the decisions that exist only under one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Protocol, TypeVar

from nascompile.diagnostics import error
from nascompile.ir import symbols
from nascompile.ir.program import Decision
from nascompile.ir.symbols import Sym

T = TypeVar("T")

SUBSET_EDGES = 16
"""`pick some` lists its subsets; past this many edges there are too many."""


class Semiring(Protocol[T]):
    """Addition over alternatives, multiplication over independent parts."""

    zero: T
    one: T

    def add(self, a: T, b: T) -> T: ...
    def mul(self, a: T, b: T) -> T: ...


class Counting:
    """Number of genotypes."""

    zero = 0
    one = 1

    def add(self, a: int, b: int) -> int:
        return a + b

    def mul(self, a: int, b: int) -> int:
        return a * b


class Best:
    """Largest sum of scores."""

    zero = float("-inf")
    one = 0.0

    def add(self, a: float, b: float) -> float:
        return a if a >= b else b

    def mul(self, a: float, b: float) -> float:
        return a + b


Score = Callable[[Decision, Any], Any]
"""Semiring weight of one value of a decision, the decisions nested in it left out."""


def values(decision: Decision) -> list[Any]:
    """Legal values in text order: labels, numbers, or subsets (tuples of labels in text order).

    Subsets are ordered by their members: those with the first edge come behind those without it, as binary numbers
    count. An interval has the single value None: a real number is no choice among alternatives. Raises NasError
    `too-many-edges` when the subsets cannot be listed.
    """
    if decision.interval is not None:
        return [None]
    labels = [c for c in decision.candidates if c not in decision.never]
    if decision.kind != "edges":
        return labels
    if decision.decode == "all":
        return [tuple(labels)]
    if decision.count is not None:
        return list(combinations(labels, decision.count))
    if len(labels) > SUBSET_EDGES:
        raise error(
            "too-many-edges", f"`{decision.path}` picks some of {len(labels)} edges: too many subsets to list",
            decision.origin.span, hint=f"pick some of at most {SUBSET_EDGES}, or a fixed number of them",
        )  # fmt: skip
    bits = range(len(labels) - 1, -1, -1)
    return [
        tuple(x for x, bit in zip(labels, bits, strict=True) if mask >> bit & 1) for mask in range(1, 1 << len(labels))
    ]


def labels_of(decision: Decision, value: Any) -> Iterable[Any]:
    """The candidates that a value takes: the kept edges, or the value itself."""
    return value if decision.kind == "edges" else (value,)


@dataclass(frozen=True, slots=True)
class Nest:
    """A decision with the decisions that exist only under one of its labels."""

    decision: Decision
    children: Mapping[Any, tuple[Nest, ...]]

    def members(self) -> list[Decision]:
        """This decision and all nested ones, in text order."""
        found = [self.decision]
        for nested in self.children.values():
            for nest in nested:
                found.extend(nest.members())
        return found


def nests(decisions: Mapping[str, Decision]) -> list[Nest]:
    """The forest of decisions: roots in text order, each with what is nested in its labels.

    Conditions that already hold for a decision are not repeated for those nested in it.
    """
    below: dict[tuple[str, str], list[str]] = {}
    roots = []
    for path, decision in decisions.items():
        if decision.parent is None:
            roots.append(path)
        else:
            below.setdefault(decision.parent, []).append(path)

    def build(path: str, known: frozenset[Any]) -> Nest:
        terms = _terms(decisions[path].guard)
        rest = symbols.conjunction(*(t for t in terms if t not in known))
        decision = replace(decisions[path], guard=rest)
        children = {
            label: tuple(build(p, known.union(terms)) for p in below[path, label])
            for label in decision.candidates
            if isinstance(label, str) and (path, label) in below
        }
        return Nest(decision, children)

    return [build(path, frozenset()) for path in roots]


def _terms(guard: Any) -> tuple[Any, ...]:
    return guard.args if isinstance(guard, Sym) and guard.op == "and" else (guard,)
