"""A small network on real images for tests of training and states on tiles."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tiny_bench import TEXT, Bench

from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.jobs.training import Data


@pytest.fixture
def bench(demo: Path, tmp_path: Path) -> Bench:
    text = Compilation.from_text(TEXT, "spec.nas", demo)
    return Bench(text, Data.of(text.task(), 0), tmp_path)


@pytest.fixture
def opened(demo: Path) -> Callable[..., Compilation]:
    """The text with a replacement and settings."""

    def make_text(old: str = "", new: str = "", *settings: str) -> Compilation:
        assert old in TEXT
        text = TEXT.replace(old, new) if old else TEXT
        return Compilation.from_text(text, "spec.nas", demo, [from_argument(s) for s in settings])

    return make_text
