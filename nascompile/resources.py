"""Finds the files that ship beside the package: `grammars/`, `specs/`, `templates/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = ("grammars", "specs", "templates")


@cache
def root() -> Path:
    """The folder that holds `grammars/`, `specs/` and `templates/`: the checkout, or `_data/` of an installed wheel.

    The checkout wins, because an editable installation may hold an old copy in `_data/` as well.
    """
    checkout = _PACKAGE.parent
    return checkout if (checkout / "grammars" / "nas-1.lark").is_file() else _PACKAGE / "_data"


def resource(name: str) -> Path:
    """The path of a shipped file or folder, for instance `resource("specs/std/layers.nas")`.

    It does not depend on the working directory. The path need not exist. Raises ValueError for a name outside the
    three shipped folders.
    """
    parts = name.split("/")
    if parts[0] not in _FOLDERS or ".." in parts or "\\" in name:
        raise ValueError(f"no shipped file is called {name!r}: it starts with one of {', '.join(_FOLDERS)}")
    return root().joinpath(*parts)
