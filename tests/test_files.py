"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nascompile.diagnostics import NasError
from nascompile.files import write_bytes, write_text, written_whole


def test_a_text_keeps_its_line_ends_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text(path, "ä\r\nb\n")
    assert path.read_bytes() == "ä\r\nb\n".encode()
    write_bytes(path, b"\0")
    assert path.read_bytes() == b"\0"
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_what_fails_leaves_the_old_file(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "b.txt"
    write_text(path, "old")
    with pytest.raises(failure), written_whole(path) as temporary:
        temporary.write_text("ne", encoding="utf-8")
        raise failure
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


def test_writers_that_go_by_the_name_find_their_suffix(tmp_path: Path) -> None:
    with written_whole(tmp_path / "mask.nii.gz", ".nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.touch()
    assert (tmp_path / "mask.nii.gz").is_file()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(NasError) as caught:
        write_text(tmp_path / "taken", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
    assert caught.value.diagnostics[0].code == "cannot-write"
    assert "is a folder" in caught.value.diagnostics[0].message


def test_what_the_system_refuses_is_told_of_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 252)  # a name that the file may have and the temporary one may not
    with pytest.raises(OSError) as caught:
        write_text(path, "x")
    assert caught.value.filename == str(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(NasError) as caught:
        write_bytes(pipe, b"x")
    assert caught.value.diagnostics[0].code == "cannot-write"
    assert pipe.is_fifo()
