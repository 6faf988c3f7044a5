"""Running the command line in this process, in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nascompile.cli.app import app


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def nascompile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command; anything that is no clean exit fails the test with its traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")

    def run(*arguments: object) -> Done:
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


TINY = """\
nas 1
import std.layers

ops choices(c) = conv: conv(c, 3) | wide: conv(c, 3, dilation = 2) | pool: max_pool(3, stride = 1, padding = 1)
space tiny(x: image = [1, 16, 16]; classes = 3, c = 4) {
  s[0] = x -> conv(c, 3) -> relu
  s[1] = s[0] -> conv(c, 1)
  s[2] = sum(pick 1 of [s[j] via choices(c) for j in 0 ..< 2])
  s[2] -> conv(classes, 1)
}
space plain(x: image; classes = 3) {
  x -> conv(4, 3) -> relu -> conv(classes, 1)
}
genotype one : tiny(c = 4) {
  s[2] = [s[0] via conv]
}

task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
}

search first : tiny on cells {
  budget  = 3 steps
  batch   = 2
  compare = [background, random, plain]
  stage train { budget = 3 steps }
}
"""


@pytest.fixture
def spec(tmp_path: Path, demo: Path) -> Path:
    """A tiny search on the shipped images; `--data` says where they are."""
    path = tmp_path / "tiny.nas"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A folder with the tiny text and one finished run, `all`."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.nas").write_text(TINY, encoding="utf-8")
    arguments = [
        "run",
        folder / "tiny.nas",
        "--data",
        demo,
        "--name",
        "all",
        "--note",
        "a, b",
        "--runs",
        folder / "runs",
    ]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def work(finished: Path, tmp_path: Path) -> Path:
    """A copy of that folder, which is the working folder of the commands."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def images(demo: Path, tmp_path: Path) -> Path:
    """Two real images in a folder."""
    folder = tmp_path / "new"
    folder.mkdir()
    for path in sorted((demo / "nuclei" / "images").iterdir())[:2]:
        shutil.copy(path, folder / path.name)
    return folder
