"""Training a found genotype with other arguments of its space: wider than it was searched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nascompile import runs
from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.profile.cost import cost_of
from nascompile.resources import resource

from .conftest import Command


def parameters(folder: Path) -> int:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    found: int = results["entries"][0]["parameters"]
    return found


def of_tiny(c: int) -> int:
    """Three channels of images (or one), one 3 x 3 convolution in front, the kept one, and three classes."""
    return 9 * c + 9 * c * c + 3 * c


def test_a_genotype_of_the_text(nascompile: Command, spec: Path, demo: Path) -> None:
    done = nascompile("train", spec, "-g", "one", "--data", demo, "--set", "c=8", "--set", "train.budget=1 steps")
    assert done.code == 0, done.err
    run = runs.find(Path("runs"))
    assert parameters(run.folder) == of_tiny(8)
    assert "tiny(c = 8)" in run.path("genotype.nas").read_text(encoding="utf-8")


def test_the_genotype_of_a_run(nascompile: Command, spec: Path, demo: Path) -> None:
    assert nascompile("search", spec, "--data", demo, "--name", "narrow").code == 0
    found = Path("runs/narrow/genotype.nas").read_text(encoding="utf-8")
    done = nascompile("train", "--data", demo, "--set", "c=16", "--set", "train.budget=1 steps", "--name", "wide")
    assert done.code == 0, done.err
    wide = Path("runs/wide/genotype.nas").read_text(encoding="utf-8")
    assert "c = 16" in wide and "c = 16" not in found
    assert [line for line in wide.splitlines() if "via" in line] == [x for x in found.splitlines() if "via" in x]
    done = nascompile("train", "--data", demo, "--set", "train.budget=1 steps", "--name", "same")
    assert parameters(Path("runs/wide")) == parameters(Path("runs/same"))  # the newest genotype is the wide one's


def test_an_argument_that_changes_the_decisions_is_an_error(nascompile: Command, tmp_path: Path) -> None:
    text = tmp_path / "four.nas"
    text.write_text("nas 1\nimport genotypes.nas_unet\n", encoding="utf-8")
    done = nascompile("profile", text, "-g", "NASUNET", "--set", "nodes=4")
    assert done.code == 1
    assert "missing-decision" in done.err


# Stated by the authors of NAS-Unet's repository for c = 32, depth 5 and for c = 48, depth 5, 21 classes, 3 channels.
@pytest.mark.parametrize(
    ("settings", "size", "stated"),
    [
        (["c=32", "depth=5"], (1, 64, 64), 485_746),
        (["c=48", "depth=5", "classes=21"], (3, 64, 64), 1_093_023),
    ],
)
def test_a_published_genotype_at_other_widths(settings: list[str], size: tuple[int, ...], stated: int) -> None:
    path = resource("specs/nas_unet.nas")
    text = Compilation.from_path(path, settings=[from_argument(s) for s in settings], input=size)
    assert cost_of(text.network(text.genotype("NASUNET"))).registered == stated


def test_the_grid_at_twice_the_width() -> None:
    path = resource("specs/genotypes/dints.nas")
    for mul, stated in (("0.5", 38_110_499), ("1.0", 152_361_027)):
        text = Compilation.from_path(path, settings=[from_argument(f"mul={mul}")], input=(1, 32, 32, 32))
        assert cost_of(text.network(text.genotype("cvpr2021"))).registered == stated
