"""`nascompile export --bundle` and `--pt2`: MONAI runs what is written, and predicts what we predict."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from .conftest import Command, Done

pytestmark = pytest.mark.filterwarnings("ignore:parsing config_file")  # MONAI says so of every config


@pytest.fixture
def bundle(nascompile: Command, work: Path) -> Path:
    """The bundle of the tiny run."""
    done = nascompile("export", "--run", "all", "--bundle", "out/bundle")
    assert done.code == 0, done.err
    return work / "out" / "bundle"


@pytest.fixture
def clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bundle's `scripts` do not stay in this process, nor its folder on the path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [n for n in sys.modules if n == "scripts" or n.startswith("scripts.")]:
        del sys.modules[name]


def monai(bundle: Path, *arguments: str) -> str:
    """Run MONAI's command line in the bundle's folder, without the package and without a proxy to the outside."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "monai.bundle", *arguments]
    done = subprocess.run(
        command, cwd=bundle, capture_output=True, text=True, encoding="utf-8", env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def read(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_the_bundle_is_whole(bundle: Path) -> None:
    found = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()}
    assert found == {
        "LICENSE", "docs/README.md", "configs/metadata.json", "configs/inference.json", "configs/train.json",
        "models/model.safetensors", "scripts/__init__.py", "scripts/images.py", "scripts/inferers.py",
        "scripts/losses.py", "scripts/network.py", "scripts/predicting.py", "scripts/training.py",
    }  # fmt: skip
    assert [p.name for p in bundle.parent.iterdir()] == ["bundle"]
    about = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    formats = about["network_data_format"]
    assert formats["inputs"]["image"]["spatial_shape"] == ["1*n", "1*n"]
    assert formats["outputs"]["pred"]["channel_def"] == {"0": "background", "1": "interior", "2": "boundary"}
    assert about["nascompile"]["genotype_digest"]


def test_nothing_in_it_tells_of_this_machine(bundle: Path, work: Path, demo: Path) -> None:
    for path in bundle.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            for place in (work, demo, Path.home(), Path(sys.prefix)):
                assert str(place).encode() not in text, path


@pytest.mark.usefixtures("clean_imports")
def test_masks_are_those_of_predict(
    nascompile: Command, bundle: Path, images: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monai.bundle import run

    assert nascompile("predict", images, "--run", "all", "--out", "ours", "--device", "cpu").code == 0
    monkeypatch.chdir(bundle)
    run(config_file="configs/inference.json", dataset_dir=str(images), output_dir=str(work / "theirs"))
    for path in images.iterdir():
        ours, theirs = read(work / "ours" / path.name), read(work / "theirs" / f"{path.stem}_seg.png")
        assert ours.dtype == theirs.dtype
        assert (ours == theirs).mean() >= 0.999


@pytest.mark.usefixtures("clean_imports")
def test_train_config_trains(bundle: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from monai.bundle import run
    from safetensors.torch import load_file

    splits = json.loads((demo / "nuclei" / "splits.json").read_text(encoding="utf-8"))
    listed = {
        key: [{"image": f"images/{i}.png", "label": f"labels/{i}.png"} for i in splits[split][:4]]
        for key, split in (("training", "train"), ("validation", "val"))
    }
    data = bundle.parent / "data"
    shutil.copytree(demo / "nuclei", data)
    (data / "dataset.json").write_text(json.dumps(listed), encoding="utf-8")
    monkeypatch.chdir(bundle)
    run(config_file="configs/train.json", dataset_dir=str(data))
    before, after = (load_file(bundle / "models" / f"{n}.safetensors") for n in ("model", "trained"))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[k], after[k]) for k in before)


def test_a_folder_of_something_else_is_left_alone(nascompile: Command, work: Path) -> None:
    (work / "mine").mkdir()
    (work / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    done = nascompile("export", "--run", "all", "--bundle", "mine")
    assert done.code == 1
    assert "not-a-bundle" in done.err
    assert [p.name for p in (work / "mine").iterdir()] == ["thesis.txt"]


def test_an_earlier_bundle_is_replaced(nascompile: Command, bundle: Path) -> None:
    (bundle / "configs" / "old.json").write_text("{}", encoding="utf-8")
    assert nascompile("export", "--run", "all", "--bundle", bundle).code == 0
    assert not (bundle / "configs" / "old.json").exists()
    assert [p.name for p in bundle.parent.iterdir()] == ["bundle"]


def test_a_failure_leaves_the_earlier_bundle(
    nascompile: Command, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {p: p.read_bytes() for p in bundle.rglob("*") if p.is_file()}
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target == bundle and self.name == "whole":
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    done = nascompile("export", "--run", "all", "--bundle", bundle)
    assert (done.code, "cannot-write" in done.err) == (1, True)
    assert {p: p.read_bytes() for p in bundle.rglob("*") if p.is_file()} == before
    assert [p.name for p in bundle.parent.iterdir()] == ["bundle"]


def test_a_text_alone_has_no_bundle(nascompile: Command, work: Path) -> None:
    done: Done = nascompile("export", "tiny.nas", "--genotype", "one", "--bundle", "b")
    assert done.code == 1
    assert "no-task" in done.err
    assert not (work / "b").exists()


def test_a_place_that_cannot_be_written_is_said(nascompile: Command, work: Path) -> None:
    (work / "file").write_text("", encoding="utf-8")
    for options in (["--bundle", "file/b"], ["--pt2", "file/net.pt2"]):
        done = nascompile("export", "--run", "all", *options)
        assert done.code == 1
        assert "cannot-write" in done.err


def test_pt2_takes_other_sizes(nascompile: Command, work: Path, demo: Path) -> None:
    done = nascompile("export", "--run", "all", "--pt2", "net.pt2")
    assert done.code == 0, done.err
    assert "batch x 1 x 1*n x 1*n" in done.out
    found = torch.export.load(str(work / "net.pt2")).module()
    assert found(torch.zeros(5, 1, 24, 40)).shape == (5, 3, 24, 40)
    content = (work / "net.pt2").read_bytes()
    for place in (Path(sys.prefix), work, demo):
        assert str(place).encode() not in content


def test_pt2_needs_its_suffix(nascompile: Command, work: Path) -> None:
    done = nascompile("export", "--run", "all", "--pt2", "net.pth")
    assert (done.code, (work / "net.pth").exists()) == (1, False)
    assert "bad-option" in done.err


DEEP = """\
nas 1
import std.layers

ops choices(c) = conv: conv(c, 3) | wide: conv(c, 3, dilation = 2)
space deep(x: image = [1, 16, 16]; classes = 3) {
  h[0] = x -> conv(4, 3) -> relu
  h[1] = sum(pick 1 of [h[0] via choices(4)])
  out[0] = h[1] -> conv(classes, 1)
  out[1] = h[1] -> conv(4, 3, stride = 2) -> relu -> interpolate(2) -> conv(classes, 1)
  outputs out
}

task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  classes = [background, interior, boundary]
  patch   = [16, 16]
}

search first : deep on cells {
  budget = 2 steps
  loss   = ce(out[0]) * 0.5 + ce(out[1])
  stage train { budget = 2 steps }
}
"""

NODULES = """\
nas 1
import std.layers

ops choices(c) = conv: conv(c, 3) | wide: conv(c, 3, dilation = 2)
space tiny(x: image = [1, 16, 16, 16]; classes = 2, c = 2) {
  s[0] = x -> conv(c, 3) -> relu
  s[1] = sum(pick 1 of [s[0] via choices(c)])
  s[1] -> relu -> global_avg_pool -> linear(classes)
}

task nodules {
  data      = listing("lidc", label = "label")
  kind      = classification
  split     = "splits.json"
  classes   = [benign, malignant]
  rank      = 3
  patch     = [16, 16, 16]
  normalise = scale
  metric    = auc
}

search first : tiny on nodules {
  loss   = ce
  budget = 2 steps
  batch  = 2
  stage train { budget = 2 steps }
}
"""


def run_of(nascompile: Command, work: Path, text: str, demo: Path) -> None:
    (work / "text.nas").write_text(text, encoding="utf-8")
    done = nascompile("run", "text.nas", "--data", demo, "--name", "other", "--runs", "runs")
    assert done.code == 0, done.err


@pytest.mark.slow
def test_monais_commands_take_a_classification(nascompile: Command, tmp_path: Path, demo: Path) -> None:
    run_of(nascompile, tmp_path, NODULES, demo)
    assert nascompile("export", "--run", "other", "--bundle", "b").code == 0
    bundle = tmp_path / "b"
    configs = ("--meta_file", "configs/metadata.json", "--config_file", "configs/inference.json")
    assert "verified with no error" in monai(bundle, "verify_net_in_out", "network_def", *configs)
    scans = tmp_path / "scans"
    scans.mkdir()
    for path in sorted((demo / "lidc" / "volumes").iterdir())[:3]:
        shutil.copy(path, scans / path.name)
    monai(bundle, "run", "--config_file", "configs/inference.json", "--dataset_dir", str(scans))
    assert nascompile("predict", scans, "--run", "other", "--out", "ours.csv", "--device", "cpu").code == 0
    tables = []
    for path in (tmp_path / "ours.csv", bundle / "eval" / "predictions.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            tables.append(list(csv.reader(file)))
    ours, theirs = tables
    assert ours[0] == theirs[0]
    for first, second in zip(ours[1:], theirs[1:], strict=True):
        assert first[:2] == second[:2]
        assert np.allclose([float(v) for v in first[2:]], [float(v) for v in second[2:]], atol=1e-5)


SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["version", "changelog", "monai_version", "required_packages_version", "network_data_format"],
    "properties": {
        "version": {"type": "string", "pattern": "^[0-9]+[.][0-9]+[.][0-9]+$"},
        "changelog": {"type": "object", "additionalProperties": {"type": "string"}},
        "network_data_format": {
            "type": "object",
            "required": ["inputs", "outputs"],
            "properties": {
                "inputs": {
                    "type": "object",
                    "required": ["image"],
                    "additionalProperties": {
                        "type": "object",
                        "required": ["type", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data"],
                        "properties": {
                            "num_channels": {"type": "integer"},
                            "spatial_shape": {"type": "array", "items": {"type": ["integer", "string"]}},
                            "channel_def": {"type": "object", "additionalProperties": {"type": "string"}},
                        },
                    },
                }
            },
        },
    },
}
"""What a bundle of any network has; MONAI's own schema, which has to be fetched, says more."""


def test_monai_compares_the_description_with_a_schema(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of it that is there is not fetched: the command works without a network."""
    pytest.importorskip("jsonschema")
    from monai.bundle import verify_metadata

    monkeypatch.chdir(bundle)
    schema = bundle.parent / "schema.json"
    schema.write_text(json.dumps(SCHEMA), encoding="utf-8")
    verify_metadata(meta_file="configs/metadata.json", filepath=str(schema))
    schema.write_text(json.dumps({**SCHEMA, "required": ["something_else"]}), encoding="utf-8")
    with pytest.raises(ValueError, match="something_else"):
        verify_metadata(meta_file="configs/metadata.json", filepath=str(schema))


@pytest.mark.slow
def test_monais_commands_take_a_segmentation(nascompile: Command, bundle: Path, images: Path, work: Path) -> None:
    configs = ("--meta_file", "configs/metadata.json", "--config_file", "configs/inference.json")
    assert "verified with no error" in monai(bundle, "verify_net_in_out", "network_def", *configs)
    monai(bundle, "run", "--config_file", "configs/inference.json", "--dataset_dir", str(images))
    assert len(list((bundle / "eval").iterdir())) == len(list(images.iterdir()))


@pytest.mark.slow
def test_only_the_output_that_counts_is_bundled(nascompile: Command, tmp_path: Path, demo: Path) -> None:
    run_of(nascompile, tmp_path, DEEP, demo)
    done = nascompile("export", "--run", "other", "--bundle", "b")
    assert done.code == 0, done.err
    assert "Losses of other outputs are left out" in done.out
    assert (tmp_path / "b" / "scripts" / "network.py").read_text(encoding="utf-8").count("-> Tensor:") == 1
    train = json.loads((tmp_path / "b" / "configs" / "train.json").read_text(encoding="utf-8"))
    assert train["loss"]["weights"] == [1.0]
    assert nascompile("export", "--run", "other", "--pt2", "net.pt2").code == 0
