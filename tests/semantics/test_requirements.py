"""Requirements over decisions: proved, refuted with a genotype, or kept as constraints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nascompile.diagnostics import Diagnostic, NasError
from nascompile.ir.program import Program

Elaborate = Callable[..., Program]


def only(failure: pytest.ExceptionInfo[NasError]) -> Diagnostic:
    (diagnostic,) = failure.value.diagnostics
    return diagnostic


def test_a_requirement_that_always_holds_leaves_nothing(elaborated: Elaborate) -> None:
    text = "space net(x: image) {\n w = pick one of [16, 32]\n x -> conv(w, 3) -> group_norm(16)\n}"
    assert elaborated(text).constraints == ()


def test_the_genotype_that_violates_is_shown(elaborated: Elaborate) -> None:
    text = (
        "space net(x: image) {\n w = pick one of [16, 20, 32]\n v = pick one of [8, 16]\n"
        ' require w % v == 0 else "{v} must divide {w}"\n x -> conv(w, 3)\n}'
    )
    with pytest.raises(NasError) as failure:
        elaborated(text)
    diagnostic = only(failure)
    assert diagnostic.code == "requirement"
    assert diagnostic.primary is not None and diagnostic.primary.span.text == "w % v == 0"
    assert diagnostic.hint is not None and "`v` = 8, `w` = 20" in diagnostic.hint


def test_a_condition_between_other_decisions_brings_them_in(elaborated: Elaborate) -> None:
    """w = 20 is excluded only through u: both have to be tried together."""
    text = (
        "space net(x: image) {\n w = pick one of [16, 20, 32]\n u = pick one of [1, 2]\n"
        " where w == 16 * u\n x -> conv(w, 3) -> group_norm(16)\n}"
    )
    assert [c.text for c in elaborated(text).constraints] == ["w == 16 * u"]


def test_what_cannot_be_tried_becomes_a_constraint(elaborated: Elaborate) -> None:
    text = (
        "space net(x: image) {\n a = pick one of 0.0 .. 1.0\n b = pick one of 0.0 .. 1.0\n"
        ' require a + b < 1.5 else "a and b are too large"\n x -> dropout(a) -> dropout(b)\n}'
    )
    assert [c.text for c in elaborated(text).constraints] == ["a and b are too large"]


def test_a_requirement_counts_only_where_its_layer_exists(elaborated: Elaborate) -> None:
    text = (
        "space net(x: image) {\n w = pick one of [15, 16]\n"
        " y = x -> conv(w, 3)\n y -> group_norm(16) if w == 16 else y\n}"
    )
    assert elaborated(text).constraints == ()


def test_a_genotype_that_violates_is_refused_when_it_is_bound(elaborated: Elaborate) -> None:
    text = "space net(x: image) {\n w = pick one of [16, 24]\n where w != 24\n x -> conv(w, 3) -> group_norm(16)\n}"
    elaborated(text, binding={"w": 16})
    with pytest.raises(NasError) as failure:
        elaborated(text, binding={"w": 24})
    assert "requirement" in {d.code for d in failure.value.diagnostics}
