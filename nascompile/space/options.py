"""Values of single decisions, and what each weighs once the decisions nested in it are summed up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Generic, Protocol, TypeVar

from nascompile.ir.program import Decision

T = TypeVar("T")

SUBSET_LIMIT = 1 << 20


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
"""Semiring weight of one value of a decision, its children left out."""


def values(decision: Decision) -> list[Any]:
    """Legal values in text order: labels, numbers, or subsets (tuples of labels in text order).

    An interval has the single value None: a real number is no choice among alternatives.
    """
    if decision.interval is not None:
        return [None]
    if decision.kind != "edges":
        return [c for c in decision.candidates if c not in decision.never]
    labels = [c for c in decision.candidates if c not in decision.never]
    if decision.decode == "all":
        return [tuple(labels)]
    if decision.count is not None:
        return list(combinations(labels, decision.count))
    if len(labels) > 20:
        raise OverflowError(f"`{decision.path}` has {len(labels)} edges: too many subsets to list")
    found = [
        tuple(x for i, x in enumerate(labels) if mask >> (len(labels) - 1 - i) & 1)
        for mask in range(1, 1 << len(labels))
    ]
    return found


@dataclass(frozen=True, slots=True)
class Nest(Generic[T]):
    """A decision with the decisions that exist only under one of its labels."""

    decision: Decision
    children: Mapping[str, tuple[Nest[T], ...]]

    def weight(self, value: Any, ring: Semiring[T], score: Score) -> T:
        """The value's own score times the totals of everything nested in it."""
        result: T = score(self.decision, value)
        for label in value if self.decision.kind == "edges" else (value,):
            for child in self.children.get(label, ()):
                result = ring.mul(result, child.total(ring, score))
        return result

    def total(self, ring: Semiring[T], score: Score) -> T:
        result = ring.zero
        for value in values(self.decision):
            result = ring.add(result, self.weight(value, ring, score))
        return result

    def members(self) -> list[Decision]:
        """This decision and all nested ones, in text order."""
        found = [self.decision]
        for nests in self.children.values():
            for nest in nests:
                found.extend(nest.members())
        return found


def nests(decisions: Mapping[str, Decision]) -> list[Nest[Any]]:
    """The forest of decisions: roots in text order, each with what is nested in its labels."""
    below: dict[tuple[str, str], list[str]] = {}
    roots = []
    for path, decision in decisions.items():
        if decision.parent is None:
            roots.append(path)
        else:
            below.setdefault(decision.parent, []).append(path)

    def build(path: str) -> Nest[Any]:
        decision = decisions[path]
        children = {
            label: tuple(build(p) for p in below[path, label])
            for label in decision.candidates
            if isinstance(label, str) and (path, label) in below
        }
        return Nest(decision, children)

    return [build(path) for path in roots]
