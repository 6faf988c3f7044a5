"""`docs/source.md` shows what `export --python` writes."""

from __future__ import annotations

from pathlib import Path

from .conftest import Command

SHOWN = "specs/genotypes/nas_unet.nas", "NASUNET"
MADE = "Written by nascompile "
"""This line of the docstring changes with every version."""


def test_the_page_shows_the_file_that_is_written(nascompile: Command, root: Path, tmp_path: Path) -> None:
    spec, genotype = SHOWN
    done = nascompile("export", root / spec, "--genotype", genotype, "--python", "nasunet.py")
    assert done.code == 0, done.err
    page = (root / "docs" / "source.md").read_text(encoding="utf-8")
    assert f"nascompile export {spec} --genotype {genotype} --python nasunet.py" in page
    shown = page.partition("```python\n")[2].partition("```\n")[0]
    written = (tmp_path / "nasunet.py").read_text(encoding="utf-8")
    texts = ["\n".join(line for line in text.splitlines() if not line.startswith(MADE)) for text in (shown, written)]
    assert texts[0] == texts[1], "copy the written file into docs/source.md"
