"""check, fmt, show, doctor and --version."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nascompile import __version__

from .conftest import Command


def test_the_version_says_what_this_is_for(nascompile: Command) -> None:
    assert nascompile("--version").out == f"nascompile {__version__} (for research, not a medical device)\n"


def test_check_passes_a_good_text(nascompile: Command, spec: Path, demo: Path) -> None:
    done = nascompile("check", spec, "--data", demo)
    assert (done.code, done.out) == (0, "1 text: no errors\n")


def test_check_tells_every_mistake_of_every_text(nascompile: Command, spec: Path) -> None:
    bad = spec.with_name("bad.nas")
    bad.write_text(
        spec.read_text(encoding="utf-8")
        .replace("conv(c, 3) -> relu", "conf(c, 3) -> relu")
        .replace("3 steps\n", "3\n"),
        encoding="utf-8",
    )
    done = nascompile("check", spec, bad)
    assert done.code == 1
    assert "error[unknown-name]" in done.err and "did you mean `conv`?" in done.err
    assert "error[missing-unit]" in done.err
    assert "^^^^" in done.err and "Traceback" not in done.err


def test_check_gives_json(nascompile: Command, spec: Path, demo: Path) -> None:
    spec.write_text(spec.read_text(encoding="utf-8").replace("batch   = 2", "batc = 2"), encoding="utf-8")
    done = nascompile("check", spec, "--data", demo, "--json")
    (found,) = json.loads(done.out)
    assert done.code == 1
    line = spec.read_text(encoding="utf-8").splitlines().index("  batc = 2") + 1
    assert (found["code"], found["line"], found["column"], found["end_column"]) == ("unknown-field", line, 3, 7)
    assert found["hint"] == "did you mean `batch`?"


@pytest.mark.parametrize("name", ["none.nas", "."])
def test_check_tells_what_is_no_text(nascompile: Command, name: str) -> None:
    done = nascompile("check", name)
    assert done.code == 1
    assert done.err.startswith("error[")


def test_check_tells_of_bytes_that_are_no_text(nascompile: Command, tmp_path: Path) -> None:
    path = tmp_path / "image.nas"
    path.write_bytes(b"nas 1\n\xff\xfe")
    done = nascompile("check", path)
    assert (done.code, "unreadable-text" in done.err) == (1, True)


def test_fmt_writes_the_canonical_form_once(nascompile: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.nas"
    path.write_text("nas 1\nimport   std.layers\n\n\n\nwidth(v)=v*2   # twice\n", encoding="utf-8")
    assert nascompile("fmt", "--check", tmp_path).code == 1
    assert nascompile("fmt", tmp_path).code == 0
    assert path.read_text(encoding="utf-8") == "nas 1\nimport std.layers\n\nwidth(v) = v * 2  # twice\n"
    assert nascompile("fmt", "--check", path).out == ""
    assert [p.name for p in tmp_path.iterdir()] == ["a.nas"]


def test_fmt_leaves_a_text_with_mistakes_alone(nascompile: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.nas"
    path.write_text("nas 1\nspace (\n", encoding="utf-8")
    assert nascompile("fmt", path).code == 1
    assert path.read_text(encoding="utf-8") == "nas 1\nspace (\n"


def test_show_tells_decisions_size_and_costs(nascompile: Command, spec: Path) -> None:
    found = json.loads(nascompile("show", spec, "--space", "tiny", "--input", "1x16x16", "--json").out)
    assert found["genotypes"] == 2 * 3
    assert [d["path"] for d in found["decisions"]] == ["s[2]", "s[2].s[0]", "s[2].s[1]"]
    # Convolutions 1 to 4 and 4 to 4 channels, two candidates of either slot, 4 to 3 channels with its bias off.
    assert found["registered"] == 9 * 4 + 16 + 4 * (9 * 16) + 12
    text = nascompile("show", spec, "--space", "tiny", "--input", "1x16x16").out
    assert "genotypes    6" in text and "s[0] (3 operators)" in text


def test_show_takes_settings(nascompile: Command, spec: Path, demo: Path) -> None:
    small = json.loads(nascompile("show", spec, "--data", demo, "--set", "c=2", "--json").out)
    large = json.loads(nascompile("show", spec, "--data", demo, "--set", "c=4", "--json").out)
    assert small["arguments"]["c"] == "2"
    assert small["registered"] < large["registered"]


def test_show_draws_a_genotype(nascompile: Command, spec: Path, tmp_path: Path) -> None:
    done = nascompile("show", spec, "-g", "one", "--input", "1x16x16", "--svg", tmp_path / "one.svg")
    assert "s[2] = s[0] conv" in done.out
    drawing = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert drawing.startswith("<svg") and ">conv</text>" in drawing and ">s[2]</text>" in drawing


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("--space", "tinny"), "unknown-space", "did you mean `tiny`?"),
        (("-g", "two"), "unknown-genotype", "there are one"),
        (("--set", "d=2"), "unknown-setting", ""),
        (("--input", "1x"), "bad-input", "1x64x64"),
        (("--config", "none.yaml"), "missing-file", ""),
    ],
)
def test_show_tells_what_it_does_not_find(
    nascompile: Command, spec: Path, arguments: tuple[str, ...], code: str, hint: str
) -> None:
    done = nascompile("show", spec, *arguments)
    assert (done.code, done.out) == (1, "")
    assert f"error[{code}]" in done.err and hint in done.err


def test_doctor_lists_versions_devices_and_back_ends(nascompile: Command) -> None:
    found = json.loads(nascompile("doctor", "--json").out)
    assert found["packages"]["torch"]
    assert any(device.startswith("cpu") for device in found["devices"])
    assert found["back ends"]["pytorch"] == "ready"


@pytest.mark.parametrize(
    "command", [("check",), ("show",), ("fmt", "--check"), ("profile", "--static", "-g", "NASUNET")]
)
def test_texts_are_worked_on_without_torch(root: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    arguments = [command[0], str(root / "specs" / "nas_unet.nas"), *command[1:]]
    code = (
        "import sys; from nascompile.cli.app import app; sys.argv[1:] = "
        f"{arguments!r}\ntry:\n    app()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'monai', 'matplotlib', 'onnx', 'SimpleITK'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_show_has_the_classes_that_are_searched(nascompile: Command, spec: Path, demo: Path) -> None:
    text = spec.read_text(encoding="utf-8").replace("[1, 16, 16]; classes = 3", "[1, 16, 16]; classes = 2")
    spec.write_text(text, encoding="utf-8")
    shown = [json.loads(nascompile("show", spec, "--data", demo, *more, "--json").out)
             for more in ([], ["--space", "tiny"])]  # fmt: skip
    assert [found["outputs"]["out"] for found in shown] == ["[3, 16, 16]", "[2, 16, 16]"]
