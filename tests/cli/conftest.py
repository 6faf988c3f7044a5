"""Running the command line in this process, in a folder of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import SimpleITK as sitk
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


RUNS = {
    "near": ("near", "blobs"),
    "wide": ("wide", "blobs"),
    "flat": ("flat", "planes"),
    "benign": ("benign", "rating"),
    "malign": ("malign", "rating"),
}


CASES = {"train": 6, "val": 2, "test": 2}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A folder of trained runs: two of volumes, one of planes, two of classes; `lidc` has the few cases they know."""
    folder = tmp_path_factory.mktemp("trained")
    listed = json.loads((demo / "lidc" / "splits.json").read_text(encoding="utf-8"))
    few = {split: listed[split][:count] for split, count in CASES.items()}
    few["cases"] = {name: listed["cases"][name] for split in CASES for name in few[split]}
    (folder / "lidc" / "volumes").mkdir(parents=True)
    (folder / "lidc" / "splits.json").write_text(json.dumps(few), encoding="utf-8")
    for name in few["cases"]:
        shutil.copy(demo / "lidc" / "volumes" / f"{name}.nii.gz", folder / "lidc" / "volumes")
    for name, (genotype, search) in RUNS.items():
        where = ["--data", folder, "--name", name, "--runs", folder / "runs"]
        arguments = ["train", Path(__file__).with_name("volumes.nas"), "-g", genotype, "--search", search, *where]
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def predict(nascompile: Command, trained: Path) -> Command:
    """`nascompile predict` with the trained runs, in a folder of its own."""
    return lambda *arguments: nascompile("predict", *arguments, "--runs", trained / "runs", "--device", "cpu")


def nodule_size(path: Path) -> int:
    """Voxels inside."""
    return int((sitk.GetArrayFromImage(sitk.ReadImage(str(path))) > 127).sum())


@pytest.fixture
def scans(trained: Path, tmp_path: Path) -> Path:
    """The three largest nodules: as it is; off the centre, oblique and anisotropic as NRRD; flipped as MetaImage."""
    folder = tmp_path / "scans"
    folder.mkdir()
    by_size = sorted(
        (trained / "lidc" / "volumes").iterdir(),
        key=nodule_size,
    )
    first, second, third = by_size[-3:]
    shutil.copy(first, folder / "plain.nii.gz")
    oblique = sitk.ReadImage(str(second))[6:, :, 2:]
    oblique.SetSpacing((0.7, 0.7, 6.5))
    oblique.SetOrigin((-101.5, 37.25, 12.0))
    oblique.SetDirection((0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
    sitk.WriteImage(oblique, str(folder / "oblique.nrrd"), useCompression=True)
    flipped = sitk.ReadImage(str(third))[:, 6:, 5:30]
    flipped.SetDirection((-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0))
    bare = sitk.GetImageFromArray(sitk.GetArrayFromImage(flipped))  # without what NIfTI noted
    bare.CopyInformation(flipped)
    sitk.WriteImage(bare, str(folder / "flipped.mha"), useCompression=True)
    return folder
