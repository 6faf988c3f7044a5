"""Networks of a run by name: `export` and `profile` take what was named, or say that they cannot."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from nascompile.backends import onnx as exporter

from .conftest import TINY, Command

SAMPLED = """
search both : tiny on cells {
  strategy = random
  budget   = 3 trials
  batch    = 2
  maximize dice
  minimize params, macs
  enqueue  = [pooled, wide]
  stage trial { budget = 1 steps }
}
genotype pooled : tiny(c = 4) { s[2] = [s[1] via pool] }
genotype wide : tiny(c = 4) { s[2] = [s[0] via wide] }
"""


@pytest.fixture
def front(nascompile: Command, tmp_path: Path, demo: Path) -> dict[str, float]:
    """A finished search `many`; the parameters of each member of its front."""
    (tmp_path / "many.nas").write_text(TINY + SAMPLED, encoding="utf-8")
    where = ["--data", demo, "--name", "many", "--workers", "0"]
    done = nascompile("search", "many.nas", "both", *where, "--set", "reference=[0, 1M, 1G]")
    assert done.code == 0, done.err
    found = json.loads(Path("runs/many/front.json").read_text(encoding="utf-8"))
    return {member["name"]: member["measures"]["params"] for member in found["front"]}


def test_every_member_of_a_front_can_be_profiled_and_exported(nascompile: Command, front: dict[str, float]) -> None:
    knee = json.loads(Path("runs/many/front.json").read_text(encoding="utf-8"))["knee"]
    for name, parameters in front.items():
        done = nascompile("profile", "--run", "many", "-g", name, "--static", "--json")
        assert done.code == 0, done.err
        assert json.loads(done.out)["parameters"]["live"] == parameters
    other = next(name for name in front if front[name] != front[knee])
    done = nascompile("export", "--run", "many", "-g", other, "--python", "net.py")
    assert done.code == 0, done.err
    source = Path("net.py").read_text(encoding="utf-8")
    assert source.startswith(f'"""{other}: ') and f"\n{front[other]:.0f} parameters" in source
    done = nascompile("export", "--run", "many", "-g", "nobody", "--python", "nobody.py")
    assert (done.code, Path("nobody.py").exists()) == (1, False)
    assert "there is no genotype `nobody`" in done.err and "front_1" in done.err


@pytest.mark.parametrize("command", [["profile", "--static"], ["export", "--python", "net.py"]])
@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-g", "nobody"], "no-front"),
        (["--input", "1x32x32"], "bad-option"),
        (["--set", "c=8"], "bad-option"),
        (["--space", "plain"], "bad-option"),
    ],
)
def test_what_a_run_cannot_follow_is_no_longer_passed_over(
    nascompile: Command, work: Path, command: list[str], options: list[str], code: str
) -> None:
    done = nascompile(*command, "--run", "all", *options)
    assert done.code == 1
    assert f"error[{code}]" in done.err
    assert not Path("net.py").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "tiny.nas", "--space", "tiny", "--svg", "net.pdf"], "write `--svg net.pdf.svg`"),
        (["profile", "--run", "all", "--static", "--svg", "net.png"], "write `--svg net.png.svg`"),
        (["profile", "--run", "all", "--static", "--measure-missing"], "--target FILE"),
        (["profile", "--run", "all", "--static", "--json", "--csv"], "give one of them"),
        (["export", "--run", "all", "--python", "net.py", "--out", "net.onnx"], "leave `--out` out"),
        (["export", "--run", "all", "--python", "net.py", "--opset", "20"], "leave `--opset` out"),
        (["export", "--run", "all", "--python", "net.py", "--external"], "leave `--external` out"),
    ],
)
def test_options_that_would_give_something_else_are_refused(
    nascompile: Command, work: Path, arguments: list[str], words: str
) -> None:
    done = nascompile(*arguments)
    assert done.code == 1
    assert "error[bad-option]" in done.err and words in done.err
    assert not list(work.glob("net.*"))


@pytest.mark.parametrize("beyond", [True, False])
def test_an_opset_that_nothing_computes_is_refused_with_the_newest(
    nascompile: Command, work: Path, monkeypatch: pytest.MonkeyPatch, beyond: bool
) -> None:
    known = onnx.defs.onnx_opset_version()
    opset, package = (99, "onnx") if beyond else (known, "ONNX Runtime")
    monkeypatch.setattr(exporter, "_runs", lambda version: version < known - 3)
    done = nascompile("export", "--run", "all", "--onnx", "--opset", opset, "--out", "net.onnx")
    assert (done.code, Path("net.onnx").exists()) == (1, False)
    assert f"the installed {package} knows no opset {opset}" in done.err and "report" not in done.err
    assert f"`--opset {known - 4}`" in done.err


def test_onnx_runtime_is_asked_which_opsets_it_opens() -> None:
    assert exporter._runs(20) and not exporter._runs(10_000)


def test_training_a_run_does_not_pass_over_the_search_that_was_named(nascompile: Command, work: Path) -> None:
    done = nascompile("train", "--run", "all", "--search", "second", "--name", "again")
    assert (done.code, Path("runs/again").exists()) == (1, False)
    assert "error[bad-option]" in done.err and "`--search` is for a SPEC" in done.err


@pytest.mark.parametrize("name", ["all", "runs/all"])
def test_a_run_in_place_of_a_text_is_told(nascompile: Command, work: Path, name: str) -> None:
    done = nascompile("profile", name, "--static")
    assert done.code == 1
    assert f"`{name}` is a run, no text" in done.err and "--run all" in done.err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([], "3 such trials"),
        (["trial.budget=2 epochs"], " with 8 steps and 2 validations"),
        (["budget=10 minutes"], "the budget holds about"),
        (["maximize=[-params]"], "which trains nothing"),
    ],
)
def test_a_dry_run_estimates_what_trials_take(
    nascompile: Command, tmp_path: Path, demo: Path, settings: list[str], said: str
) -> None:
    text = TINY + SAMPLED
    if "maximize" in "".join(settings):
        text, settings = text.replace("  maximize dice\n", ""), []
    (tmp_path / "many.nas").write_text(text, encoding="utf-8")
    given = [part for setting in settings for part in ("--set", setting)]
    done = nascompile("search", "many.nas", "both", "--data", demo, "--dry-run", *given)
    assert done.code == 0, done.err
    assert "estimate from 3 genotypes begun on" in done.err and "MiB" in done.err and said in done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["many.nas"]


def test_a_dry_run_without_a_genotype_to_begin_says_so(nascompile: Command, tmp_path: Path, demo: Path) -> None:
    text = (TINY + SAMPLED).replace("  enqueue  = [pooled, wide]\n", "  where params * macs < 1\n")
    (tmp_path / "many.nas").write_text(text, encoding="utf-8")
    done = nascompile("search", "many.nas", "both", "--data", demo, "--dry-run")
    assert done.code == 0 and "no estimate" in done.err, done.err


def test_a_study_of_another_search_is_told_with_the_option_that_named_it(
    nascompile: Command, tmp_path: Path, demo: Path
) -> None:
    (tmp_path / "many.nas").write_text(TINY + SAMPLED.replace("3 trials", "1 trials"), encoding="utf-8")
    where = ["--data", demo, "--workers", "0", "--storage", "sqlite:///study.db"]
    assert nascompile("search", "many.nas", "both", *where, "--join", "shared").code == 0
    done = nascompile("search", "many.nas", "both", *where, "--join", "shared", "--seed", "1", "--name", "second")
    assert done.code == 1 and "error[study-of-another-search]" in done.err
    assert "give another `--join`" in done.err and "--name" not in done.err
