"""Spaces without genotypes, or with too many edges, are refused before anything is searched."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.diagnostics import Diagnostic
from nascompile.resources import resource
from nascompile.space import feasible
from nascompile.space.table import Block

HEAD = "nas 1\nimport std.layers\nops kinds(c) = a: conv(c, 1) | b: conv(c, 3)\nspace net(x: image = [1, 16, 16]) {\n"


def checked(body: str) -> list[Diagnostic]:
    return Compilation.from_text(HEAD + body + "}\n").check()


WIDTHS = "  n = pick one of [4, 8, 16, 32]\n  w = pick one of [1, 2]\n{}  x -> conv(n, 3) -> conv(n * w, 3)\n"


def test_the_condition_that_leaves_nothing_over_is_named() -> None:
    (found,) = checked(WIDTHS.format("  where n > 4\n  where n * w < 8\n  where w > 1\n"))
    assert found.code == "empty-space"
    assert found.primary is not None
    assert found.primary.span.text == "where n * w < 8"
    assert [label.span.text for label in found.secondary] == ["where n > 4"]


@pytest.mark.parametrize(
    "conditions",
    [
        "where n == 32 and w == 2",  # one of eight genotypes
        "where n * w == 16",
        "where n > 16",
        "where not n in [4, 8, 16]",
    ],
)
def test_a_single_genotype_is_enough(conditions: str) -> None:
    assert checked(WIDTHS.format(f"  {conditions}\n")) == []


def test_a_needle_that_no_draw_hits_is_found() -> None:
    """One of 7 ** 12 genotypes, and it is neither the first nor the last."""
    names = [f"n{i}" for i in range(12)]
    picks = "".join(f"  {n} = pick one of 1 .. 7\n" for n in names)
    wheres = "".join(f"  where {n} == {3 + i % 3}\n" for i, n in enumerate(names))
    total = " + ".join(names)
    assert checked(f"{picks}{wheres}  x -> conv({total}, 3)\n") == []
    (found,) = checked(f"{picks}{wheres}  where {total} > 48\n  x -> conv({total}, 3)\n")
    assert found.primary is not None
    assert found.primary.span.text == f"where {total} > 48"


GRID = """
  stem = x -> conv(4, 3)
  edge[0, 0] = stem -> conv(4, 3)
  edge[0, 1] = stem -> conv(4, 1)
  first = pick 2 of edge[0, *]
  edge[1, 0] = first[0]? -> conv(4, 3)
  edge[1, 1] = first[1]? -> conv(4, 1)
  second = pick {count} of edge[1, *]
  kept[0] = first
  kept[1] = second
  where connected(kept)
  sum(second)
"""


def test_edges_that_cannot_be_connected() -> None:
    """The first block ends in two nodes; of a second one that keeps one edge, one node has no user."""
    assert checked(GRID.format(count="2")) == []
    (found,) = checked(GRID.format(count="1"))
    assert found.code == "empty-space"
    assert found.primary is not None
    assert found.primary.span.text == "where connected(kept)"


def of_grid(*settings: str, size: tuple[int, ...]) -> list[Diagnostic]:
    path = resource("specs/dints.nas")
    return Compilation.from_path(Path(path), settings=[from_argument(s) for s in settings], input=size).check()


@pytest.mark.parametrize(
    ("settings", "size", "code", "words"),
    [
        (["depths=7"], (1, 256, 256), "too-many-edges", "19 edges"),  # 3 * 7 - 2
        (["depths=4"], (1, 40, 40), "requirement", "multiple of 16"),
        (["depths=4"], (1, 16, 16), "requirement", "more than one position"),
        (["depths=3", "downsample=false"], (1, 30, 30, 30), "requirement", "multiple of 4"),
    ],
)
def test_a_grid_that_does_not_fit_its_input(settings: list[str], size: tuple[int, ...], code: str, words: str) -> None:
    found = [d for d in of_grid(*settings, size=size) if d.code == code]
    assert any(words in d.message for d in found)
    assert all(d.primary is not None and "dints.nas" in d.primary.span.source.name for d in found)


@pytest.mark.parametrize("depths", [1, 3, 6])
def test_a_grid_of_any_other_depth_is_accepted_without_its_table(depths: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> Block:
        raise AssertionError("the table was built")

    monkeypatch.setattr(feasible, "Block", refuse)
    assert of_grid(f"depths={depths}", "blocks=4", size=(1, 128, 128)) == []


def test_a_genotype_that_is_not_connected_is_told_what_it_lacks() -> None:
    text = (
        "nas 1\nimport dints\ngenotype g : dints(depths = 2, blocks = 2) {\n"
        "  kept[0] = [edge[0, 0, 0] via skip_connect]\n  kept[1] = [edge[1, 1, 1] via skip_connect]\n}\n"
    )
    (found,) = Compilation.from_text(text).check()
    assert found.code == "violated-constraint"
    assert found.hint == "`edge[1, 1, 1]` is kept, so one of `edge[0, 0, 1]`, `edge[0, 1, 1]` must be"
