"""The originals' data and the shipped texts, for the tests of importers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def golden(root: Path) -> Callable[[str], Any]:
    """Reads `tests/golden/NAME.json`."""

    def read(name: str) -> Any:
        return json.loads((root / "tests" / "golden" / f"{name}.json").read_text(encoding="utf-8"))

    return read
