"""Paths of decisions and weights are names that a genotype and a checkpoint hold: edits elsewhere leave them alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nascompile.ir.program import Program
from nascompile.passes.flatten import flatten
from nascompile.profile.cost import weights
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source

HEAD = ["nas 1", "import std.layers"]
OPS = [
    "op cna(c, k = 3) = conv(c, k) -> group_norm(4) -> relu",
    "op stem(x; c) {",
    "  k = pick one of [3, 5] as kernel",
    "  x -> conv(c, k)",
    "}",
]
CANDIDATES = "ops normal(c) = identity | small: cna(c) | large: cna(c, 5)"
BODY = [
    "cell cell(a, b; c, nodes = 2) {",
    "  s[0] = a -> conv(c, 1)",
    "  s[1] = b -> conv(c, 1)",
    "  for i in 0 ..< nodes { s[i + 2] = sum(pick 2 of [s[j] via normal(c) for j in 0 ..< i + 2]) }",
    "  concat(s[2 ..])",
    "}",
    "space net(x: image; c = 8) {",
    "  y[0] = x -> stem(c)",
    "  y[1] = x -> stem(c)",
    "  for i in 0 ..< 2 { y[i + 2] = cell(y[i], y[i + 1]; c) }",
    "  repeat n in 1 .. 2 as i {",
    "    w[i] = pick one of [8, 16]",
    "    z[i] = y[3] -> conv(w[i], 3)",
    "  }",
    "  y[3] -> conv(1, 1)",
    "}",
]
INSIDE = {2, 3, 4, 5, 8, 9, 10, 14}  # lines of BODY in front of which a statement may stand; 14 ends the space


def program(lines: list[str]) -> Program:
    library = load(Source("test.nas", "\n".join(lines) + "\n"))
    return elaborate(library, Request("net", {}, (1, 16, 16)))


def paths(found: Program) -> tuple[set[str], set[str]]:
    return set(found.decisions), set(weights(flatten(found.graph)))


@pytest.fixture(scope="module")
def before() -> tuple[set[str], set[str]]:
    return paths(program([*HEAD, *OPS, CANDIDATES, *BODY]))


def test_paths_read_as_the_text_does(before: tuple[set[str], set[str]]) -> None:
    decisions, tensors = before
    assert {"y[0].kernel", "cell.s[2]", "cell.s[3].s[1]", "n", "w[0]", "w[1]"} <= decisions
    assert {"y[0].stem.conv.w", "y[2].cell.s[0].conv.w", "y[3].cell.s[2].s[0].large.cna.conv.w"} <= tensors


@settings(max_examples=40, deadline=None)
@given(comments=st.lists(st.integers(0, len(BODY) - 1), max_size=6))
def test_a_comment_changes_no_path(before: tuple[set[str], set[str]], comments: list[int]) -> None:
    lines = list(BODY)
    for place in sorted(comments, reverse=True):
        lines.insert(place, "  # a remark")
    assert paths(program([*HEAD, *OPS, CANDIDATES, *lines])) == before


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.sampled_from(sorted(INSIDE)), max_size=4, unique=True),
    operator=st.sampled_from(["conv(3, 3)", "cna(8)"]),
)
def test_an_unrelated_statement_changes_no_path(
    before: tuple[set[str], set[str]], places: list[int], operator: str
) -> None:
    lines = list(BODY)
    for number, place in enumerate(sorted(places, reverse=True)):
        source = "a" if place < 7 else "x"
        lines.insert(place, f"  extra{number} = {source} -> {operator}")
    decisions, tensors = paths(program([*HEAD, *OPS, CANDIDATES, *lines]))
    assert decisions == before[0]
    assert {t for t in tensors if "extra" not in t} == before[1]


@settings(max_examples=20, deadline=None)
@given(place=st.integers(0, 3), operator=st.sampled_from(["conv(c, 3)", "cna(c, 7)", "relu -> conv(c, 1)"]))
def test_another_candidate_changes_no_path(before: tuple[set[str], set[str]], place: int, operator: str) -> None:
    parts = CANDIDATES.removeprefix("ops normal(c) = ").split(" | ")
    parts.insert(place, f"added: {operator}")
    found = program([*HEAD, *OPS, "ops normal(c) = " + " | ".join(parts), *BODY])
    decisions, tensors = paths(found)
    assert decisions == before[0]
    assert {t for t in tensors if ".added." not in t} == before[1]
    assert "added" in found.decisions["cell.s[2].s[0]"].candidates


def test_a_genotype_binds_the_same_paths_and_keeps_a_part_of_the_weights(before: tuple[set[str], set[str]]) -> None:
    """The subnet's weights are the supernet's: discretisation is partial evaluation."""
    open_ = program([*HEAD, *OPS, CANDIDATES, *BODY]).decisions
    values: dict[str, Any] = {}
    for path, decision in open_.items():
        if decision.kind == "edges":
            values[path] = decision.candidates[: decision.count]
        elif decision.parent is None or decision.parent[1] in values[decision.parent[0]]:
            values[path] = decision.candidates[-1]
    library = load(Source("test.nas", "\n".join([*HEAD, *OPS, CANDIDATES, *BODY]) + "\n"))
    bound = elaborate(library, Request("net", {}, (1, 16, 16), values))
    decisions, tensors = paths(bound)
    assert set(values) <= decisions <= before[0]
    assert tensors < before[1]
