"""Open spaces of the shipped specs, elaborated once per test run."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest

from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.source import Source
from nascompile.space.space import SearchSpace

Open = Callable[..., SearchSpace]


@lru_cache
def library(spec: str) -> Library:
    path = resource(f"specs/{spec}.nas")
    return load(Source(path.name, path.read_text(encoding="utf-8")), path.parent)


@lru_cache
def opened(spec: str, name: str, input_: tuple[int, ...], arguments: tuple[tuple[str, Any], ...]) -> SearchSpace:
    return SearchSpace(elaborate(library(spec), Request(name, dict(arguments), input_)), dict(arguments))


@pytest.fixture
def shipped() -> Open:
    """`shipped("nas_unet", (1, 64, 64), nodes=3)` is the space of a shipped spec."""

    def open_(spec: str, input_: tuple[int, ...], space: str = "", **arguments: Any) -> SearchSpace:
        return opened(spec, space or library(spec).own_spaces()[0], input_, tuple(arguments.items()))

    return open_


@pytest.fixture
def written() -> Callable[..., SearchSpace]:
    """`written(body)` is the space of a `space s(x: image) { body }` in the test."""

    def open_(body: str, input_: tuple[int, ...] = (1, 8, 8), extra: str = "") -> SearchSpace:
        head = f"nas 1\nimport std.layers\nops two(c) = a: conv(c, 1) | b: conv(c, 3)\n{extra}"
        text = f"{head}space s(x: image) {{\n{body}\n}}\n"
        return SearchSpace(elaborate(load(Source("s.nas", text)), Request("s", {}, input_)), {})

    return open_
