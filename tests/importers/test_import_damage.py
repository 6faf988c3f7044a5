"""Whatever happens to a text, importing it ends in genotypes of the space or in diagnostics with places in the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notations import imported, shipped

from nascompile.diagnostics import NasError

CELLS = """A = Genotype(
  down=[('down_conv', 0), ('down_conv', 1), ('max_pool', 0), ('conv', 2)], down_concat=range(2, 4),
  up=[('conv', 0), ('up_conv', 1), ('conv', 0), ('up_conv', 1)], up_concat=[2, 3])
"""
GRID = '{"arch_code_a": [[1, 0, 1, 1], [1, 1, 0, 1]], "arch_code_c": [[1, 0, 2, 4], [0, 3, 0, 1]]}'
STAGES = "['[[8, 8], [16], [32, 32]]', [4, 4, [4], [8], [8]], {'stem': [4, 4], 'config': [[4], [4], [4]]}]"
GROUPS = "{'out_channel0': 12, 'M': 2, 'R1': 3, 'R2': 2, 'widenfact1': 0.66, 'B1': 3, 'widenfact2': 0.75, 'B2': 1}"
TEXTS = [("nas_unet", CELLS), ("dints", GRID), ("nas_lung", STAGES), ("analog_nas", GROUPS)]
PIECES = [
    "",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    "=",
    "0",
    "9",
    "-1",
    "1e999",
    "None",
    "true",
    "[[]]",
    "x",
    "\n",
    "é",
]


@pytest.mark.parametrize(("spec", "text"), TEXTS, ids=[spec for spec, _ in TEXTS])
def test_damaged_texts(spec: str, text: str) -> None:
    cuts = st.tuples(st.integers(0, len(text)), st.integers(0, 6), st.sampled_from(PIECES))

    @settings(max_examples=120, deadline=None)
    @given(st.lists(cuts, min_size=1, max_size=3))
    def damage(changes: list[tuple[int, int, str]]) -> None:
        damaged = text
        for start, width, piece in changes:
            damaged = damaged[:start] + piece + damaged[start + width :]
        try:
            found = imported(damaged, spec)
        except NasError as failure:
            for d in failure.diagnostics:
                assert d.primary is None or d.primary.span.end <= max(len(damaged), 1)
            return
        for one in found.genotypes:
            space = shipped(spec).open_space(shipped(spec).call_for(one.genotype))
            assert space.contains(one.genotype) == []

    assert imported(text, spec).genotypes
    damage()
