"""No Python names one of the five reproduced systems, but to cite where something comes from."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

SYSTEMS = re.compile(r"dints|nas[-_ ]?unet|wdan|mixsearch|nas[-_ ]?lung|segnet|analog[-_ ]?nas", re.IGNORECASE)
# Where a system may be named freely: readers of the file formats in which its genotypes were published.
IMPORTERS = "importers"
# How the authors write it. `nas_unet` in lower case would be an identifier of ours.
PROSE = {"DiNTS", "NAS-Unet", "NAS-WDAN", "WDAN", "MixSearch", "NAS-Lung", "NAS-SegNet", "SegNet", "AnalogNAS"}
CITATION = re.compile(r"arXiv\s+\d{4}\.\d{5}|\b(?:19|20)\d\d\b|\bgithub\.com/")


def prose(text: str) -> Iterator[tuple[int, int, str]]:
    """Docstrings and blocks of comments: first line, last line, words."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.end_lineno or node.lineno, node.value.value
    block: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if block and token.start[0] > block[-1][0] + 1:
                yield block[0][0], block[-1][0], " ".join(words for _, words in block)
                block = []
            block.append((token.start[0], token.string))
    if block:
        yield block[0][0], block[-1][0], " ".join(words for _, words in block)


def offences(name: str, text: str) -> list[str]:
    """What the text of a file has against the rule; empty if nothing.

    A system may be named in docstrings and comments only, as its authors write it, and at least one of those that name
    it in a file says where it was published.
    """
    found = [f"{name}: the file is called after a system"] if SYSTEMS.search(name) else []
    passages = list(prose(text))
    cited = {m.casefold() for _, _, words in passages if CITATION.search(words) for m in SYSTEMS.findall(words)}
    for number, line in enumerate(text.splitlines(), 1):
        for match in SYSTEMS.finditer(line):
            place = f"{name}:{number}: `{match[0]}`"
            if not any(first <= number <= last for first, last, _ in passages):
                found.append(f"{place} stands in code")
            elif not any(word in line and match[0] in word for word in PROSE):
                found.append(f"{place} is no name that the authors use")
            elif match[0].casefold() not in cited:
                found.append(f"{place} is named without its source (arXiv number or year)")
    return found


def test_no_python_names_a_system(root: Path) -> None:
    package = root / "nascompile"
    found = [
        offence
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] != IMPORTERS
        for offence in offences(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.py", "dints = 1\n", "in code"),
        ("a.py", 'x = "NAS-Unet"\n', "in code"),
        ("a.py", 'def f():\n    """A `nas_unet` (2019)."""\n', "no name that the authors use"),
        ("a.py", '"""As in DiNTS."""\n', "without its source"),
        ("nas_lung.py", "x = 1\n", "called after"),
        ("a.py", "x = 1  # DiNTS\n", "without its source"),
    ],
)
def test_an_offence_is_found(name: str, text: str, complaint: str) -> None:
    (found,) = offences(name, text)
    assert complaint in found


@pytest.mark.parametrize(
    "text",
    [
        '"""Entropy (DiNTS: He et al., CVPR 2021)."""\n\n\ndef f():\n    """That of DiNTS."""\n',
        "# MixSearch\n# (arXiv 2102.13280)\nx = 1\n",
    ],
)
def test_a_cited_source_is_none(text: str) -> None:
    assert offences("a.py", text) == []
