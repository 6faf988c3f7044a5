"""Shipped files are found from anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nascompile.resources import resource


def test_shipped_files_are_found() -> None:
    assert resource("grammars/nas-1.lark").is_file()
    assert resource("specs/std/layers.nas").is_file()
    assert not resource("specs/std/no_such_file.nas").exists()


def test_from_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resource("grammars/nas-1.lark").is_absolute()
    assert resource("grammars/nas-1.lark").is_file()


def test_inside_a_wheel_the_copy_is_found(tmp_path: Path) -> None:
    """An installed package has no `grammars/` beside it, but `_data/grammars/` inside."""
    package = tmp_path / "nascompile"
    (package / "_data" / "grammars").mkdir(parents=True)
    (package / "_data" / "grammars" / "nas-1.lark").write_text("installed", "utf-8")
    (package / "__init__.py").write_text("", "utf-8")
    here = Path(resource.__code__.co_filename)
    (package / "resources.py").write_text(here.read_text("utf-8"), "utf-8")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from nascompile.resources import resource;"
    program += "print(resource('grammars/nas-1.lark').read_text('utf-8'))"
    run = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert run.stdout.strip() == "installed"


@pytest.mark.parametrize("name", ["", "/etc/passwd", "specs/../pyproject.toml", "nascompile/source.py", "specs\\..\\x"])
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no shipped file"):
        resource(name)
