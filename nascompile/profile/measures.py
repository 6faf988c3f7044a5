"""The static measures of a network by name, as objectives and conditions of a search use them."""

from __future__ import annotations

from collections.abc import Iterable

from nascompile.ir.program import Program
from nascompile.profile.cost import cost_of
from nascompile.profile.memory import peak_memory

PRICED = ("params", "macs", "flops", "activations")
"""Measures that follow from the decisions alone (`profile.pricing`)."""

ALL = (*PRICED, "peak_memory")


def measures_of(program: Program, names: Iterable[str] = ALL) -> dict[str, int]:
    """Static measures of a genotype's network for one image.

    `params` are live parameters, `macs` multiply-accumulates, `flops` twice as many, `activations` elements of all
    live layer outputs, `peak_memory` bytes at the peak of an evaluation in float32, weights included.
    """
    wanted = tuple(names)
    cost = cost_of(program)
    known = {"params": cost.live, "macs": cost.macs, "flops": cost.flops, "activations": cost.activations}
    if "peak_memory" in wanted:
        known["peak_memory"] = peak_memory(program).total
    return {name: known[name] for name in wanted}
