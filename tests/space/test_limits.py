"""`where params < 2M` in a space: what is drawn or read costs no more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.profile.cost import cost_of
from nascompile.resources import resource
from nascompile.semantics.names import check_library
from nascompile.space import within_limits
from nascompile.space.decode import decode
from nascompile.space.space import SearchSpace
from nascompile.space.vary import Variation

TEXT = """nas 1
import std.layers
space net(x: image = [1, 16, 16]; most = 3k) {
  n = pick one of [4, 8, 16, 32]
  w = pick one of [1, 2]
  where params < most and n > 4
  x -> conv(n, 3) -> conv(n * w, 3)
}
"""


def weights(n: int, w: int) -> int:
    return 9 * n + 9 * n * n * w


def compiled(text: str = TEXT) -> Compilation:
    return Compilation.from_text(text)


def test_only_networks_below_the_limit_are_drawn() -> None:
    space = compiled().space()
    drawn = {(g.values["n"], g.values["w"]) for g in (space.sample(random.Random(seed)) for seed in range(40))}
    assert drawn == {(n, w) for n in (8, 16, 32) for w in (1, 2) if weights(n, w) < 3000} == {(8, 1), (8, 2), (16, 1)}


def test_they_are_listed_in_text_order() -> None:
    space = compiled().space()
    listed = [(g.values["n"], g.values["w"]) for g in space.enumerate()]
    assert listed == [(8, 1), (8, 2), (16, 1)]
    assert [(g.values["n"], g.values["w"]) for g in space.enumerate(2)] == [(8, 1), (8, 2)]
    assert space.size() == 6  # the limit is no part of the count


def test_a_genotype_above_the_limit_is_refused_with_its_cost() -> None:
    text = compiled(TEXT + "genotype big : net {\n  n = 32\n  w = 1\n}\n")
    (found,) = text.check()
    assert found.code == "violated-constraint"
    assert "params < most" in found.message
    assert found.hint == f"it has {weights(32, 1):,} params"
    assert compiled(TEXT + "genotype big : net(most = 4M) {\n  n = 32\n  w = 1\n}\n").check() == []


def test_a_limit_that_nothing_fulfils_is_an_error_that_says_so() -> None:
    space = compiled().space(arguments={"most": 100})
    with pytest.raises(NasError) as failure:
        space.sample(random.Random(0))
    (found,) = failure.value.diagnostics
    assert found.code == "sampling-failed"
    assert "1,000 draws" in found.message
    assert "params" in (found.hint or "")
    assert found.primary is not None
    assert found.primary.span.text == "where params < most and n > 4"


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("params < 100", f"the least params of any genotype are {weights(8, 1):,}"),
        ("n < 9 and 612 > params", f"the least params of any genotype are {weights(8, 1):,}"),
        ("macs >= 1G", f"the most macs of any genotype are {256 * weights(32, 2):,}"),
    ],
)
def test_a_limit_that_nothing_fulfils_is_found_by_the_check(where: str, hint: str) -> None:
    text = compiled(TEXT.replace("params < most and n > 4", where).replace("[4, 8,", "[8,"))
    (found,) = text.check()
    assert (found.code, found.hint) == ("impossible-condition", hint)
    assert found.primary is not None
    assert found.primary.span.text == f"where {where}"
    assert compiled(TEXT.replace("params < most", "params < 649")).check() == []


def test_decoding_takes_the_best_within_the_limits() -> None:
    space = compiled().space()
    weights_ = {"n": [0.1, 0.15, 0.35, 0.4], "w": [0.4, 0.6]}
    assert dict(decode(space, weights_).values) == {"n": 16, "w": 1}
    assert dict(decode(space, {**weights_, "n": [0.1, 0.3, 0.2, 0.4]}).values) == {"n": 8, "w": 2}
    none = compiled().space(arguments={"most": 100})
    with pytest.raises(NasError, match=r"(?s)empty-space.*fulfils `where params < most.*params"):
        decode(none, weights_)


def test_decoding_a_large_space_ends_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    space = compiled().space()
    monkeypatch.setattr(within_limits, "LISTED", 0)
    weights_ = {"n": [0.1, 0.3, 0.2, 0.4], "w": [0.4, 0.6]}
    assert dict(decode(space, weights_).values) == {"n": 8, "w": 2}


def test_a_limit_may_depend_on_decisions() -> None:
    space = compiled(TEXT.replace("params < most and n > 4", "n < 8 or macs < 3M and params < 100 * n")).space()
    for values in (g.values for g in space.enumerate()):
        n, w = values["n"], values["w"]
        assert n < 8 or (256 * weights(n, w) < 3e6 and weights(n, w) < 100 * n)
    assert 2 < len(list(space.enumerate())) < 8


def test_a_name_of_the_text_hides_the_cost() -> None:
    space = compiled(TEXT.replace("most = 3k", "params = 5, most = 3k")).space()
    assert not space.limits
    assert len(list(space.enumerate())) == 6


def test_costs_are_known_in_spaces_only() -> None:
    text = "nas 1\nimport std.layers\nop f(x; c) {\n  where params < 3\n  x -> conv(c, 1)\n}\n"
    (found,) = check_library(compiled(text).library)
    assert found.code == "unknown-name"
    assert "of a space" in (found.hint or "")


def test_a_space_without_a_price_says_what_it_needs() -> None:
    space = SearchSpace(compiled().space().program)
    with pytest.raises(ValueError, match="price"):
        space.sample(random.Random(0))


def test_the_residual_space_has_a_limit() -> None:
    path = resource("specs/analog_nas.nas")
    text = Compilation.from_path(Path(path))
    space = text.space(arguments={"limit": 1_000_000})
    rng = random.Random(0)
    for _ in range(5):
        genotype = space.sample(rng)
        assert cost_of(text.network(genotype)).live < 1_000_000
    assert not text.space().limits


def test_varied_genotypes_keep_to_the_limit() -> None:
    space = compiled().space()
    variation = Variation(space)
    rng = random.Random(0)
    genotype = space.sample(rng)
    for _ in range(20):
        genotype = variation.mutate(genotype, rng)
        assert weights(genotype.values["n"], genotype.values["w"]) < 3000
