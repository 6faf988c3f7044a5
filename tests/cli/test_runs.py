"""Commands that compute, tiny: a few steps on the shipped images."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from nascompile import runs
from nascompile.diagnostics import NasError

from .conftest import Command


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_a_run_leaves_everything_behind(work: Path) -> None:
    run = runs.find(work / "runs")
    wanted = {
        "spec.nas", "genotype.nas", "metrics.csv", "timing.csv", "curves.svg", "cell_tiny.svg", "weights.safetensors",
        "supernet.safetensors", "model.onnx", "environment.json", "results.json", "run.json", "note.txt",
    }  # fmt: skip
    assert wanted <= set(snapshot(run.folder))
    assert not [p for p in run.folder.rglob("*.tmp")]
    results = json.loads(run.path("results.json").read_text(encoding="utf-8"))
    assert [e["name"] for e in results["entries"]] == ["background", "searched", "random", "plain"]
    assert {e["steps"] for e in results["entries"][1:]} == {3}
    assert run.record()["step"] == "finished"
    environment = json.loads(run.path("environment.json").read_text(encoding="utf-8"))
    assert environment["packages"]["torch"] and environment["threads"] >= 1 and environment["seed"] == 0


def test_the_resolved_text_and_the_genotype_check(nascompile: Command, work: Path, demo: Path) -> None:
    for name in ("spec.nas", "genotype.nas"):
        done = nascompile("check", work / "runs" / "all" / name, "--data", demo)
        assert done.code == 0, done.err


def test_a_finished_run_is_not_done_again(nascompile: Command, work: Path, demo: Path) -> None:
    before = snapshot(work / "runs" / "all")
    done = nascompile("run", "tiny.nas", "--data", demo, "--name", "all")
    assert done.code == 0 and "searched" in done.out
    after = snapshot(work / "runs" / "all")
    same = ("genotype.nas", "weights.safetensors", "metrics.csv", "supernet.safetensors")
    assert [before[n] == after[n] for n in same] == [True] * 4


def test_the_same_text_and_seed_give_the_same_bytes(nascompile: Command, work: Path, demo: Path) -> None:
    assert nascompile("search", "tiny.nas", "--data", demo, "--name", "again").code == 0
    first, second = (snapshot(work / "runs" / name) for name in ("all", "again"))
    for name in ("genotype.nas", "metrics.csv", "supernet.safetensors", "cell_tiny.svg"):
        assert first[name] == second[name], name
    nascompile("search", "tiny.nas", "--data", demo, "--name", "other", "--seed", 1)
    assert snapshot(work / "runs" / "other")["supernet.safetensors"] != first["supernet.safetensors"]


def test_a_run_of_another_text_is_not_gone_on_with(nascompile: Command, work: Path, demo: Path) -> None:
    done = nascompile("run", "tiny.nas", "--data", demo, "--name", "all", "--set", "batch=4")
    assert (done.code, "run-of-another-spec" in done.err) == (1, True)
    done = nascompile("search", "tiny.nas", "--data", demo, "--name", "all")
    assert (done.code, "run-exists" in done.err) == (1, True)


def test_runs_are_listed_with_their_notes(nascompile: Command, work: Path) -> None:
    (row,) = json.loads(nascompile("runs", "--json").out)
    assert (row["name"], row["spec"], row["step"], row["note"]) == ("all", "tiny.nas", "finished", "a, b")
    assert row["value"].startswith("dice ")
    assert "tiny.nas" in nascompile("runs").out


def test_an_unreadable_run_is_listed_as_one(nascompile: Command, work: Path) -> None:
    (work / "runs" / "all" / "run.json").write_text("{", encoding="utf-8")
    (row,) = json.loads(nascompile("runs", "--json").out)
    assert "cannot be read" in row["step"]


def test_export_and_profile_take_the_newest_run(nascompile: Command, work: Path) -> None:
    model = work / "runs" / "all" / "model.onnx"
    model.unlink()
    done = nascompile("export", "--onnx")
    assert done.code == 0 and "against torch" in done.out, done.err
    assert model.is_file()
    found = json.loads(nascompile("profile", "--json").out)
    assert found["name"] == "all"
    assert found["latency"]["torch"]["median_ms"] > 0 and found["latency"]["onnxruntime"]["median_ms"] > 0


def test_the_exported_file_knows_its_genotype_and_no_path(work: Path) -> None:
    import onnx

    data = (work / "runs" / "all" / "model.onnx").read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in data
    model = onnx.load_model_from_string(data)
    properties = {p.key: p.value for p in model.metadata_props}
    assert properties["genotype"].startswith("genotype found : tiny(")
    assert properties["notice"] == "for research, not a medical device"
    axes = [d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert axes == ["batch", "", "rows", "columns"]


def test_a_genotype_of_a_text_is_exported_and_profiled(nascompile: Command, work: Path) -> None:
    size = ("--input", "1x16x16")
    done = nascompile("export", "tiny.nas", "--genotype", "one", "--onnx", "--out", "one.onnx", *size)
    assert done.code == 0 and "weights are random" in done.out, done.err
    assert (work / "one.onnx").is_file()
    found = json.loads(nascompile("profile", "tiny.nas", "--genotype", "one", "--json", "--static", *size).out)
    assert found["parameters"]["live"] == 9 * 4 + 16 + 9 * 16 + 12 - 16  # the slot that is dropped takes its 1x1 along


def test_weights_of_another_network_are_listed(nascompile: Command, work: Path, demo: Path) -> None:
    weights = work / "runs" / "all" / "train" / "plain" / "weights.safetensors"
    done = nascompile("train", "tiny.nas", "-g", "one", "--data", demo, "--from", weights, "--name", "t")
    assert done.code == 0, done.err
    assert "weights taken over" in done.err and "not there" in done.err
    assert (work / "runs" / "t" / "weights.safetensors").is_file()


def test_a_genotype_inherits_from_the_supernet(nascompile: Command, work: Path, demo: Path) -> None:
    done = nascompile("train", "tiny.nas", "-g", "one", "--data", demo, "--inherit", "all", "--name", "t")
    assert done.code == 0, done.err
    assert "weights taken over" in done.err and "not there" not in done.err and "another shape" not in done.err


def test_the_newest_run_is_trained_again_with_settings(nascompile: Command, work: Path) -> None:
    done = nascompile("train", "--name", "longer", "--set", "train.budget=4 steps")
    assert done.code == 0, done.err
    run = runs.find(work / "runs", "longer")
    assert run.path("metrics.csv").read_text(encoding="utf-8").splitlines()[-1].startswith("4,")
    assert run.path("genotype.nas").read_text(encoding="utf-8") == (work / "runs" / "all" / "genotype.nas").read_text(
        encoding="utf-8"
    )
    assert nascompile("evaluate").code == 0  # of this run: it is the newest


def test_a_genotype_is_trained_on_another_task(nascompile: Command, work: Path, demo: Path) -> None:
    text = (work / "tiny.nas").read_text(encoding="utf-8")
    other = text[text.index("task cells") : text.index("search first")]
    other = other.replace("cells", "plain_cells").replace("[background, interior, boundary]", "[background, nucleus]")
    other = other.replace("[16, 16]", "[24, 24]\n  labels  = map([0, 0], [1, 1], [2, 1])")
    (work / "tiny.nas").write_text(text + other, encoding="utf-8")
    arguments = ("-g", "one", "--task", "plain_cells", "--data", demo, "--name", "o", "--set", "train.budget=2 steps")
    done = nascompile("train", "tiny.nas", *arguments)
    assert done.code == 0, done.err
    (entry,) = json.loads((work / "runs" / "o" / "results.json").read_text(encoding="utf-8"))["entries"]
    assert list(entry["evaluation"]["summaries"]["dice"]["per_class"]) == ["nucleus"]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_run_is_evaluated_on_a_split(nascompile: Command, work: Path, split: str) -> None:
    done = nascompile("evaluate", "--split", split, "--metric", "dice", "--metric", "jaccard", "--json")
    found = json.loads(done.out)
    assert set(found["summaries"]) == {"dice", "jaccard"}
    assert len(found["rows"]) == {"train": 8, "val": 4, "test": 4}[split]
    if split == "test":
        entries = json.loads((work / "runs" / "all" / "results.json").read_text(encoding="utf-8"))["entries"]
        searched = next(e for e in entries if e["name"] == "searched")
        assert found["summaries"]["dice"]["value"] == searched["evaluation"]["summaries"]["dice"]["value"]


def test_a_dry_run_estimates_and_writes_nothing(nascompile: Command, spec: Path, demo: Path, tmp_path: Path) -> None:
    done = nascompile("search", spec, "--data", demo, "--dry-run")
    assert done.code == 0 and "space of 6 genotypes" in done.err and "MiB" in done.err
    assert not (tmp_path / "runs").exists()


def test_a_search_goes_on_after_an_interruption(
    nascompile: Command, work: Path, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nascompile.search.oneshot import bilevel

    class AfterTwoSteps:
        """An interruption that is asked for when the loop looks for it the third time."""

        looks = 0

        @property
        def requested(self) -> bool:
            self.looks += 1
            return self.looks > 2

    with monkeypatch.context() as patch:
        patch.setattr(bilevel, "catch_interrupt", lambda: nullcontext(AfterTwoSteps()))
        stopped = nascompile("search", "tiny.nas", "--data", demo, "--name", "cut")
    assert stopped.code == 130 and "resume with `nascompile search tiny.nas --resume --name cut`" in stopped.err
    assert not (work / "runs" / "cut" / "genotype.nas").exists()
    assert nascompile("search", "tiny.nas", "--data", demo, "--name", "cut", "--resume").code == 0
    whole, resumed = (snapshot(work / "runs" / name) for name in ("all", "cut"))
    for name in ("genotype.nas", "metrics.csv", "supernet.safetensors"):
        assert whole[name] == resumed[name], name


def test_a_start_that_was_killed_at_once_is_no_run(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    for name in ("note.txt", ".run.json.tmp"):
        (folder / name).write_text("half", encoding="utf-8")
    assert runs.create(tmp_path, "first", note=None, record={"command": "run"}).record()["command"] == "run"
    with pytest.raises(NasError):
        runs.create(tmp_path, "first", note=None, record={})


def test_a_start_that_fails_does_not_occupy_its_name(nascompile: Command, spec: Path, demo: Path) -> None:
    where = [spec, "--data", demo, "--name", "late"]
    sampled = ["--set", "strategy=random", "--set", "budget=1 trials", "--set", "compare=[]"]
    for arguments, code in (
        (["search", *where, "--set", "task.classes=2"], "label-outside-classes"),
        (["run", *where, "--set", "task.classes=2"], "label-outside-classes"),
        (["train", *where, "-g", "one", "--from", demo / "nuclei.nas"], "unreadable-weights"),
        (["search", *where, *sampled, "--storage", "nowhere", "--workers", "0"], "unreadable-study"),
    ):
        done = nascompile(*arguments)
        assert done.code == 1
        assert f"error[{code}]" in done.err
        assert not Path("runs/late").exists()
    done = nascompile("search", *where, *sampled, "--storage", "sqlite:///study.db", "--workers", "0")
    assert done.code == 0, done.err


def test_a_run_with_something_to_go_on_with_stays(tmp_path: Path) -> None:
    for name, extra, record in (("file", "study.db", {}), ("elsewhere", "spec.nas", {"study": "lung"})):
        run = runs.create(tmp_path, name, note=None, record=record)
        run.path(extra).write_text("", encoding="utf-8")
        with pytest.raises(ZeroDivisionError), runs.withdrawn(run, True):
            raise ZeroDivisionError
        assert run.path(extra).exists()
    run = runs.create(tmp_path, "old", note=None, record={})
    with pytest.raises(ZeroDivisionError), runs.withdrawn(run, False):
        raise ZeroDivisionError
    assert run.path(runs.RECORD).exists()
