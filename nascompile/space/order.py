"""Partial orders on genotypes: narrower and shallower ones (Li, Zhou, Pan, Feng, "Partial Order Pruning", CVPR 2019).

A number that says how many turns a `repeat` has, where the turns hold decisions of their own, is a depth; every other
number is a width. The two orders are not closed: what is narrower and shallower at once is related by neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nascompile.ir.program import Decision
from nascompile.ir.symbols import Sym
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

_TURN = re.compile(r"^(.*[\[ ])(\d+)\]$")

Values = Mapping[str, Any]
Row = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Order:
    """The orders of one space."""

    space: SearchSpace

    @cached_property
    def turns(self) -> Mapping[str, tuple[str, str, int]]:
        """For each decision within a repeat: (path of its depth, name without the turn, turn)."""
        decisions = self.space.decisions
        places: dict[str, dict[int, str]] = {}
        for path in decisions:
            match = _TURN.match(path)
            if match:
                places.setdefault(match[1], {})[int(match[2])] = path
        found = {}
        for name, members in places.items():
            depth = _depth([decisions[p] for p in members.values()], decisions)
            if depth is not None:
                found.update({path: (depth, name, turn) for turn, path in members.items()})
        return found

    @cached_property
    def depths(self) -> frozenset[str]:
        """Paths of the numbers that are depths."""
        return frozenset(depth for depth, _, _ in self.turns.values())

    def is_narrower(self, a: Values, b: Values) -> bool:
        """Whether `a` differs from `b` in no more than smaller widths; every genotype is narrower than itself."""
        return a.keys() == b.keys() and all(
            value <= b[path] if self._is_width(path) else value == b[path] for path, value in a.items()
        )

    def is_shallower(self, a: Values, b: Values) -> bool:
        """Whether `a` is `b` without some turns of repeats, at least one."""
        rows_a, rows_b = self._rows(a), self._rows(b)
        rest_a, rest_b = ({p: v for p, v in values.items() if self._is_fixed(p)} for values in (a, b))
        return (
            rest_a == rest_b
            and sum(map(len, rows_a.values())) < sum(map(len, rows_b.values()))
            and all(_is_subsequence(rows, rows_b[depth]) for depth, rows in rows_a.items())
        )

    def narrower(self, genotype: Genotype) -> Iterator[Genotype]:
        """All legal narrower genotypes in text order, itself among them. Numbers from an interval stay as they are."""
        limits = {}
        for path, value in genotype.values.items():
            decision = self.space.decisions[path]
            if decision.interval is None and decision.kind != "edges":
                is_width = self._is_width(path)
                limits[path] = [c for c in decision.candidates if (c <= value if is_width else c == value)]
        for found in self.space.restricted(limits).enumerate():
            kept = {p: v for p, v in genotype.values.items() if p not in limits}
            yield self.space.genotype({**found.values, **kept})

    def shallower(self, genotype: Genotype) -> Iterator[Genotype]:
        """All legal genotypes with turns deleted, those with most turns first; among equals, smallest rows first."""
        rest = {p: v for p, v in genotype.values.items() if self._is_fixed(p)}
        level = [self._rows(genotype.values)]
        while level:
            shorter: dict[Any, dict[str, tuple[Row, ...]]] = {}
            for rows in level:
                for depth, turns in rows.items():
                    for turn in range(len(turns)):
                        left = {**rows, depth: turns[:turn] + turns[turn + 1 :]}
                        shorter[tuple(left.values())] = left
            level = []
            for key in sorted(shorter):
                found = self.space.genotype({**rest, **_values(shorter[key])})
                if not self.space.contains(found):
                    yield found
                if all(shorter[key].values()):
                    level.append(shorter[key])

    def place(self, values: Values) -> tuple[Any, ...]:
        """A sorting key: most turns first, then smallest rows. `narrower` and `shallower` give this order."""
        rows = self._rows(values)
        return -sum(map(len, rows.values())), tuple(rows.values())

    def _is_width(self, path: str) -> bool:
        return self.space.decisions[path].kind == "number" and path not in self.depths

    def _is_fixed(self, path: str) -> bool:
        return path not in self.turns and path not in self.depths

    def _rows(self, values: Values) -> dict[str, tuple[Row, ...]]:
        """For each depth, what every turn decides."""
        found: dict[str, list[dict[str, Any]]] = {d: [{} for _ in range(values[d])] for d in self.depths if d in values}
        for path, value in values.items():
            if path in self.turns:
                depth, name, turn = self.turns[path]
                found[depth][turn][name] = value
        ordered = sorted(found, key=list(self.space.decisions).index)
        return {d: tuple(tuple(row.items()) for row in found[d]) for d in ordered}


def _depth(members: list[Decision], decisions: Mapping[str, Decision]) -> str | None:
    """The number on which it depends whether members other than the first exist: the innermost one."""
    refs: set[str] = set()
    for member in members:
        if isinstance(member.guard, Sym):
            refs |= member.guard.refs
    numbers = [path for path in decisions if path in refs and decisions[path].kind == "number"]
    return numbers[-1] if numbers else None


def _is_subsequence(short: tuple[Row, ...], long: tuple[Row, ...]) -> bool:
    rest = iter(long)
    return all(row in rest for row in short)


def _values(rows: Mapping[str, tuple[Row, ...]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for depth, turns in rows.items():
        found[depth] = len(turns)
        for turn, row in enumerate(turns):
            found.update({f"{name}{turn}]": value for name, value in row})
    return found
