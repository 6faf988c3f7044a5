"""Requirements over decisions: proved, refuted with a genotype, or kept as constraints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nascompile.compilation import Compilation
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


@pytest.mark.parametrize("layer", ["dropout(2)", "dropout(-0.1)", "channel_dropout(1.5)", "drop_path(1)"])
def test_probabilities_of_dropping(layer: str) -> None:
    text = f"nas 1\nimport std.layers\nspace s(x: image = [1, 8, 8]) {{ x -> conv(2, 3) -> {layer} -> conv(2, 1) }}\n"
    (found,) = Compilation.from_text(text).check()
    assert found.code == "requirement"
    assert "is a probability" in found.message
    assert not Compilation.from_text(text.replace(layer, "drop_path(0) -> dropout(0.3)")).check()


@pytest.mark.parametrize(
    ("condition", "good", "bad"),
    [
        ("p > 1 and p < 5", "2", "7"),
        ("p > 1 and p < 5", "2", "1"),
        ("p < 1 or p > 5", "0", "3"),
        ("not (p < 1 or p > 5)", "3", "9"),
        ("p > 1 and p < 5", "pick one of [2, 3]", "pick one of [2, 7]"),
    ],
)
def test_layers_may_require_several_things_at_once(condition: str, good: str, bad: str) -> None:
    text = f"nas 1\nimport std.layers\nlayer q(p) {{\n  shape [*t] -> [*t]\n  require {condition}\n}}\n"
    text += "space s(x: image = [1, 8, 8]) {{\n  p = {}\n  x -> q(p) -> conv(2, 1)\n}}\n"
    text = text.replace("{{\n  p", "{\n  p").replace("1)\n}}", "1)\n}")
    assert Compilation.from_text(text.replace("= {}", f"= {good}")).check() == []
    assert [d.code for d in Compilation.from_text(text.replace("= {}", f"= {bad}")).check()] == ["requirement"]
