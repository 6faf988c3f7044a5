"""Shipped spaces at sizes that a test can afford, opened and bound."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pytest

from nascompile.ir.program import Program
from nascompile.profile.cost import cost_of
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.source import Source
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace


@lru_cache
def library(space: str) -> Library:
    """The shipped text that declares a space."""
    for path in sorted(resource("specs").glob("*.nas")):
        text = path.read_text(encoding="utf-8")
        if re.search(rf"^space {space}\(", text, re.MULTILINE):
            return load(Source(path.name, text), path.parent)
    raise LookupError(f"no shipped text declares the space {space}")


@dataclass(frozen=True)
class Case:
    """A shipped space with its arguments and the input `(channels, *spatial)`."""

    space: str
    input: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.space}-{len(self.input) - 1}d"

    def program(self, values: Mapping[str, Any] | None = None, *, is_fixed: bool = False) -> Program:
        """The open program, or the one of a genotype's values."""
        return elaborate(library(self.space), Request(self.space, self.arguments, self.input, values, is_fixed))

    def opened(self) -> SearchSpace:
        return _opened(self.space, self.input, tuple(self.arguments.items()))

    def cheapest(self, count: int = 8) -> Genotype:
        """The genotype with the fewest multiply-accumulates among some samples."""
        drawn = [self.sample(seed) for seed in range(count)]
        return min(drawn, key=lambda g: cost_of(self.program(g.values, is_fixed=True)).macs)

    def sample(self, seed: int) -> Genotype:
        return self.opened().sample(random.Random(seed))


@lru_cache
def _opened(space: str, input_: tuple[int, ...], arguments: tuple[tuple[str, Any], ...]) -> SearchSpace:
    return SearchSpace(Case(space, input_, dict(arguments)).program(), dict(arguments))


RELAXABLE = (
    Case("nas_unet", (1, 16, 16), {"depth": 2, "nodes": 2}),
    Case("wdan", (3, 16, 16), {"layers": 3}),
    Case("cifar", (3, 8, 8), {"layers": 3, "c": 4}),
    Case("nasbench201", (3, 8, 8), {"cells": 1, "c": 4}),
    Case("auto_deeplab", (3, 16, 16), {"f": 2, "layers": 2, "levels": 1}),
    Case("dints", (1, 32, 32), {"blocks": 3, "mul": 0.25}),
    Case("dints", (1, 16, 16, 16), {"blocks": 2, "mul": 0.125, "depths": 2}),
    Case(
        "nas_unet_flexible",
        (1, 16, 16),
        {"depths": (2,), "widths": (16,), "counts": (2,), "plains": (1,), "links": (1,)},
    ),
)
WITH_NUMBERS = (
    Case("nas_lung", (1, 16, 16, 16)),
    Case("analog_nas", (3, 16, 16)),
    Case("nas_segnet", (3, 16, 16)),
    Case("mobilenet_v3", (3, 32, 32)),
    Case("nas_unet_flexible", (1, 32, 32)),
    Case("nas_unet_flexible", (1, 16, 16, 16), {"depths": (2, 3), "widths": (16,), "counts": (2, 3)}),
)
WITHOUT_DECISIONS = (
    *(Case(name, (1, 32, 32), {"c": 8}) for name in ("unet", "unet_plus_plus", "attention_unet", "r2u_net")),
    Case("multires_unet", (1, 32, 32), {"c": 8}),
    Case("unet_aux", (1, 32, 32), {"c": 8}),
    Case("v_net", (1, 16, 16, 16), {"c": 4, "depth": 2}),
    Case("residual_encoder", (1, 16, 16, 16), {"widths": (4, 8, 8), "blocks": (1, 2, 1)}),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`relaxable` runs over the spaces that have a supernet, `shipped` over all."""
    for name, cases in (("relaxable", RELAXABLE), ("shipped", RELAXABLE + WITH_NUMBERS + WITHOUT_DECISIONS)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, cases, ids=str)


@pytest.fixture
def covered() -> set[str]:
    """Names of the spaces that the parametrised tests run over."""
    return {case.space for case in RELAXABLE + WITH_NUMBERS + WITHOUT_DECISIONS}


@pytest.fixture
def small_nas_unet() -> Case:
    """NAS-Unet with two nodes a cell, two levels deep, on 16 x 16 pixels."""
    return RELAXABLE[0]


@pytest.fixture
def small_volume_grid() -> Case:
    """A grid of two blocks and two depths on 16 cubed voxels."""
    return next(case for case in RELAXABLE if case.space == "dints" and len(case.input) == 4)


@pytest.fixture
def lattice() -> Case:
    """MixSearch's lattice of three layers."""
    return next(case for case in RELAXABLE if case.space == "wdan")


@pytest.fixture
def written() -> Callable[..., Program]:
    """`written(body, (1, 8, 8))` is the program of a `space s(x: image) { body }` in the test."""

    def program(
        body: str,
        input_: tuple[int, ...] = (1, 8, 8),
        values: Mapping[str, Any] | None = None,
        declarations: str = "",
    ) -> Program:
        text = f"nas 1\nimport std.layers\n{declarations}\nspace s(x: image) {{\n{body}\n}}\n"
        return elaborate(load(Source("s.nas", text), resource("specs")), Request("s", {}, input_, values))

    return program
