"""Shared by all tests: the checkout's folders, and one thread a process: results must not depend on core counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything imports numpy or torch; the Makefile says the same, this is for a plain `pytest`.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def demo(root: Path) -> Path:
    """The shipped data sets, real images: `demo/nuclei` (2-D) and `demo/lidc` (3-D)."""
    return root / "demo"


@pytest.fixture(scope="session")
def shared(root: Path) -> Path:
    """Further real data (formats the shipped sets lack): `NASCOMPILE_DATA`, else `shared/data` beside the checkout."""
    folder = Path(os.environ.get("NASCOMPILE_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("set NASCOMPILE_DATA to the folder of the further data sets")
    return folder
