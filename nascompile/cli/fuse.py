"""`nascompile fuse`: saved masks of several predictions as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nascompile.cli.ensembles import Format, fusion_of, suffix_of, weights_of
from nascompile.cli.guard import guarded
from nascompile.diagnostics import error


@guarded
def fuse(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of `predict`, one a prediction.")],
    reference: Annotated[Path, typer.Option("--reference", metavar="IMAGES", help="The images; their grids are kept.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for the fused masks.")],
    fusion: Annotated[
        str, typer.Option("--fusion", metavar="HOW", help="mean, geometric (of scores) or vote.")
    ] = "vote",
    weight: Annotated[list[float] | None, typer.Option("--weight", help="One for each folder.")] = None,
    series: Annotated[str | None, typer.Option("--series", metavar="UID", help="Which DICOM series.")] = None,
    format: Format = None,
) -> None:
    """Fuse masks by vote, or the probabilities that `predict --scores` wrote by their mean."""
    from nascompile.data.scans import find_scans

    chosen, suffix = fusion_of(fusion), suffix_of(format)
    if len(folders) < 2:
        raise error("bad-option", "there is nothing to fuse in one folder", hint="name two folders or more")
    weights = weights_of(weight, len(folders), "folder")
    from nascompile.jobs.fusing import fuse_scan, require_all

    scans = find_scans([reference], series, suffix=suffix)
    require_all(folders, scans, out, chosen)
    for scan in scans:
        print(f"wrote {fuse_scan(folders, scan, out, chosen, weights)}")
