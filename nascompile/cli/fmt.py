"""`nascompile fmt`: the one canonical form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from nascompile.cli.guard import fail, guarded
from nascompile.diagnostics import Diagnostic, NasError, error
from nascompile.files import write_text
from nascompile.source import Source


@guarded
def fmt(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Texts, or folders of them.")],
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a text would change.")] = False,
) -> None:
    """Write texts in the canonical form, comments kept."""
    from nascompile.syntax.formatter import format_module
    from nascompile.syntax.parser import parse

    problems: list[Diagnostic] = []
    changed = 0
    for path in _texts(paths):
        try:
            text = path.read_text(encoding="utf-8")
            source = Source(str(path), text)
            canonical = format_module(parse(source), source)
        except NasError as failure:
            problems += failure.diagnostics
            continue
        except UnicodeDecodeError:
            problems += error("unreadable-text", f"`{path}` is not UTF-8 text").diagnostics
            continue
        if canonical != text:
            changed += 1
            print(f"{'would change' if check else 'formatted'} {path}")
            if not check:
                write_text(path, canonical)
    if problems:
        fail(problems)
    if check and changed:
        raise typer.Exit(1)


def _texts(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.nas"))
        elif path.exists():
            yield path
        else:
            raise error("missing-file", f"there is no file `{path}`")
