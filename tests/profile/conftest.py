"""Spaces with the library that they were elaborated from: shipped ones, and ones written in a test."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import pytest

from nascompile.ir.program import Program
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.source import Source
from nascompile.space.space import SearchSpace


class Opened(NamedTuple):
    """A space and its library."""

    library: Library
    space: SearchSpace

    def net(self, values: Any = None, *, is_fixed: bool = True) -> Program:
        """The program of the retrained net of a genotype, or with open decisions."""
        axes = tuple(int(a) for a in self.space.program.input.axes)  # type: ignore[arg-type]
        return elaborate(self.library, Request(self.space.name, self.space.arguments, axes, values, is_fixed))


@lru_cache
def opened(name: str, input_: tuple[int, ...], arguments: tuple[tuple[str, Any], ...]) -> Opened:
    for path in sorted(resource("specs").glob("*.nas")):
        text = path.read_text(encoding="utf-8")
        if re.search(rf"^space {name}\(", text, re.MULTILINE):
            library = load(Source(path.name, text), path.parent)
            program = elaborate(library, Request(name, dict(arguments), input_))
            return Opened(library, SearchSpace(program, dict(arguments)))
    raise LookupError(name)


@pytest.fixture
def shipped() -> Any:
    """`shipped("cifar", (3, 32, 32), layers=3)` opens a shipped space."""
    return lambda name, input_, **arguments: opened(name, input_, tuple(arguments.items()))


@pytest.fixture
def written() -> Any:
    """`written(body)` opens a `space s(x: image) { body }`; `ops two(c)` and `ops three(c)` are there to pick from."""

    def open_(body: str, input_: tuple[int, ...] = (2, 8, 8), extra: str = "") -> Opened:
        head = (
            "nas 1\nimport std.layers\nops two(c) = a: conv(c, 1) | b: conv(c, 3) -> relu\n"
            f"ops three(c) = none: zero | same: identity | conv: conv(c, 3)\n{extra}"
        )
        library = load(Source("s.nas", f"{head}space s(x: image) {{\n{body}\n}}\n"))
        return Opened(library, SearchSpace(elaborate(library, Request("s", {}, input_)), {}))

    return open_
