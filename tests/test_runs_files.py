"""Files of runs are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascompile.runs import write_text


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        write_text(tmp_path / "taken", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
