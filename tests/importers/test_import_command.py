"""`nascompile import`: files of every kind in, one text out."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from nascompile.cli.app import app
from nascompile.compilation import Compilation

CONFIG = "[[8, 8, 8], [16, 16, 16], [32, 32]]"


class Command:
    """Runs `nascompile import` in a folder; anything that is no clean exit is raised."""

    def __call__(self, *arguments: object, stdin: str | None = None) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["import", *map(str, arguments)], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command()


def test_the_written_text_is_canonical_and_correct(run: Command, tmp_path: Path) -> None:
    (tmp_path / "configs.py").write_text(
        f"in_ = {CONFIG}\n{'model_2'} = [32, 64, [64], [64], [64, 128]]\r\n", encoding="utf-8"
    )
    code, out, err = run("configs.py", "--space", "nas_lung", "-o", "found.nas")
    assert (code, out) == (0, "")
    assert "2 genotypes for nas_lung.nas, wrote found.nas" in err
    assert "model_2: nas-lung, implied stem = [32, 64]" in err
    text = Compilation.from_path(tmp_path / "found.nas")
    assert text.check() == [] and set(text.library.genotypes) == {"in_", "model_2"}
    assert "# Imported from line 2 of configs.py." in text.source.text
    result = CliRunner().invoke(app, ["fmt", "--check", "found.nas"])
    assert result.exit_code == 0, result.stdout


def test_the_standard_input_and_settings(run: Command) -> None:
    code, out, err = run(
        "-", "--space", "nas_lung:nas_lung", "--name", "best", "--set", "attention=false", stdin=CONFIG
    )
    assert code == 0 and out.startswith("nas 1\nimport nas_lung\n\n# Imported from line 1 of <stdin>.\n")
    assert "genotype best : nas_lung(attention = false) {\n  n = [3, 3, 2]\n" in out
    assert "wrote" not in err


def test_a_setting_wins_over_what_the_file_implies(run: Command) -> None:
    code, out, err = run("-", "--space", "nas_lung", "--set", "stem=[8, 8]", stdin=f"[32, 64, {CONFIG}]")
    assert code == 0 and "nas_lung(stem = [8, 8]) {" in out and "implied" not in err


def test_name_chooses_among_several(run: Command) -> None:
    text = f"a = {CONFIG}\nb = [[4], [4], [4]]\n"
    code, out, _ = run("-", "--space", "nas_lung", "--name", "b", stdin=text)
    assert code == 0 and out.count("genotype ") == 1 and "genotype b :" in out
    code, _, err = run("-", "--space", "nas_lung", "--name", "c", stdin=text)
    assert code == 1 and "unknown-genotype" in err
    code, out, _ = run("-", "--space", "nas_lung", "--name", "c", stdin=text + "c = b\n")
    assert code == 0 and out.count("genotype ") == 1 and "genotype c :" in out
    assert run("-", "--space", "nas_lung", "--name", "no name", stdin=text)[0] == 1


def test_a_name_that_the_space_has_already_is_changed(run: Command) -> None:
    config = "tutorial_best = {'out_channel0': 12, 'M': 1, 'R1': 3, 'widenfact1': 0.66, 'B1': 3}"
    code, out, err = run("-", "--space", "analog_nas", stdin=config)
    assert code == 0 and "genotype tutorial_best_2 :" in out and "in the file: tutorial_best" in err


def test_a_mistake_writes_nothing(run: Command, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"a = {CONFIG}\nb = __import__('os').mkdir('owned')\n", encoding="utf-8")
    code, out, err = run("evil.py", "--space", "nas_lung", "-o", "found.nas")
    assert (code, out) == (1, "")
    assert "error[not-a-literal]" in err and "evil.py:2:5" in err and "^^^^" in err
    assert [p.name for p in tmp_path.iterdir()] == ["evil.py"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("none.py", "--space", "nas_lung"), "missing-file"),
        ((".", "--space", "nas_lung"), "unreadable-text"),
        (("bytes.py", "--space", "nas_lung"), "unreadable-text"),
        (("good.py", "--space", "nas_long"), "missing-file"),
        (("good.py", "--space", "nas_lung:other"), "unknown-space"),
        (("good.py", "--space", "nas_lung", "--format", "pickle"), "unknown-format"),
        (("good.py", "--space", "nas_lung", "--set", "attention"), "bad-setting"),
    ],
)
def test_arguments_that_are_wrong(run: Command, tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    (tmp_path / "good.py").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe[1]")
    status, _, err = run(*arguments)
    assert status == 1 and f"error[{code}]" in err


def test_a_text_that_the_import_will_not_find_is_told(run: Command, tmp_path: Path, root: Path) -> None:
    spec = tmp_path / "elsewhere" / "lung.nas"
    spec.parent.mkdir()
    spec.write_text((root / "specs" / "nas_lung.nas").read_text(encoding="utf-8"), encoding="utf-8")
    code, _, err = run("-", "--space", spec, "-o", "found.nas", stdin=CONFIG)
    assert code == 0 and "warning[spec-elsewhere]" in err
    code, _, err = run("-", "--space", f"{spec}:nas_lung", "-o", spec.with_name("found.nas"), stdin=CONFIG)
    assert code == 0 and "warning" not in err
    assert Compilation.from_path(spec.with_name("found.nas")).check() == []


def test_the_space_is_not_replaced_and_can_be_imported(run: Command, tmp_path: Path, root: Path) -> None:
    text = (root / "specs" / "nas_lung.nas").read_text(encoding="utf-8")
    for name, code in (("lung.nas", "same-file"), ("my-lung.nas", "bad-name")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        status, _, err = run("-", "--space", name, "-o", name, stdin=CONFIG)
        assert status == 1 and f"error[{code}]" in err
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_a_file_cannot_make_the_space_enormous(run: Command) -> None:
    code, _, err = run("-", "--space", "nas_lung", stdin=f"[{[4] * 20_000}, [4], [4]]")
    assert code == 1 and "has at most 7 blocks in a stage" in err


@pytest.fixture
def codes(root: Path) -> dict[str, Any]:
    published = json.loads((root / "tests" / "golden" / "dints_published.json").read_text(encoding="utf-8"))
    return {name: published[name] for name in ("node_a", "arch_code_a", "arch_code_c")}


@pytest.mark.parametrize("make", [np.asarray, "tensor"])
@pytest.mark.parametrize("dialect", ["arch_code", "code"])
def test_checkpoints(run: Command, codes: dict[str, Any], make: Callable[[Any], Any] | str, dialect: str) -> None:
    """As the searches save them: arrays of NumPy (which `weights_only` alone refuses), or tensors."""
    import torch

    convert = torch.tensor if make == "tensor" else lambda rows: np.asarray(rows, dtype=np.float64)
    saved = {key.replace("arch_code", dialect): convert(rows) for key, rows in codes.items()}
    torch.save({**saved, "iter_num": 3, "best_dsc": np.float64(0.5), "epochs": 7}, "search_code.pth")
    code, out, err = run("search_code.pth", "--space", "dints", "--name", "cvpr2021")
    assert code == 0, err
    shipped = (Path(__file__).parents[2] / "specs" / "genotypes" / "dints.nas").read_text(encoding="utf-8")
    assert out[out.index("genotype ") :] == shipped[shipped.index("genotype cvpr2021") :]


def test_a_checkpoint_of_older_numpy(run: Command, codes: dict[str, Any], tmp_path: Path) -> None:
    """As published in 2021: the module that rebuilds arrays had another name."""
    import torch

    saved = {key: np.asarray(rows) for key, rows in codes.items()}
    torch.save(saved, "new.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "new.pth").read_bytes()
    assert b"cnumpy._core.multiarray\n" in content
    (tmp_path / "old.pth").write_bytes(content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    code, out, err = run("old.pth", "--space", "dints")
    assert code == 0 and "edge[0, 0, 0] via conv_3x3x3" in out, err


class Evil:
    """Unpickling it makes a folder."""

    def __reduce__(self) -> Any:
        import os

        return os.mkdir, ("owned",)


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.npy"])
def test_files_that_would_run_code_are_refused(run: Command, tmp_path: Path, name: str) -> None:
    import torch

    if name == "a.pth":
        torch.save({"arch_code_a": Evil(), "arch_code_c": [[1]]}, name)
    elif name == "a.pt":
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
    else:
        np.save(name, np.array([Evil()], dtype=object), allow_pickle=True)
    code, _, err = run(name, "--space", "dints")
    assert code == 1 and "error[unsafe-file]" in err
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.pth", "a.npy", "a.pt"])
@pytest.mark.parametrize("content", [b"", b"\x80\x05broken", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_damaged_files(run: Command, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    code, _, err = run(name, "--space", "dints")
    assert code == 1 and "error[unsafe-file]" in err


def test_an_array_of_strings(run: Command) -> None:
    """As the authors of the stages keep theirs."""
    np.save("model.npy", np.array([f"sp{CONFIG}", "plain[4,4,[[4],[4],[4]]]"]))
    code, out, err = run("model.npy", "--space", "nas_lung")
    assert code == 0, err
    assert "genotype imported_1 : nas_lung(attention = false) {" in out
    assert "genotype imported_2 : nas_lung(attention = false, angular = false) {" in out


def test_importing_loads_no_torch(run: Command, tmp_path: Path, root: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "a.py").write_text(CONFIG, encoding="utf-8")
    code = (
        "import sys; from nascompile.cli.app import app\n"
        "try: app(['import', 'a.py', '--space', 'nas_lung'])\n"
        "except SystemExit as done: assert not done.code\n"
        "assert not {'torch', 'numpy', 'monai'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
