"""What users do wrong with commands: each time a diagnostic and status 1, nothing half-written, no traceback."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from nascompile import runs

from .conftest import Command


@pytest.fixture
def data(tmp_path: Path, demo: Path) -> Path:
    """A copy of the images that tests may damage."""
    shutil.copytree(demo / "nuclei", tmp_path / "data" / "nuclei")
    return tmp_path / "data"


def fails(nascompile: Command, code: str, *arguments: object) -> str:
    done = nascompile(*arguments)
    assert done.code == 1, done.out
    assert f"error[{code}]" in done.err, done.err
    assert "Traceback" not in done.err
    return done.err


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("export",), "missing-format"),
        (("export", "--onnx"), "no-runs"),
        (("profile",), "no-runs"),
        (("evaluate",), "no-runs"),
        (("train",), "no-runs"),
        (("profile", "--run", "x"), "unknown-run"),
        (("evaluate", "--split", "tset"), "unknown-split"),
        (("search", "none.nas"), "missing-file"),
    ],
)
def test_without_a_run_commands_say_how_to_start_one(nascompile: Command, command: tuple[str, ...], code: str) -> None:
    fails(nascompile, code, *command)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--set", "patch=[256, 256]", "--set", "task.pad=false"), "", "patch"),
        (("--device", "cuda:99"), "unknown-device", "cpu"),
        (("--device", "gpu0"), "unknown-device", "cuda:0"),
        (("--name", "a/b"), "bad-run-name", "letters"),
        (("--resume",), "no-runs", "without `--resume`"),
        (("--set", "loss=dice_ce(aux)"), "unknown-output", "outputs"),
        (("--set", "c=0"), "", ""),
        (("second",), "unknown-search", "first"),
        (("--seed", "-1"), "bad-value", ""),
        (("--set", "classes=[a, b]"), "", "classes"),
    ],
)
def test_a_wrong_search_is_told_before_it_starts(
    nascompile: Command, spec: Path, demo: Path, arguments: tuple[str, ...], code: str, words: str
) -> None:
    done = nascompile("search", spec, "--data", demo, *arguments)
    assert done.code == 1, done.out
    assert f"error[{code}" in done.err and words in done.err


def test_a_missing_data_folder_is_told(nascompile: Command, spec: Path, tmp_path: Path) -> None:
    err = fails(nascompile, "missing-folder", "search", spec, "--data", tmp_path)
    assert "nuclei" in err and 'data    = pairs("nuclei"' in err


def test_every_damaged_image_is_named(nascompile: Command, spec: Path, data: Path) -> None:
    broken = sorted((data / "nuclei" / "images").glob("train_*.png"))[:2]
    for path in broken:
        path.write_bytes(path.read_bytes()[:100])
    done = nascompile("search", spec, "--data", data)
    assert done.code == 1
    assert all(path.stem in done.err for path in broken), done.err


def test_a_split_that_names_an_absent_case_is_told(nascompile: Command, spec: Path, data: Path) -> None:
    path = data / "nuclei" / "splits.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"train_r128_c000",', '"train_r128_c00x",', 1), encoding="utf-8"
    )
    err = fails(nascompile, "absent-case", "search", spec, "--data", data)
    assert "train_r128_c00x" in err


def test_a_full_disk_leaves_no_half_written_file(
    nascompile: Command, spec: Path, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(self: Path, text: str, *arguments: object, **options: object) -> int:
        if "genotype.nas" in self.name:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return write(self, text, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    err = fails(nascompile, "disk-full", "search", spec, "--data", demo, "--name", "x")
    assert "resume" in err
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert not (tmp_path / "runs" / "x" / "genotype.nas").exists()
    assert nascompile("search", spec, "--data", demo, "--name", "x", "--resume").code == 0


def test_a_search_killed_before_its_text_was_written_is_whole_when_resumed(
    nascompile: Command, spec: Path, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nascompile.jobs import folder

    class Killed(BaseException):
        """Stands for a kill."""

    def kill(*given: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(folder, "write_spec", kill)
        nascompile("search", spec, "--data", demo, "--name", "x")
    assert nascompile("search", spec, "--data", demo, "--name", "x", "--resume").code == 0
    assert nascompile("show", tmp_path / "runs" / "x" / "genotype.nas").code == 0


def test_a_weights_file_that_is_none_is_told(nascompile: Command, spec: Path, demo: Path, tmp_path: Path) -> None:
    pickle = tmp_path / "w.pt"
    pickle.write_bytes(b"\x80\x04K\x01.")
    for name, code in (("w.pt", "unreadable-weights"), ("none.safetensors", "missing-file")):
        fails(
            nascompile, code, "export", spec, "-g", "one", "--onnx", "--from", tmp_path / name, "--input", "1x16x16"
        )  # fmt: skip
    assert not list(tmp_path.glob("*.onnx"))


def test_a_genotype_that_breaks_its_space_is_told(nascompile: Command, spec: Path) -> None:
    spec.write_text(spec.read_text(encoding="utf-8").replace("[s[0] via conv]", "[s[0] via cnov]"), encoding="utf-8")
    err = fails(nascompile, "not-a-candidate", "export", spec, "-g", "one", "--onnx", "--input", "1x16x16")
    assert "did you mean `conv`?" in err or "conv" in err


def test_the_newest_run_is_the_one_made_last(tmp_path: Path) -> None:
    for number, name in enumerate(("b", "c", "a")):
        runs.create(tmp_path, name, note=None, record={"created": float(number)})
    assert [run.name for run in runs.all_runs(tmp_path)] == ["b", "c", "a"]
    assert runs.find(tmp_path, "latest").name == "a"
