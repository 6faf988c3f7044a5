"""The wheel carries what the checkout has and works away from it; pins, requirements and their documentation agree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import nascompile

DATA = ("grammars", "specs", "templates", "demo")


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout, built without network."""
    return build(root, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def build(source: Path, folder: Path, target: str) -> Path:
    """Build `wheel` or `sdist` of a source folder with the installed hatchling."""
    run([sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)], source)
    (built,) = folder.iterdir()
    return built


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def files_below(folder: Path) -> set[str]:
    """Relative names of the files that belong to a release."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in found}


@pytest.mark.parametrize("part", DATA)
def test_the_wheel_carries_every_file_of_the_data_folders(root: Path, unpacked: Path, part: str) -> None:
    expected = files_below(root / part)
    assert expected, f"{part}/ is empty"
    assert files_below(unpacked / "nascompile" / "_data" / part) == expected


def test_the_wheel_carries_the_package_its_types_and_nothing_else(root: Path, unpacked: Path) -> None:
    package = {name for name in files_below(unpacked / "nascompile") if not name.startswith("_data/")}
    assert package == files_below(root / "nascompile")
    assert "py.typed" in package
    assert sorted(path.name for path in unpacked.iterdir()) == [
        "nascompile",
        f"nascompile-{nascompile.__version__}.dist-info",
    ]


def test_the_wheel_names_its_command_licence_and_python(unpacked: Path, project: dict[str, Any]) -> None:
    (information,) = unpacked.glob("*.dist-info")
    assert "nascompile = nascompile.cli.app:main" in (information / "entry_points.txt").read_text(encoding="utf-8")
    assert {path.name for path in (information / "licenses").iterdir()} == {"LICENSE", "NOTICE"}
    metadata = Parser().parsestr((information / "METADATA").read_text(encoding="utf-8"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == project["requires-python"] == ">=3.11"


def test_the_unpacked_wheel_works_in_an_empty_folder(unpacked: Path, tmp_path: Path) -> None:
    path = {"PYTHONPATH": str(unpacked)}
    where = run([sys.executable, "-c", "import nascompile; print(nascompile.__file__)"], tmp_path, **path)
    assert Path(where.strip()).is_relative_to(unpacked)
    command = [sys.executable, "-c", "from nascompile.cli.app import main; main()"]
    check_command(command, unpacked, tmp_path, **path)


@pytest.mark.slow
def test_the_installed_release_works_in_an_empty_folder(root: Path, tmp_path: Path) -> None:
    """Source archive, wheel of it, fresh environment: what a user of a release gets.

    The environment borrows the dependencies that are installed here, so that no network is needed.
    """
    source, work = tmp_path / "source", tmp_path / "work"
    source.mkdir()
    work.mkdir()
    archive = build(root, tmp_path / "sdist", "sdist")
    run([sys.executable, "-m", "tarfile", "-e", str(archive), str(source)], root)
    (unpacked_source,) = source.iterdir()
    built = build(unpacked_source, tmp_path / "dist", "wheel")

    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    python = str(binaries / ("python.exe" if os.name == "nt" else "python"))
    run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(built)], work)
    # After pip, which would take the borrowed editable installation for the release. A path line adds a folder without
    # reading the .pth files in it, so the editable checkout stays out of sight.
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], work).strip())
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    check_command([str(binaries / "nascompile")], site, work)


def check_command(command: list[str], site: Path, folder: Path, **environment: str) -> None:
    """`--version` and `check` of a shipped spec, which is copied to `folder` and finds its imports in the release."""
    assert nascompile.__version__ in run([*command, "--version"], folder, **environment)
    specs = sorted((site / "nascompile" / "_data" / "specs").glob("*.nas"))
    assert specs, "no spec is shipped"
    copy = folder / specs[0].name
    copy.write_bytes(specs[0].read_bytes())
    run([*command, "check", copy.name], folder, **environment)


def requirements(project: dict[str, Any]) -> list[Requirement]:
    """Of the package and of the extras that `make` installs."""
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["onnx"], *extras["bundle"], *extras["surrogate"]]
    lines += [line for line in extras["dev"] if not line.startswith("nascompile")]
    return [Requirement(line) for line in lines]


def test_every_requirement_has_a_pin_that_it_accepts(root: Path, project: dict[str, Any]) -> None:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    for requirement in requirements(project):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), str(requirement)


def test_every_requirement_is_explained(root: Path, project: dict[str, Any]) -> None:
    text = (root / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = {canonicalize_name(name) for name in re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)}
    analog = {"aihwkit"}
    assert explained == {canonicalize_name(requirement.name) for requirement in requirements(project)} | analog


def test_versions_agree(root: Path) -> None:
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {nascompile.__version__}\n" in citation


def test_no_public_name_is_dangling() -> None:
    for name in dir(nascompile):
        assert getattr(nascompile, name) is not None or name.startswith("__")
    with pytest.raises(AttributeError, match="no attribute 'Compiler'"):
        _ = nascompile.Compiler
