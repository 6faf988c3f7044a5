"""A search space as a set: exact size, uniform samples, membership, text order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.ir.program import Constraint, Decision, Program
from nascompile.ir.symbols import Sym
from nascompile.semantics.values import Absent, Tensor
from nascompile.source import Span
from nascompile.space.encoding import Column, columns_of
from nascompile.space.genotype import Genotype
from nascompile.space.legal import mistake, normal, violated, walk, why_absent
from nascompile.space.limits import Price, exceeded
from nascompile.space.options import Counting, Nest, nests
from nascompile.space.plan import reals_of
from nascompile.space.table import Block, Filled

REJECTION_LIMIT = 10_000
PRICED_LIMIT = 1_000
"""Draws that are priced, which takes longer."""


class SearchSpace:
    """The genotypes of an open program.

    `arguments` are those that a genotype's text repeats: by default all of the program's that are not networks. The
    table behind `size`, `sample`, `rank` and decoding is built once, on first use; that may raise NasError
    `space-too-coupled` or `too-many-edges`. `price` is needed where the text limits costs (`where params < 2M`): the
    table does not know them, so they are tested when a genotype is drawn or read.
    """

    def __init__(self, program: Program, arguments: Mapping[str, Any] | None = None, price: Price | None = None):
        given = program.arguments if arguments is None else arguments
        self.program = program
        self.name: str = program.name
        self.arguments: Mapping[str, Any] = {k: v for k, v in given.items() if not isinstance(v, Tensor | Absent)}
        self.decisions: Mapping[str, Decision] = program.decisions
        self.constraints: tuple[Constraint, ...] = program.constraints
        self.limits: tuple[Constraint, ...] = program.limits
        self.price = price

    def restricted(self, candidates: Mapping[str, Sequence[Any]]) -> SearchSpace:
        """The set in which decisions keep only some candidates. Raises NasError for a wrong name.

        Its program still builds all of them: `Request.candidates` builds what is left.
        """
        decisions = dict(self.decisions)
        for path, wanted in candidates.items():
            if path not in decisions:
                hint = did_you_mean(path, decisions)
                raise error("unknown-decision", f"the space has no decision `{path}`", hint=hint)
            wrong = [c for c in wanted if c not in decisions[path].candidates]
            if wrong:
                hint = did_you_mean(str(wrong[0]), [str(c) for c in decisions[path].candidates])
                raise error("not-a-candidate", f"`{path}` has no candidate `{wrong[0]}`", hint=hint)
            kept = tuple(c for c in decisions[path].candidates if c in wanted)
            decisions[path] = replace(decisions[path], candidates=kept)
        return SearchSpace(replace(self.program, decisions=decisions), self.arguments, self.price)

    @cached_property
    def roots(self) -> list[Nest]:
        """The decisions as a forest, in text order."""
        return nests(self.decisions)

    @cached_property
    def block(self) -> Block:
        """The decisions with the conditions between them, ready to be summed over."""
        return Block(self.roots, self.constraints)

    @cached_property
    def counts(self) -> Filled[int]:
        """The number of genotypes behind every partial choice."""
        return self.block.fill(Counting(), lambda decision, value: 1)

    @cached_property
    def reals(self) -> tuple[str, ...]:
        """Paths of the decisions that pick a real number; `size` counts each as one value."""
        found = reals_of(self.roots)
        return tuple(path for path in self.decisions if path in found)

    @cached_property
    def _real_constraints(self) -> tuple[Constraint, ...]:
        reals = set(self.reals)
        return tuple(
            c for c in self.constraints if isinstance(c.condition, Sym) and not reals.isdisjoint(c.condition.refs)
        )

    @cached_property
    def _implied(self) -> frozenset[str]:
        return frozenset(path for path, d in self.decisions.items() if d.decode == "all" and d.kind == "edges")

    def size(self) -> int:
        """The exact number of legal genotypes, real numbers left out. Conditions on reals and costs are not counted."""
        return self.counts.total

    def genotype(self, values: Mapping[str, Any]) -> Genotype:
        """A genotype of this space with these values, which are not checked (`contains` does)."""
        return Genotype(self.name, self.arguments, dict(values), self._implied)

    def sample(self, rng: random.Random) -> Genotype:
        """A genotype drawn uniformly; reals uniformly in their interval.

        Raises NasError `empty-space`, and `sampling-failed` when 10,000 draws break a condition on reals, or 1,000 one
        on costs.
        """
        total = self.size()
        if total == 0:
            raise error("empty-space", f"no genotype of `{self.name}` fulfils its conditions")
        priced = 0
        for _ in range(REJECTION_LIMIT):
            values = self._at(rng.randrange(total))
            for path in self.reals:
                if path in values:
                    low, high = self.decisions[path].interval or (0.0, 0.0)
                    values[path] = rng.uniform(low, high)
            if self._real_constraints and list(violated(self._real_constraints, values, None)):
                continue
            over = list(exceeded(self.limits, values, self.price, None))
            if not over:
                return self.genotype(values)
            priced += 1
            if priced == PRICED_LIMIT:
                hint = f"the last one: {over[0].hint}; allow more, or narrow the space to smaller networks"
                message = f"none of {priced:,} draws fulfils `where {self.limits[0].text}`"
                raise error("sampling-failed", message, self.limits[0].origin.span, hint=hint)
        constraint = self._real_constraints[0] if self._real_constraints else self.limits[0]
        raise error(
            "sampling-failed", f"none of {REJECTION_LIMIT:,} draws fulfils `where {constraint.text}`",
            constraint.origin.span,
        )  # fmt: skip

    def broken(self, values: Mapping[str, Any], span: Span | None = None) -> list[Diagnostic]:
        """The conditions, and else the limits of costs, that complete values break: `violated-constraint` at `span`."""
        found = list(violated(self.constraints, values, span))
        return found or list(exceeded(self.limits, values, self.price, span))

    def _at(self, rank: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.counts.unrank(rank, found)
        return found

    def unrank(self, rank: int) -> Genotype:
        """The genotype with this place (from 0) in text order; reals are the middle of their interval.

        Raises IndexError outside 0 .. size - 1.
        """
        if not 0 <= rank < self.size():
            raise IndexError(rank)
        values = self._at(rank)
        for path in self.reals:
            if path in values:
                values[path] = sum(self.decisions[path].interval or (0.0, 0.0)) / 2
        return self.genotype(values)

    def rank(self, genotype: Genotype) -> int:
        """The place of a legal genotype in text order; `unrank` inverts it. Raises ValueError for an illegal one."""
        return self.counts.rank(genotype.values)

    def enumerate(self, limit: int | None = None) -> Iterator[Genotype]:
        """Legal genotypes in text order, at most `limit` of them; of reals, only the middle of their interval."""
        found = (self.unrank(rank) for rank in range(self.size()))
        legal = (g for g in found if not list(exceeded(self.limits, g.values, self.price, None)))
        yield from legal if limit is None else islice(legal, limit)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What the places of `encode`'s vector say, in order; `column.name` names each."""
        return columns_of(self.decisions)

    def encode(self, genotype: Genotype) -> list[float]:
        """A genotype as numbers, for predictors: see `space.encoding`. Its length is that of `columns`."""
        return [column.of(genotype.values) for column in self.columns]

    def exists(self, values: Mapping[str, Any]) -> list[str]:
        """Paths of the decisions that exist under (partial) values, in text order; those still open included."""
        found: list[str] = []

        def take(decision: Decision) -> Any:
            found.append(decision.path)
            value = values.get(decision.path)
            return decision.candidates if value is None and decision.decode == "all" else value

        walk(self.roots, take)
        return found

    def contains(self, genotype: Genotype) -> list[Diagnostic]:
        """What makes a genotype illegal here; empty for a member of the space."""
        if genotype.space != self.name:
            return [Diagnostic("wrong-space", f"a genotype of `{genotype.space}`, not of `{self.name}`", None)]
        return self._examined(genotype.values)[1]

    def complete(self, values: Mapping[str, Any]) -> Genotype:
        """The genotype of these values in normal form: text order, edges in theirs, `decode all` filled in.

        Raises NasError with everything that makes the values illegal.
        """
        found, problems = self._examined(values)
        if problems:
            raise NasError(problems)
        return self.genotype(found)

    def _examined(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Diagnostic]]:
        problems: list[Diagnostic] = []
        seen: set[str] = set()

        def take(decision: Decision) -> Any:
            path = decision.path
            seen.add(path)
            if path not in values:
                if decision.decode == "all":
                    return decision.candidates
                declared = (Label(decision.origin.span, "declared here"),)
                message = f"the genotype does not decide `{path}`"
                problems.append(Diagnostic("missing-decision", message, None, declared))
                return None
            value = values[path]
            wrong = mistake(decision, tuple(value) if isinstance(value, list) else value, None)
            if wrong is not None:
                problems.append(wrong)
                return None
            return normal(decision, value)

        found = walk(self.roots, take)
        for path in values:
            if path not in self.decisions:
                hint = did_you_mean(path, self.decisions)
                problems.append(Diagnostic("unknown-decision", f"the space has no decision `{path}`", None, (), hint))
            elif path not in seen and not problems:
                reason = why_absent(self.decisions[path], found)
                message = f"`{path}` does not exist under this genotype: {reason}"
                problems.append(Diagnostic("absent-decision", message, None))
        return found, problems or self.broken(found)
