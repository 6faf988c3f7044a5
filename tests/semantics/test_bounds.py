"""Looking at a text always ends, and soon: whatever it unrolls, multiplies or nests is refused with the place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.semantics import context

Elaborate = Callable[..., Program]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("y = [1]\n for i in 0 ..< 60 { y = y + y }\n x -> conv(y[0], 3)", "y + y"),
        ("y = 2\n for i in 0 ..< 60 { y = y * y }\n x -> conv(y, 3)", "y * y"),
        ("y = pick one of 0 .. 1000000000\n x -> conv(y, 3)", "0 .. 1000000000"),
        ("repeat n in 1 .. 1000000000 as i { z = x }\n x", "1 .. 1000000000"),
        ("n = pick one of [1, 2]\n for i in 0 ..< 40 { n = n + n }\n x -> conv(n, 3)", "conv(n, 3)"),
        ("n = pick one of [1, 2]\n for i in 0 ..< 40 { n = n * n }\n where n > 4\n x", "n > 4"),
        ("n = pick one of [1, 2]\n for i in 0 ..< 3000 { n = n + i }\n x -> conv(n, 3)", "net"),
    ],
)
def test_growth_is_refused_where_it_happens(elaborated: Elaborate, body: str, place: str) -> None:
    with pytest.raises(NasError) as failure:
        elaborated(f"space net(x: image) {{\n {body}\n}}")
    first = failure.value.diagnostics[0]
    assert first.code == "too-large"
    assert first.primary is not None and first.primary.span.text == place


def test_the_outermost_loop_is_named(elaborated: Elaborate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "STEP_LIMIT", 100)
    text = "space net(x: image) {\n y = x\n for i in 0 ..< 20 { for j in 0 ..< 20 { y = y -> relu } }\n y\n}"
    with pytest.raises(NasError) as failure:
        elaborated(text)
    first = failure.value.diagnostics[0]
    assert first.primary is not None and first.primary.span.text == "for i in 0 ..< 20"
    assert len(first.secondary) == 1


def test_nodes_of_repeated_calls_count_each_time(elaborated: Elaborate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "STEP_LIMIT", 100)
    text = "op f(c) = conv(c, 1) -> relu\nspace net(x: image) {\n y = x\n repeat t as i { y = y -> f(1) }\n y\n}"
    text = text.replace("net(x: image)", "net(x: image; t)")
    assert len(elaborated(text, t=20).graph.nodes) == 20
    with pytest.raises(NasError, match="unrolls past"):
        elaborated(text, t=60)


def test_operators_that_call_each_other_through_parameters_are_found(elaborated: Elaborate) -> None:
    text = "op f(x; g) = x -> g(g)\nop h(x; g) = x -> g(h)\nspace net(x: image) { x -> h(f) }"
    with pytest.raises(NasError, match="does it call itself"):
        elaborated(text)
