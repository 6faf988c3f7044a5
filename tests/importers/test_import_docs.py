"""The examples of docs/importing.md and of the importers' error pages are what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from notations import shipped

from nascompile.diagnostics import NasError
from nascompile.importers.importing import as_text, import_genotypes
from nascompile.resources import resource
from nascompile.source import Source

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"```(?:python|json) space=(?P<spec>\w+)\n(?P<text>.*?)```\n(?:\n```nas\n(?P<result>.*?)```\n)?", re.DOTALL
)
RAISED = re.compile(r'(?:error|findings\.add|_unsafe|Diagnostic)\(\s*"([a-z]+(?:-[a-z]+)+)"')
OTHERS = {"missing-file", "unreadable-text"}  # of reading any file
CODES = sorted(
    {
        code
        for path in (ROOT / "nascompile" / "importers").glob("*.py")
        for code in RAISED.findall(path.read_text(encoding="utf-8"))
    }
    - OTHERS
)
WITHOUT_EXAMPLE = ("unknown-format", "unsafe-file")  # about options and files, not about texts


def written(text: str, spec: str) -> str:
    imports = import_genotypes(Source("original.py", text), shipped(spec))
    lines = as_text(imports, spec).splitlines(keepends=True)
    return "".join(line for line in lines[3:] if not line.startswith("#"))


@pytest.mark.parametrize("match", list(BLOCK.finditer(PAGE)))
def test_an_example_of_the_page_gives_the_text_below_it(match: re.Match[str]) -> None:
    text = written(match["text"], match["spec"])
    assert match["result"] is None or text == match["result"]


def test_the_page_has_an_example_of_each_format() -> None:
    assert {m["spec"] for m in BLOCK.finditer(PAGE)} == {
        "darts",
        "nas_unet",
        "mixsearch",
        "dints",
        "nas_lung",
        "analog_nas",
    }


@pytest.mark.parametrize("code", CODES)
def test_the_example_of_an_error_page_fails_as_it_says_and_its_fix_does_not(code: str) -> None:
    text = resource(f"specs/errors/{code}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {code}\n")
    blocks = list(BLOCK.finditer(text))
    if code in WITHOUT_EXAMPLE:
        assert not blocks
        return
    bad, good = blocks
    with pytest.raises(NasError) as caught:
        written(bad["text"], bad["spec"])
    assert {d.code for d in caught.value.diagnostics} == {code}
    assert all(d.primary is not None for d in caught.value.diagnostics)
    assert "genotype" in written(good["text"], good["spec"])


def test_the_codes_are_found() -> None:
    assert len(CODES) == 10
