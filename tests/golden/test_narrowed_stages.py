"""Which operators MixSearch's first stage hands to the second: equal to the original's in every recorded case."""

from __future__ import annotations

from typing import Any

import pytest
from mixsearch_rows import CELL_TENSORS, PAIRS
from originals import program, reference, softmax

from nascompile.search.oneshot.staged import narrowed

CASES = [case for case in reference("wdan_discretize")["cases"] if "kept_after_stage0" in case]
KEEP = {"down": 4, "up": 2, "normal": 4}  # two of six, two of four, three of seven are dropped


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c.get("seed", "")))
def test_operators_kept_after_the_first_stage(case: dict[str, Any]) -> None:
    first = program("mixsearch", "wdan", (3, 64, 64), layers=7)
    second = program("mixsearch", "wdan", (3, 64, 64), layers=9)
    relaxed = {
        f"{ours}[{i}, {j}]": softmax(case["stage0"][tensor])[row]
        for tensor, ours in CELL_TENSORS.items()
        for row, (i, j) in enumerate(PAIRS)
    }
    left = narrowed(second.decisions, first.decisions, relaxed, KEEP, {})
    assert len(left) == 3 * len(PAIRS)
    for path, kept in left.items():
        tied = second.decisions[path].tied
        assert tied is not None
        name, _, index = tied.partition("[")
        i, j = map(int, index.rstrip("]").split(", "))
        side = {"steep": "down", "rise": "up", "flat": "normal"}[name]
        assert list(kept) == case["kept_after_stage0"][side][PAIRS.index((i, j))], path
