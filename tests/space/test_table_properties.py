"""The table agrees with brute force on random decisions, conditions of existence and constraints."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nascompile.ir.program import Constraint, Decision, Graph, Origin, Program, TensorType
from nascompile.ir.symbols import Sym
from nascompile.source import NOWHERE
from nascompile.space.options import values
from nascompile.space.space import SearchSpace

ORIGIN = Origin(NOWHERE)


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    """Up to five decisions; each may exist under an earlier one's value or a condition on earlier ones."""
    decisions: dict[str, Decision] = {}
    for index in range(draw(st.integers(1, 5))):
        earlier = list(decisions.values())
        path = f"d{index}"
        guard: Any = True
        parent = None
        if earlier and draw(st.booleans()):
            above = draw(st.sampled_from(earlier))
            if above.kind != "number" and draw(st.booleans()):
                parent = (above.path, draw(st.sampled_from(above.candidates)))
            elif above.parent is None:
                guard = draw(conditions([above]))
        kind: Any = draw(st.sampled_from(["number", "op", "edges"]))
        candidates: tuple[Any, ...] = (2, 4, 6)[: draw(st.integers(1, 3))] if kind == "number" else ("x", "y", "z")
        count = draw(st.sampled_from([1, 2, None])) if kind == "edges" else 1
        decisions[path] = Decision(path, kind, candidates, ORIGIN, count, parent=parent, guard=guard)
    roots = [d for d in decisions.values() if d.parent is None]
    where = draw(st.lists(conditions(roots), max_size=3))
    constraints = tuple(Constraint(condition, Origin(NOWHERE), str(i)) for i, condition in enumerate(where))
    graph = Graph("s", (0,), (), (("out", 0),), (TensorType((1,)),))
    return SearchSpace(Program("s", graph, decisions, constraints, TensorType((1,)), False))


def conditions(decisions: list[Decision]) -> st.SearchStrategy[Sym]:
    """Comparisons, membership, and their combinations."""
    atoms = []
    for decision in decisions:
        if decision.kind == "number":
            atoms += [Sym(">=", (Sym("ref", (decision.path,)), bound)) for bound in (3, 5)]
            atoms.append(Sym("==", (Sym("%", (Sym("ref", (decision.path,)), 4)), 0)))
        else:
            op = "kept" if decision.kind == "edges" else "is"
            atoms += [Sym(op, (decision.path, label)) for label in ("x", "y")]
    for a in decisions:
        for b in decisions:
            if a is not b and a.kind == b.kind == "number":
                atoms.append(Sym("<=", (Sym("ref", (a.path,)), Sym("ref", (b.path,)))))
    return st.recursive(
        st.sampled_from(atoms),
        lambda inner: st.one_of(
            inner.map(lambda a: Sym("not", (a,))),
            st.tuples(inner, inner).map(lambda pair: Sym("or", pair)),
            st.tuples(inner, inner).map(lambda pair: Sym("and", pair)),
        ),
        max_leaves=4,
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(spaces())
def test_table_counts_and_lists_the_legal_genotypes(space: SearchSpace) -> None:
    legal: dict[str, Any] = {}
    for combination in product(*(values(d) for d in space.decisions.values())):
        every = dict(zip(space.decisions, combination, strict=True))
        genotype = space.genotype({path: every[path] for path in space.exists(every)})
        if not space.contains(genotype):
            legal[genotype.digest()] = genotype
    listed = list(space.enumerate())
    assert space.size() == len(legal) == len(listed)
    assert {g.digest() for g in listed} == set(legal)
    assert [space.rank(g) for g in listed] == list(range(len(listed)))
    if listed:
        assert space.sample(random.Random(0)).digest() in legal
