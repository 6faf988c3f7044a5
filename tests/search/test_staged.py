"""Searches in stages: what is handed on, killing and resuming in every stage, and repeating a stage from its text."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.diagnostics import NasError
from nascompile.ir.program import Decision, Origin
from nascompile.jobs.stages import check_stages
from nascompile.jobs.training import Data
from nascompile.search.oneshot.staged import narrowed, strongest
from nascompile.source import NOWHERE

HERE = Path(__file__).parent
TEXT = HERE / "staged.nas"
SAME = (
    "genotype.nas", "genotype_first.nas", "genotype_second.nas", "narrow_second.nas", "stage_first.json",
    "stage_second.json", "probabilities.json", "metrics.csv", "supernet.safetensors",
)  # fmt: skip


def search(text: Path, folder: Path, kill_at: str | None = None) -> list[str]:
    """Run the search; kill the process when it prints `kill_at`. Returns what it printed."""
    command = [sys.executable, str(HERE / "staged_process.py"), str(text), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line.strip())
        if line.strip() == kill_at:
            process.kill()
            break
    process.stdout.close()
    process.wait()
    return printed


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("staged") / "whole"
    assert search(TEXT, folder)[-1] == "finished"
    return folder


@pytest.mark.slow
def test_killed_in_both_stages_and_resumed_equals_uninterrupted(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    assert search(TEXT, folder, "search first 3")[-1] == "search first 3"
    second = search(TEXT, folder, "search second 3")
    assert (second[0], second[-1]) == ("search first 3", "search second 3")  # a validation, and a save, every 2 steps
    third = search(TEXT, folder)
    assert (third[0], third[-1]) == ("search second 3", "finished")  # the first stage is not looked at again
    for name in SAME:
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name


def test_each_edge_keeps_the_likeliest(whole: Path, root: Path) -> None:
    relaxed = json.loads((whole / "stage_first.json").read_text(encoding="utf-8"))["relaxed"]
    after = json.loads((whole / "stage_second.json").read_text(encoding="utf-8"))["relaxed"]
    assert {name: len(row) for name, row in after.items() if "[" in name and not name.startswith("f[")} == {
        name: {"steep": 4, "rise": 2, "flat": 4}[name.partition("[")[0]]
        for name in relaxed
        if not name.startswith("f[")
    }
    text = (whole / "narrow_second.nas").read_text(encoding="utf-8")
    down = ["avg_pool", "max_pool", "down_cweight", "down_dil_conv", "down_dep_conv", "down_conv"]
    row = dict(zip(down, relaxed["steep[2, 1]"], strict=True))
    kept = re.search(r"normal_down\.s\[4\]\.s\[1\] in \[(.*)\]", text)
    assert kept is not None
    assert set(kept.group(1).split(", ")) == set(sorted(row, key=row.__getitem__)[2:])


def test_what_is_handed_on_checks(whole: Path, root: Path) -> None:
    for name in ("narrow_second.nas", "genotype_first.nas", "genotype_second.nas"):
        assert Compilation.from_path(whole / name, root / "demo").check() == []
    text = (whole / "narrow_second.nas").read_text(encoding="utf-8").replace("avg_pool", "avg_pol")
    found = Compilation.from_text(text, folder=whole).check()
    assert {d.code for d in found} == {"not-a-candidate"}


@pytest.mark.slow
def test_the_second_stage_is_repeated_from_its_text(whole: Path, tmp_path: Path, root: Path) -> None:
    alone = TEXT.read_text(encoding="utf-8").replace("import mixsearch", "import mixsearch\nimport narrow_second")
    alone = re.sub(r"  stage (first|second) \{.*?\n  \}\n", "", alone, flags=re.DOTALL)
    alone = alone.replace("layers = 3", "layers = 5").replace(
        "  batch ", "  budget = 5 steps\n  narrowing = second\n  batch "
    )
    (tmp_path / "alone.nas").write_text(alone, encoding="utf-8")
    body = (whole / "narrow_second.nas").read_text(encoding="utf-8").replace("import spec", "import mixsearch")
    (tmp_path / "narrow_second.nas").write_text(body, encoding="utf-8")
    assert search(tmp_path / "alone.nas", tmp_path / "run")[-1] == "finished"
    assert (tmp_path / "run" / "probabilities.json").read_bytes() == (whole / "probabilities.json").read_bytes()


@pytest.mark.parametrize(
    ("setting", "code", "words"),
    [
        ("second.keep=[down(2), cells(3)]", "unknown-name", "there is no list of operators `cells`"),
        ("second.keep=[dwn(2)]", "unknown-name", "did you mean `down`?"),
        ("second.loss=dice_bce(out[8])", "unknown-output", "no output `out[8]`"),
        ("second.narrowing=first", "unknown-name", "there is no narrowing `first`"),
        ("first.keep=[up(2)]", "bad-option", "no earlier stage"),
        ("second.keep=[up(0)]", "bad-value", "at least 1"),
        ("second.strategy=evolution", "bad-option", "trains a supernet"),
        ("second.budget=3 trials", "wrong-unit", "no trials"),
        ("second.compare=[random]", "unknown-setting", "search.compare"),
    ],
)
def test_mistakes_are_found_before_the_first_stage(root: Path, setting: str, code: str, words: str) -> None:
    text = Compilation.from_path(TEXT, root / "demo", [from_argument(setting)])
    with pytest.raises(NasError) as failure:
        check_stages(text, text.search(), Data.of(text.task(), 0))
    (found,) = failure.value.diagnostics
    assert found.code == code
    assert words in f"{found.message} {found.hint}"


def test_a_stage_that_was_meant_to_train(root: Path) -> None:
    text = Compilation.from_text(TEXT.read_text(encoding="utf-8").replace("stage train", "stage trian"), folder=HERE)
    with pytest.raises(NasError, match="unknown-stage"):
        text.search()


def op(path: str, tied: str | None, never: str | None = None) -> Decision:
    """A decision among three operators of the list `normal`."""
    labels = ("none", "skip", "conv")
    return Decision(
        path, "op", labels, Origin(NOWHERE), tied=tied, operators="normal", never=frozenset((never,) if never else ())
    )


def test_tied_decisions_keep_the_same() -> None:
    searched = {"a": op("a", "row", "none"), "b": op("b", "row")}
    left = narrowed(searched, searched, {"row": [0.9, 0.04, 0.06]}, {"normal": 1}, {})
    assert left == {"a": ("conv",), "b": ("conv",)}  # `a` may not end as `none`
    left = narrowed(searched, searched, {"row": [0.9, 0.04, 0.06]}, {"normal": 2}, {})
    assert left == {"a": ("none", "conv"), "b": ("none", "conv")}


def test_what_no_list_names_stays_as_it_was() -> None:
    ahead = {"a": op("a", None), "new": op("new", None)}
    assert narrowed(ahead, {"a": op("a", None)}, {"a": [0.2, 0.3, 0.5]}, {"up": 1}, {"a": ("skip",)}) == {
        "a": ("skip",)
    }
    assert narrowed(ahead, {"a": op("a", None)}, {"a": [0.2, 0.3, 0.5]}, {"normal": 1}, {}) == {"a": ("conv",)}


@pytest.mark.parametrize(
    ("own", "keep", "before", "left"),
    [
        (("none", "conv"), {}, ("none", "skip", "conv"), ("none", "conv")),
        (("none", "conv"), {"normal": 2}, (), ("none", "conv")),  # of all three, `none` and `skip` would stay
        (("skip", "conv"), {"normal": 1}, (), ("skip",)),
        (("none", "conv"), {}, ("none", "skip"), None),  # what both leave, no genotype takes
    ],
)
def test_a_stage_searches_no_more_than_its_own_text_leaves(
    own: tuple[str, ...], keep: dict[str, int], before: tuple[str, ...], left: tuple[str, ...] | None
) -> None:
    decision = op("a", None, "none")
    searched = {"a": decision}
    found = narrowed({"a": replace(decision, candidates=own)}, searched, {"a": [0.5, 0.4, 0.1]}, keep, {"a": before})
    assert found == ({} if left is None else {"a": left})


def test_of_equals_the_first_stays() -> None:
    assert strongest({"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}, 2) == {"a", "b"}
