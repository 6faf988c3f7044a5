"""`narrow` texts: a round trip, what the narrowed space holds, and mistakes at their spans."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nascompile.diagnostics import NasError
from nascompile.semantics.modules import load
from nascompile.source import Source
from nascompile.space.narrowing import narrowing_text, read_narrowing
from nascompile.space.space import SearchSpace

Open = Callable[..., SearchSpace]


def read(space: SearchSpace, body: str) -> dict[str, tuple[object, ...]]:
    text = f"nas 1\n\nnarrow n : {space.name} {{\n{body}\n}}\n"
    return read_narrowing(load(Source("n.nas", text)).genotypes["n"], space)


def test_narrowing_reads_back(shipped: Open) -> None:
    space = shipped("mixsearch", (3, 64, 64))
    kept = {
        "normal_down.s[2].s[0]": ("none", "identity", "conv"),
        "normal_down.s[3]": ("s[0]", "s[2]"),
        "normal_up.s[2].s[1]": ("up_conv",),
    }
    text = narrowing_text("stage1", space, kept)
    declaration = load(Source("n.nas", "nas 1\n\n" + text)).genotypes["stage1"]
    assert read_narrowing(declaration, space) == kept


def test_narrowed_space_holds_what_is_left(shipped: Open) -> None:
    space = shipped("nas_unet", (1, 64, 64), nodes=2)
    kept = read(space, "  down_sc.s[2].s[0] in [avg_pool, max_pool]\n  up_sc.s[3] in [s[1], s[2]]")
    narrowed = space.restricted(kept)
    # 2 * 6 at the first node of the down cell; one pair of edges instead of three at the last of the up cell
    assert narrowed.size() == (2 * 6) * (3 * 36) * (6 * 4) * (4 * 6)


def test_family_narrows_all_its_members(shipped: Open) -> None:
    space = shipped("nas_lung", (1, 32, 32, 32))
    kept = read(space, "  w in [8, 4]")
    assert kept["w[2, 6]"] == kept["w[0, 0]"] == (4, 8)
    assert len(kept) == 21


@pytest.mark.parametrize(
    ("body", "code", "text", "hint"),
    [
        ("  down_sc.s[2].s[0] in [avg_pol]", "not-a-candidate", "avg_pol", "did you mean `avg_pool`?"),
        ("  down_sc.t[2] in [s[0]]", "unknown-decision", "down_sc.t[2]", "did you mean `down_sc.s[2]`?"),
        ("  up_sc.s[2].s[0] in [none]", "no-candidates", "[none]", None),
        ("  up_sc.s[2] in [s[0]]", "no-candidates", "[s[0]]", None),
        ("  up_sc.s[2] in [s[0], s[1]]\n  up_sc.s[2] in [s[0], s[1]]", "duplicate-decision", "up_sc.s[2]", None),
    ],
)
def test_mistakes_are_pointed_at(shipped: Open, body: str, code: str, text: str, hint: str | None) -> None:
    with pytest.raises(NasError) as failure:
        read(shipped("nas_unet", (1, 64, 64)), body)
    (found,) = failure.value.diagnostics
    assert found.primary is not None
    assert (found.code, found.primary.span.text, found.hint) == (code, text, hint)


def test_reals_cannot_be_narrowed(shipped: Open) -> None:
    with pytest.raises(NasError, match="cannot-narrow"):
        read(shipped("analog_nas", (3, 32, 32)), "  wide[0] in [0.6]")
