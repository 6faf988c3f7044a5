"""The shipped texts stay short: lines of `fmt` output without comments, operators included."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascompile.resources import resource
from nascompile.source import Source
from nascompile.syntax.formatter import format_module
from nascompile.syntax.nodes import GenotypeDecl, SearchDecl, TaskDecl
from nascompile.syntax.parser import parse

LIMITS = {
    ("nas_unet",): 60,
    ("mixsearch",): 75,
    ("dints",): 60,
    ("nas_lung",): 40,
    ("analog_nas", "nas_segnet"): 40,
    ("darts",): 30,
    ("nasbench201",): 18,
    ("unet",): 12,
    ("unet_plus_plus",): 15,
    ("auto_deeplab",): 35,
    ("mobilenet_v3",): 28,
}
SPECS = sorted(resource("specs").glob("*.nas"))


def lines_of(name: str) -> int:
    """Lines that say something, in canonical form; genotypes, tasks and searches left out."""
    path = resource(f"specs/{name}.nas")
    source = Source(path.name, path.read_text(encoding="utf-8"))
    module = parse(source)
    unwanted = (GenotypeDecl, TaskDecl, SearchDecl)
    text = source.text
    for declaration in reversed([d for d in module.declarations if isinstance(d, unwanted)]):
        text = text[: declaration.span.start] + text[declaration.span.end :]
    rest = Source(path.name, text)
    lines = format_module(parse(rest), rest).splitlines()
    assert all(len(line) <= 100 for line in lines if "#" not in line)
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


@pytest.mark.parametrize("names", LIMITS, ids="+".join)
def test_a_spec_is_short(names: tuple[str, ...]) -> None:
    assert sum(map(lines_of, names)) <= LIMITS[names]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_is_formatted(path: Path) -> None:
    source = Source(path.name, path.read_text(encoding="utf-8"))
    assert format_module(parse(source), source) == source.text
