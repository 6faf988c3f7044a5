"""Options that `predict` and `fuse` share: how several predictions become one, and what masks are written as."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from nascompile.diagnostics import did_you_mean, error

if TYPE_CHECKING:
    from nascompile.train.ensemble import Fusion


Format = Annotated[
    str | None,
    typer.Option("--format", metavar="SUFFIX", help="Of the masks: nii.gz, nrrd, mha, png; by default the image's."),
]


def suffix_of(format: str | None) -> str | None:
    """The suffix of masks in this format. Raises NasError `bad-option`."""
    from nascompile.data.scans import FORMATS

    if format is None:
        return None
    suffix = f".{format.lower().lstrip('.')}"
    if suffix not in FORMATS:
        names = [known.lstrip(".") for known in FORMATS]
        hint = did_you_mean(suffix.lstrip("."), names) or f"write one of {', '.join(names)}"
        raise error("bad-option", f"masks cannot be written as `{format}`", hint=hint)
    return suffix


def fusion_of(how: str) -> Fusion:
    """The fusion of this name. Raises NasError `bad-option`."""
    from nascompile.train.ensemble import FUSIONS

    chosen = next((f for f in FUSIONS if f == how), None)
    if chosen is None:
        hint = did_you_mean(how, FUSIONS) or f"write one of {', '.join(FUSIONS)}"
        raise error("bad-option", f"there is no fusion `{how}`", hint=hint)
    return chosen


def weights_of(given: Sequence[float] | None, count: int, noun: str) -> tuple[float, ...] | None:
    """The weights of `count` predictions of the kind `noun`; None for equal ones. Raises NasError `bad-option`."""
    if not given:
        return None
    if len(given) != count:
        hint = f"give each its weight, in their order: `{' '.join(['--weight 1'] * count)}`"
        plural = "" if len(given) == 1 else "s"
        raise error(
            "bad-option", f"{len(given)} weight{plural} for {count} {noun}{'' if count == 1 else 's'}", hint=hint
        )
    if not all(isfinite(w) and w >= 0 for w in given) or sum(given) <= 0:
        listed = ", ".join(f"{w:g}" for w in given)
        raise error("bad-option", f"weights are 0 or more, and not all 0; these are {listed}")
    return tuple(given)
