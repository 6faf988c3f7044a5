"""`run` with `stage analog`, `train --analog`, `evaluate --device pcm`: what they write, print and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from nascompile import runs

from .conftest import TINY, Command

STAGE = """\
  stage analog {
    weights = sgd(lr = 0.01)
    budget = 2 steps
    programmings = 2
    times = [1 s, 1 month]
  }
}
"""


@pytest.fixture
def analog_spec(spec: Path) -> Path:
    path = spec.with_name("analog.nas")
    text = TINY.replace("compare = [background, random, plain]", "compare = [background]")
    path.write_text(text.rstrip().removesuffix("}") + STAGE, encoding="utf-8")
    return path


def test_a_run_ends_on_tiles(nascompile: Command, analog_spec: Path, demo: Path) -> None:
    done = nascompile("run", analog_spec, "--data", demo, "--name", "tiles")
    assert done.code == 0, done.err
    assert "on pcm" in done.out and "hardware-aware" in done.out and "±" in done.out
    run = runs.Run(Path("runs/tiles"))
    results = runs.read_json(run.path("results.json"))
    assert [e["name"] for e in results["entries"]] == ["background", "searched"]
    entries = results["analog"]["pcm"]["entries"]
    assert list(entries) == ["converted", "hardware-aware", "control"]
    searched = results["entries"][1]["evaluation"]["summaries"]["dice"]["value"]
    assert entries["converted"]["digital"] == pytest.approx(searched, abs=1e-4)
    page = run.path("README.md").read_text(encoding="utf-8")
    assert "## On analog tiles: pcm" in page and "analog_pcm.svg" in page and "`analog_pcm.safetensors`" in page
    assert run.path("analog_pcm.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert nascompile("report", "tiles").code == 0
    assert "On analog tiles: pcm" in run.path("report.html").read_text(encoding="utf-8")
    # What is done again in the run is as its text says, also where the search was not named on the command line.
    assert run.record()["search"] is None
    done = nascompile("train", "--analog", "--run", "tiles", "--data", demo)
    assert done.code == 0, done.err
    assert "trained for 2 steps more" in done.out and "hour" not in done.out
    assert runs.read_json(run.path("results.json"))["analog"]["pcm"]["entries"] == entries
    again = nascompile("run", analog_spec, "--data", demo, "--name", "tiles")
    assert "is finished" in again.err and "on pcm" in again.out


def test_training_of_a_genotype_goes_on_to_tiles(nascompile: Command, analog_spec: Path, demo: Path) -> None:
    done = nascompile("train", analog_spec, "-g", "one", "--data", demo, "--name", "trained")
    assert done.code == 0, done.err
    assert "on pcm" in done.out
    assert Path("runs/trained/analog_pcm.safetensors").exists()


@pytest.mark.usefixtures("work")
def test_a_finished_run_is_trained_for_a_device(nascompile: Command, demo: Path) -> None:
    few = ("--set", "analog.budget=2 steps", "--set", "analog.programmings=2", "--data", demo)
    done = nascompile("train", "--analog", "--device", "ideal", "--run", "all", *few)
    assert done.code == 0, done.err
    run = runs.Run(Path("runs/all"))
    entry = runs.read_json(run.path("analog_ideal.json"))["entries"]["converted"]
    assert all(
        v == pytest.approx(entry["digital"], abs=1e-5) for at in entry["times"].values() for v in at["values"]
    )  # fmt: skip
    assert runs.read_json(run.path("results.json"))["analog"].keys() == {"ideal"}
    assert run.record()["step"] == "finished"
    done = nascompile("train", "--analog", "--device", "ideal", *few)
    assert done.code == 0 and "train" not in done.out.split("on ideal")[0]
    # What was trained for tiles is measured beside the digital weights.
    done = nascompile("evaluate", "--device", "ideal", "--programmings", "2", "--times", "1 s", "--data", demo)
    assert done.code == 0, done.err
    assert "converted" in done.out and "hardware-aware" in done.out


@pytest.mark.usefixtures("work")
def test_evaluation_over_time_as_table_json_and_picture(nascompile: Command, demo: Path) -> None:
    given = ("evaluate", "all", "--device", "pcm", "--data", demo, "--programmings", "2", "--bits", "3,8")
    done = nascompile(*given, "--times", "1 s, 2 days", "--plot", "over_time.svg")
    assert done.code == 0, done.err
    assert "converted, 3 bits" in done.out and "2 days" in done.out and "2 programmings" in done.out
    assert "converted, 8 bits" in Path("over_time.svg").read_text(encoding="utf-8")
    first, second = (nascompile(*given, "--times", "1 s", "--json") for _ in range(2))
    found = json.loads(first.out)
    assert first.out == second.out
    assert found["times"] == {"1 s": 1.0} and found["split"] == "test"
    assert found["entries"]["converted, 3 bits"]["times"]["1 s"]["mean"] is not None
    validation = nascompile(*given, "--times", "1 s", "--json", "--split", "val", "--metric", "jaccard")
    assert json.loads(validation.out)["metric"] == "jaccard"


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("evaluate", "--device", "pmc"), "unknown-device"),
        (("evaluate", "--device", "none.yaml"), "missing-file"),
        (("evaluate", "--device", "pcm", "--bits", "4,x"), "bad-value"),
        (("evaluate", "--device", "pcm", "--times", "1"), "missing-unit"),
        (("evaluate", "--device", "reram", "--times", "1 hour"), "unknown-time"),
        (("evaluate", "--times", "1 s"), "bad-value"),
        (("evaluate", "--device", "pcm", "--weights", "foreign.pth"), "not-a-clean-state"),
        (("evaluate", "--device", "pcm", "--weights", "runs/all/train.safetensors"), "missing-file"),
        (("evaluate", "--device", "PCN"), "unknown-device"),
        (("evaluate", "--device", "pcm", "--times", "1e400 years"), "unknown-time"),
        (("evaluate", "--device", "ideal", "--bits", "4"), "bad-value"),
        (("evaluate", "--device", "pcm", "--plot", "runs"), "bad-option"),
        (("evaluate", "--device", "pcm", "--plot", "over_time.png"), "bad-option"),
        (("export", "--onnx", "--device", "reram"), "bad-option"),
        (("train", "--analog", "tiny.nas"), "two-targets"),
        (("train", "--analog", "--search", "first"), "two-targets"),
        (("train", "--analog", "--run", "al"), "unknown-run"),
        (("train", "--analog", "--set", "analog.nois=1"), "unknown-setting"),
    ],
)
def test_mistakes(nascompile: Command, demo: Path, arguments: tuple[str, ...], code: str) -> None:
    torch.save({"weight": torch.zeros(3)}, "foreign.pth")
    done = nascompile(*arguments, "--data", demo)
    assert done.code == 1
    assert f"[{code}]" in done.err


@pytest.mark.usefixtures("work")
def test_an_export_for_fixed_input_ranges_has_them(nascompile: Command, spec: Path, demo: Path) -> None:
    Path("fixed.yaml").write_text(
        "format: nascompile analog device 1\nlike: pcm\nconverters:\n  input_range: calibrated\n", encoding="utf-8"
    )
    given = ("--analog", "--device", "fixed.yaml", "--data", demo)
    assert nascompile("export", "--run", "all", *given, "--out", "chip").code == 0
    done = nascompile("evaluate", "--weights", "chip/state.safetensors", "--programmings", "2", *given[1:])
    assert done.code == 0, done.err
    assert "on fixed" in done.out
    done = nascompile("export", spec, "-g", "one", *given, "--out", "other")
    assert done.code == 1 and "[not-calibrated]" in done.err and "`fixed`" in done.err
    assert not Path("other").exists()


@pytest.mark.usefixtures("work")
def test_a_run_without_trained_weights(nascompile: Command, demo: Path) -> None:
    Path("runs/all/weights.safetensors").unlink()
    done = nascompile("train", "--analog", "--run", "all", "--data", demo)
    assert done.code == 1 and "[missing-weights]" in done.err


@pytest.mark.parametrize("command", ["run", "train", "evaluate"])
@pytest.mark.usefixtures("work")
def test_a_missing_aihwkit_is_said_before_anything_is_trained(
    nascompile: Command, analog_spec: Path, demo: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    from nascompile.backends.analog import selftest

    monkeypatch.setattr(selftest.importlib.util, "find_spec", lambda name: None)
    given = {
        "run": ("run", analog_spec, "--name", "new"),
        "train": ("train", analog_spec, "-g", "one", "--name", "new"),
        "evaluate": ("evaluate", "all", "--device", "pcm"),
    }
    done = nascompile(*given[command], "--data", demo)
    assert done.code == 1 and "[missing-package]" in done.err and "hint" in done.err
    assert not Path("runs/new/train").exists()


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("command", [("evaluate", "--device", "pcm", "--plot"), ("profile", "--svg")])
def test_a_picture_that_cannot_be_written_is_told_before_anything_is_measured(
    nascompile: Command, demo: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    def measured(*given: object, **named: object) -> None:
        raise AssertionError

    monkeypatch.setattr("nascompile.jobs.analog_measuring.measure_on_device", measured)
    monkeypatch.setattr("nascompile.jobs.profiling.figures", measured)
    Path("folder.svg").mkdir()
    for place in ("folder.svg", "tiny.nas/net.svg"):
        done = nascompile(*command, place, "--data", demo)
        assert done.code == 1 and "error[" in done.err and place.partition("/")[0] in done.err, done.err
