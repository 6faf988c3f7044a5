"""Whatever is done to a text, its reader sees diagnostics: shipped specs with words exchanged at random."""

from __future__ import annotations

import random
import re

import pytest

from nascompile.diagnostics import NasError
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.semantics.names import check_library
from nascompile.source import Source

SMALL = {
    "darts": ("cifar", {"layers": 3}, (3, 32, 32)),
    "dints": ("dints", {"blocks": 2, "depths": 2}, (1, 16, 16)),
    "mixsearch": ("wdan", {"layers": 3}, (3, 32, 32)),
    "mobilenet_v3": ("mobilenet_v3", {}, (3, 64, 64)),
    "nas_lung": ("nas_lung", {}, (1, 16, 16, 16)),
    "nas_unet": ("nas_unet", {"depth": 2}, (1, 32, 32)),
    "nasbench201": ("nasbench201", {"cells": 1}, (3, 32, 32)),
    "unets": ("r2u_net", {}, (1, 32, 32)),
}
WORD = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?")
WORDS = ["0", "2", "1.5", "x", "c", "s", "i", "relu", "conv", "normal", "fixed", "absent", "true", '"a"', "[1, 2]",
         "[]", "[x, 2]", "1 .. 3", "sum", "size", "len", "3 epochs", "conv(3)", "(x -> relu)"]  # fmt: skip


@pytest.mark.parametrize("spec", SMALL)
def test_a_mutant_elaborates_or_gives_diagnostics(spec: str) -> None:
    path = resource(f"specs/{spec}.nas")
    text = path.read_text(encoding="utf-8")
    name, arguments, size = SMALL[spec]
    rng = random.Random(spec)
    places = [m for m in WORD.finditer(text) if not _in_comment(text, m.start())]
    outcomes = set()
    for _ in range(25):
        place = rng.choice(places)
        word = rng.choice(WORDS)
        mutant = text[: place.start()] + word + text[place.end() :]
        try:
            library = load(Source(path.name, mutant), path.parent)
            outcomes.update(d.code for d in check_library(library))
            elaborate(library, Request(name, arguments, size))
            outcomes.add("elaborated")
        except NasError as failure:
            assert failure.diagnostics
            outcomes.update(d.code for d in failure.diagnostics)
        except Exception as crash:
            line = text.count("\n", 0, place.start()) + 1
            raise AssertionError(f"{path.name}:{line}: {place.group()} -> {word}") from crash
    assert {"elaborated", "unknown-name"} <= outcomes


def _in_comment(text: str, offset: int) -> bool:
    return "#" in text[text.rfind("\n", 0, offset) + 1 : offset]
