"""Two routes to the outputs of a genotype: the symbolic walk over the open graph, and binding the genotype."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.semantics.presence import absent_outputs, present_outputs
from nascompile.source import NOWHERE
from nascompile.space.space import SearchSpace

Elaborate = Callable[..., Program]

TEXT = """
op gate(x;) = x * (x -> global_avg_pool -> sigmoid)
space net(x: image; c = 4) {
  s = x -> conv(c, 3)
  e = pick some of [s -> relu, s -> elu, s -> silu]
  f = pick some of [sum([e[0], e[1]]) -> relu, e[2] -> conv(c, 3)]
  outputs main = sum([f[0], f[1]]) -> gate
}
"""


def test_absence_agrees_with_binding_for_every_genotype(elaborated: Elaborate) -> None:
    open_ = elaborated(TEXT)
    genotypes = list(_subsets(open_))
    absent = 0
    for values in genotypes:
        try:
            elaborated(TEXT, binding=values)
            bound = True
        except NasError as failure:
            assert [d.code for d in failure.diagnostics] == ["absent-output"]
            bound = False
        assert present_outputs(open_.graph, values) == {"main": bound}
        absent += not bound
    assert len(genotypes) == 21
    assert 0 < absent < len(genotypes)


def _subsets(program: Program) -> list[Mapping[str, Any]]:
    names = list(program.decisions)
    lists = [
        [tuple(c for i, c in enumerate(d.candidates) if bits >> i & 1) for bits in range(1, 1 << len(d.candidates))]
        for d in program.decisions.values()
    ]
    return [dict(zip(names, values, strict=True)) for values in product(*lists)]


def test_the_first_counterexample_is_shown(elaborated: Elaborate) -> None:
    program = elaborated(TEXT)
    space = SearchSpace(program)
    (found,) = absent_outputs(program, (g.values for g in space.enumerate()), NOWHERE)
    assert found.code == "absent-output"
    assert found.hint is not None and "`e` = [" in found.hint


def test_nothing_is_reported_where_every_genotype_has_its_output(elaborated: Elaborate) -> None:
    text = TEXT.replace("sum([f[0], f[1]])", "sum([f[0], f[1], s])")
    program = elaborated(text)
    assert absent_outputs(program, (g.values for g in SearchSpace(program).enumerate()), NOWHERE) == []
