"""Suggestions for names that are nearly right."""

from __future__ import annotations

import pytest

from nascompile.diagnostics import did_you_mean


@pytest.mark.parametrize(
    ("written", "known", "meant"),
    [
        ("rleu", ["relu", "elu"], "relu"),  # two neighbours swapped are one edit
        ("cnov", ["conv", "concat"], "conv"),
        ("covn", ["conv", "cone"], "conv"),
        ("con", ["conv", "concat"], "conv"),
        ("convv", ["conv"], "conv"),
        ("gruop_norm", ["group_norm", "batch_norm"], "group_norm"),
        ("cav", ["abc"], None),  # two edits are too many for three letters
        ("ab", ["ba"], "ba"),
        ("identity", ["zero", "conv"], None),
        ("relu", [], None),
    ],
)
def test_the_nearest_name(written: str, known: list[str], meant: str | None) -> None:
    found = did_you_mean(written, known)
    assert found == (None if meant is None else f"did you mean `{meant}`?")


def test_of_equally_near_names_the_first_in_the_alphabet_is_suggested() -> None:
    assert did_you_mean("elo", ["elu", "ela"]) == "did you mean `ela`?"
