"""Small texts as libraries and programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from nascompile.ir.program import Program
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source

Elaborate = Callable[..., Program]


@pytest.fixture
def elaborated() -> Elaborate:
    """`elaborated(text, input, binding)`: the last space of a text (without its head) as a program."""

    def run(
        text: str,
        input_: tuple[int, ...] = (1, 16, 16),
        binding: Mapping[str, Any] | None = None,
        is_fixed: bool = False,
        **arguments: Any,
    ) -> Program:
        library = load(Source("test.nas", f"nas 1\nimport std.layers\n{text}\n"))
        space = library.own_spaces()[-1]
        return elaborate(library, Request(space, arguments, input_, binding, is_fixed))

    return run
