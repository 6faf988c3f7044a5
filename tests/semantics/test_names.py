"""Static name resolution: nothing is found in correct texts, and what is out of scope is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascompile.resources import resource
from nascompile.semantics.modules import load
from nascompile.semantics.names import check_library
from nascompile.source import Source

SHIPPED = sorted(resource("specs").rglob("*.nas"))


def codes(text: str) -> list[str]:
    library = load(Source("test.nas", f"nas 1\nimport std.layers\n{text}\n"))
    return [d.code for d in check_library(library)]


@pytest.mark.parametrize("path", SHIPPED, ids=[str(p.relative_to(resource("specs"))) for p in SHIPPED])
def test_shipped_specs_have_no_findings(path: Path) -> None:
    library = load(Source(path.name, path.read_text(encoding="utf-8")), path.parent)
    assert check_library(library) == []


@pytest.mark.parametrize(
    "text",
    [
        "op f(x; c) {\n y = x\n for i in 0 ..< 2 { y = y -> conv(c, 3) }\n y\n}",
        "op f(x; c) {\n for i in 0 ..< 2 { s[i] = x -> conv(c, 3) }\n sum([s[i] for i in 0 ..< 2])\n}",
        "op f(x; c) {\n g(d) = h(d) * 2\n h(d) = d + c\n x -> conv(g(2), 3)\n}",
        "op f(x; mode: nearest | linear = nearest) = x -> interpolate(2, mode)",
        "op f(x; c) = x -> interpolate(2, linear if c > 2 else nearest)",
        "op f(x; resize) = x -> resize(2, linear)",
        "op f(x; act = relu) = x -> act -> conv(channels(x), 3)",
        "op two(a, b; c) = concat([a, b]) -> conv(c, 1)\nop f(x;) = two(x, x, 3)",
        "op f(x;) = interpolate(x, 2, linear)",
        "op part(c) = conv(c)\nop f(x; c, k) {\n g = part(c)\n x -> conv(c, k)\n}",
        "ops some(c) = identity | conv: conv(c, 3)\n"
        "op f(x; c) = sum(pick 1 of [x via some(c) tied alphas[i, 0] never conv for i in 0 ..< 2])",
        "cell base(a; c, k = 3) { a -> conv(c, k) }\ncell wide = base(k = 5)\nop f(x; c) = wide(x; c)",
        'op f(x; c) {\n require c > 2 else "{c * 2} and {channels(x)} and {}"\n x -> conv(c, 3)\n}',
        "space s(x: image) {\n repeat n in 1 .. 3 as i { w[i] = pick one of [8, 9] }\n where rising(w)\n x\n}",
    ],
)
def test_correct_texts_have_no_findings(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("op f(x; c) {\n for i in 0 ..< 2 { y = x }\n y\n}", "unknown-name"),
        ("op f(x; c) {\n y = z\n z = x\n y\n}", "unknown-name"),
        ("op f(x; c) = sum([x -> conv(c, i) for j in 0 ..< 2])", "unknown-name"),
        ("op f(x; c) = [i for i in 0 ..< 2] + [i]", "unknown-name"),
        ("op f(x; c) {\n repeat 2 as i { y = x }\n x -> conv(i, 3)\n}", "unknown-name"),
        ('op f(x; c) {\n require c > 2 else "{chanels}"\n x\n}', "unknown-name"),
        ("op f(x; c) = x -> interpolate(2, mode = cubic)", "unknown-word"),
        ("op f(x; c) = x -> interpolate(2, linear if c > 2 else nearst)", "unknown-word"),
        (
            "cell base(a; c, k) { a -> conv(c, k) }\ncell wide = base(k = 5)\nop f(x;) = wide(x; 8, 3)",
            "too-many-arguments",
        ),
        ("cell base(a; c, k) { a -> conv(c, k) }\ncell wide = base(k = 5)\nop f(x;) = x -> wide", "missing-argument"),
        ("width(v) = 2 ^ v\nop f(x;) = x -> conv(width(), 3)", "missing-argument"),
        ("width(v) = 2 ^ width(v - 1)", "recursion"),
        ("op f(x; a = g(1)) = x -> a\nop g(c) = f", "recursion"),
        ("op f(x;) = sum([x, x], resze = nearest)", "unknown-argument"),
        ("op f(x;) = concat([x, x], resize = nearest)", "unknown-argument"),
        ("op f(x; c = channel(x)) = x", "unknown-name"),
        ("genotype g : net { }", "unknown-space"),
        ("space net(x: image; c = 2) { x }\ngenotype g : net(d = 3) { }", "unknown-argument"),
    ],
)
def test_each_mistake_is_found_once_without_an_instance(text: str, code: str) -> None:
    assert codes(text) == [code]


def test_the_place_inside_of_a_message_is_exact() -> None:
    text = 'op f(x; c) {\n require c > 2 else "needs {chanels} more"\n x\n}'
    library = load(Source("test.nas", f"nas 1\nimport std.layers\n{text}\n"))
    (finding,) = check_library(library)
    assert finding.primary is not None
    assert finding.primary.span.text == "chanels"
