"""The formats, by the names that `--format` takes."""

from __future__ import annotations

from collections.abc import Sequence

from nascompile.diagnostics import did_you_mean, error
from nascompile.importers import FORMAT_NAMES
from nascompile.importers.cells import CELLS
from nascompile.importers.finding import Format
from nascompile.importers.grid import GRID
from nascompile.importers.groups import GROUPS
from nascompile.importers.stages import STAGES

FORMATS = dict(zip(FORMAT_NAMES, (CELLS, CELLS, CELLS, GRID, STAGES, GROUPS), strict=True))


def formats(name: str | None) -> Sequence[Format]:
    """The format of this name, or all in the order in which they are tried. Raises NasError (`unknown-format`)."""
    if name is None:
        return tuple(dict.fromkeys(FORMATS.values()))
    if name not in FORMATS:
        hint = did_you_mean(name, FORMATS) or f"there are {', '.join(FORMATS)}"
        raise error("unknown-format", f"there is no format `{name}`", hint=hint)
    return (FORMATS[name],)
