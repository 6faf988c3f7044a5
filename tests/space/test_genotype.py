"""Genotypes as text: round trips, and every mistake at its exact span."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from nascompile.config.constants import space_call
from nascompile.diagnostics import Diagnostic, NasError
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace
from nascompile.syntax.formatter import format_module

Open = Callable[..., SearchSpace]

NASUNET = """\
  down_sc.s[2] = [s[1] via down_conv, s[0] via down_dep_conv]
  down_sc.s[3] = [s[1] via down_cweight, s[0] via down_dil_conv]
  down_sc.s[4] = [s[1] via down_dil_conv, s[0] via down_conv]
  up_sc.s[2] = [s[0] via identity, s[1] via up_cweight]
  up_sc.s[3] = [s[2] via identity, s[1] via up_cweight]
  up_sc.s[4] = [s[3] via cweight, s[1] via up_conv]
"""


LAST = "  up_sc.s[4] = [s[3] via cweight, s[1] via up_conv]\n"
SUPERNET_ONLY = "`never none`: it belongs to the supernet only"
A_VALUE = "write a number, a label, or a list of them"
A_LINE = "write `path = value`"
ABSENT = ("absent-decision", "down_sc.s[3].s[2]", None)


def read(space: SearchSpace, body: str) -> Genotype:
    source = Source("g.nas", f"nas 1\n\ngenotype g : {space.name} {{\n{body}}}\n")
    return Genotype.from_declaration(load(source).genotypes["g"], space)


def problems(space: SearchSpace, body: str) -> list[Diagnostic]:
    with pytest.raises(NasError) as failure:
        read(space, body)
    return list(failure.value.diagnostics)


def pointed(space: SearchSpace, body: str) -> list[tuple[str, str, str | None]]:
    """Code, text under the caret, hint."""
    return [(d.code, d.primary.span.text if d.primary else "", d.hint) for d in problems(space, body)]


def test_body_means_values_in_text_order(shipped: Open) -> None:
    genotype = read(shipped("nas_unet", (1, 64, 64)), NASUNET)
    assert genotype.values["down_sc.s[2]"] == ("s[0]", "s[1]")
    assert genotype.values["down_sc.s[2].s[0]"] == "down_dep_conv"
    assert genotype.values["up_sc.s[4].s[3]"] == "cweight"
    assert "down_sc.s[3].s[2]" not in genotype.values


@pytest.mark.parametrize(
    ("spec", "input_"),
    [
        ("nas_unet", (1, 64, 64)),
        ("mixsearch", (3, 64, 64)),
        ("dints", (1, 32, 32, 32)),
        ("nas_lung", (1, 32, 32, 32)),
        ("analog_nas", (3, 32, 32)),
        ("mobilenet_v3", (3, 64, 64)),
        ("darts", (3, 32, 32)),
        ("nasbench201", (3, 32, 32)),
    ],
)
def test_canonical_text_reads_back(shipped: Open, spec: str, input_: tuple[int, ...]) -> None:
    space = shipped(spec, input_)
    rng = random.Random(7)
    for _ in range(5):
        genotype = space.sample(rng)
        text = genotype.to_text("g", imports=[spec])
        library = load(Source("g.nas", text))
        again = Genotype.from_declaration(library.genotypes["g"], space)
        assert again == genotype
        assert again.digest() == genotype.digest()
        assert hash(again) == hash(genotype)
        assert format_module(library.module, library.source) == text


def test_digest_tells_genotypes_apart(shipped: Open) -> None:
    space = shipped("nas_unet", (1, 64, 64))
    a = read(space, NASUNET)
    b = read(space, NASUNET.replace("s[0] via identity", "s[0] via conv"))
    assert a.digest() != b.digest()
    assert a.digest() == Genotype("nas_unet", {}, dict(reversed(a.values.items()))).digest()
    assert a.digest() != Genotype("nas_unet", {"c": 8}, a.values).digest()


def test_list_fills_the_decisions_that_exist(shipped: Open) -> None:
    genotype = read(shipped("nas_lung", (1, 32, 32, 32)), "  n = [2, 1, 1]\n  w = [4, 8, 8, 16]\n")
    assert {k: v for k, v in genotype.values.items() if k[0] == "w"} == {
        "w[0, 0]": 4,
        "w[0, 1]": 8,
        "w[1, 0]": 8,
        "w[2, 0]": 16,
    }


def test_decisions_can_be_written_one_by_one(shipped: Open) -> None:
    space = shipped("nas_lung", (1, 32, 32, 32))
    one_by_one = "  n[0] = 1\n  n[1] = 1\n  n[2] = 1\n  w[0, 0] = 4\n  w[1, 0] = 8\n  w[2, 0] = 8\n"
    assert read(space, one_by_one) == read(space, "  n = [1, 1, 1]\n  w = [4, 8, 8]\n")


def test_all_edges_may_be_left_out(shipped: Open) -> None:
    space = shipped("mixsearch", (3, 64, 64))
    genotype = space.sample(random.Random(1))
    assert "f[" not in genotype.to_text("g")
    assert genotype.values["f[2, 0]"] == space.decisions["f[2, 0]"].candidates


def test_operators_of_a_grid_stand_with_their_edges_or_alone(shipped: Open) -> None:
    space = shipped("dints", (1, 16, 16), blocks=1, depths=2)
    together = read(space, "  kept[0] = [edge[0, 0, 0] via conv_3x3x3]\n")
    alone = read(space, "  edge[0, 0, 0] = conv_3x3x3\n  kept[0] = [edge[0, 0, 0]]\n")
    assert together == alone
    assert together.values == {"kept[0]": ("edge[0, 0, 0]",), "edge[0, 0, 0]": "conv_3x3x3"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("down_sc.s[2] =", "down_sc.t[2] =", ("unknown-decision", "down_sc.t[2]", "did you mean `down_sc.s[2]`?")),
        ("via down_conv,", "via down_cnv,", ("not-a-candidate", "down_cnv", "did you mean `down_conv`?")),
        ("s[0] via identity", "s[0] via none", ("not-a-candidate", "none", SUPERNET_ONLY)),
        (
            "s[3] via cweight, s[1] via up_conv",
            "s[3] via cweight",
            ("pick-count", "[s[3] via cweight]", None),
        ),
        (
            "s[3] via cweight, s[1] via up_conv",
            "s[3] via cweight, s[3] via conv",
            ("duplicate-candidate", "s[3] via conv", None),
        ),
        (
            "s[3] via cweight",
            "s[7] via cweight",
            ("not-a-candidate", "s[7] via cweight", "did you mean `s[0]`?"),
        ),
        (
            "s[3] via cweight",
            "s[3]",
            ("missing-decision", "[s[3], s[1] via up_conv]", "write `s[3] via OPERATOR`"),
        ),
        (LAST, "", ("missing-decision", "genotype g : nas_unet", None)),
        (
            "  up_sc.s[4] =",
            "  up_sc.s[4] = [s[3] via cweight, s[1] via up_conv]\n  up_sc.s[4] =",
            ("duplicate-decision", "up_sc.s[4]", None),
        ),
        ("  up_sc.s[4] =", "  down_sc.s[3].s[2] = conv\n  up_sc.s[4] =", ABSENT),
        ("s[3] via cweight", "s[3] via conv(3)", ("not-constant", "conv(3)", A_VALUE)),
        ("  up_sc.s[4] =", "  where c > 3\n  up_sc.s[4] =", ("genotype-statement", "where c > 3", A_LINE)),
    ],
)  # fmt: skip
def test_mistakes_are_pointed_at(shipped: Open, old: str, new: str, expected: tuple[str, str, str | None]) -> None:
    assert old in NASUNET
    assert expected in pointed(shipped("nas_unet", (1, 64, 64)), NASUNET.replace(old, new))


def test_several_mistakes_are_reported_in_text_order(shipped: Open) -> None:
    body = NASUNET.replace("down_dep_conv", "down_dep").replace("up_sc.s[4]", "up_sc.s[5]")
    assert [d.code for d in problems(shipped("nas_unet", (1, 64, 64)), body)] == [
        "missing-decision",
        "not-a-candidate",
        "unknown-decision",
    ]


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ("  n = [1, 1, 1]\n  w = [4, 8]\n", "value-count", "8"),
        ("  n = [1, 1, 1]\n  w = [4, 8, 8, 16]\n", "value-count", "16"),
        ("  n = [1, 1, 1]\n  w = [4, 8, 9]\n", "not-a-candidate", "9"),
        ("  n = [1, 1, 1]\n  w = [8, 4, 8]\n", "violated-constraint", "genotype g : nas_lung"),
        ("  n = [1, 1, 1]\n  w[0, 1] = 4\n  w[0, 0] = 4\n  w[1, 0] = 4\n  w[2, 0] = 4\n", "absent-decision", "w[0, 1]"),
        ("  m = [1, 1, 1]\n  w = [4, 8, 8]\n", "unknown-decision", "m"),
    ],
)
def test_numbers_are_counted_and_checked(shipped: Open, body: str, code: str, text: str) -> None:
    found = pointed(shipped("nas_lung", (1, 32, 32, 32)), body)
    assert (code, text) in [entry[:2] for entry in found]


def test_broken_condition_shows_where_it_is_demanded(shipped: Open) -> None:
    (broken,) = problems(shipped("nas_lung", (1, 32, 32, 32)), "  n = [1, 1, 1]\n  w = [8, 4, 8]\n")
    assert broken.message == "the genotype breaks `where rising(w)`"
    assert broken.secondary[0].span.text.startswith("where rising(w)")


def test_real_numbers_stay_in_their_interval(shipped: Open) -> None:
    space = shipped("analog_nas", (3, 32, 32))
    body = "  out_channel0 = 8\n  m = 1\n  wide = [0.6]\n  b = [1]\n  r = [1]\n"
    assert read(space, body).values["wide[0]"] == 0.6
    assert pointed(space, body.replace("0.6", "0.9"))[0][:2] == ("not-a-candidate", "0.9")


def test_operators_among_the_arguments_are_written_and_compared(shipped: Open) -> None:
    space = SearchSpace(shipped("dints", (1, 16, 16), blocks=1, depths=2).program)
    genotype = space.unrank(0)
    text = genotype.to_text("g", imports=["dints"])
    assert "operators = set1" in text
    assert "norm = instance_norm(affine = true)" in text
    library = load(Source("g.nas", text))
    call = space_call(library.genotypes["g"].space, library)
    again = SearchSpace(elaborate(library, Request(call.name, call.arguments, (1, 16, 16))), call.arguments)
    assert Genotype.from_declaration(library.genotypes["g"], again) == genotype
