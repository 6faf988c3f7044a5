"""Arguments and options that several commands share, each with one spelling and one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nascompile.compilation import Compilation
from nascompile.config.settings import Setting, from_argument, from_yaml
from nascompile.diagnostics import Diagnostic, NasError, error

Spec = Annotated[Path, typer.Argument(metavar="SPEC", help="A .nas text.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Override a field or an argument; may be repeated."),
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A YAML file of overrides.")]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="What data paths are relative to.")]
Input = Annotated[str | None, typer.Option("--input", metavar="1x64x64", help="Channels and sizes of the input.")]
Space = Annotated[str | None, typer.Option("--space", metavar="NAME", help="Which space of the text.")]
GenotypeName = Annotated[str | None, typer.Option("--genotype", "-g", metavar="NAME", help="Which genotype.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Device = Annotated[str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda or cuda:0.")]
RunName = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The name of the run's folder.")]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A note, listed by `runs`.")]
Seed = Annotated[int | None, typer.Option("--seed", help="The seed; overrides the text's.")]
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where run folders are.")]
RUNS = Path("runs")
Workers = Annotated[
    int, typer.Option("--workers", metavar="N", min=0, help="Processes that try genotypes; 0: within this one.")
]
Storage = Annotated[
    str | None, typer.Option("--storage", metavar="URL", help="A database for the study; by default in the run.")
]


def compilation(
    spec: Path, set_: list[str] | None, config: Path | None, data: Path | None = None, input: str | None = None,
    search: str | None = None,
) -> Compilation:  # fmt: skip
    """The text with its overrides: the YAML file's first, then `--set`. They are for `search`, if it is named.

    Raises NasError with all bad settings, and `missing-file` with a hint where a run is named in place of a text.
    """
    run = next((folder for folder in (spec, RUNS / spec) if (folder / "run.json").is_file()), None)
    if run is not None and not spec.is_file():
        hint = f"its text is `{run / 'spec.nas'}`; `train`, `profile` and `export` take runs: `--run {run.name}`"
        raise error("missing-file", f"`{spec}` is a run, no text", hint=hint)
    settings: list[Setting] = []
    problems: list[Diagnostic] = []
    if config is not None:
        try:
            settings += from_yaml(config)
        except NasError as failure:
            problems += failure.diagnostics
    for text in set_ or ():
        try:
            settings.append(from_argument(text))
        except NasError as failure:
            problems += failure.diagnostics
    if problems:
        raise NasError(problems)
    return Compilation.from_path(spec, data, settings, input_size(input), search)


def input_size(text: str | None) -> tuple[int, ...] | None:
    """`1x64x64` as numbers. Raises NasError (`bad-input`)."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if not all(part.isdecimal() and int(part) > 0 for part in parts) or not 2 <= len(parts) <= 4:
        raise error("bad-input", f"`--input {text}` is no size", hint="write channels and sizes: `--input 1x64x64`")
    return tuple(int(part) for part in parts)


def for_texts_only(**given: object) -> None:
    """Refuse options that a run has no use for, its text being fixed. Raises NasError (`bad-option`).

    The names are those of the options, `set` of `--set`.
    """
    for name, value in given.items():
        if value:
            hint = "give the text that lies in the run instead of the run: `runs/NAME/genotype.nas`"
            raise error("bad-option", f"`--{name}` is for a SPEC: a run is as its own text says", hint=hint)


def require_suffix(option: str, path: Path | None, *suffixes: str) -> None:
    """Refuse a file whose name promises another format than is written. Raises NasError (`bad-option`)."""
    if path is not None and path.suffix.lower() not in suffixes:
        ends = " or ".join(f"`{suffix}`" for suffix in suffixes)
        hint = f"write `{option} {path.name}{suffixes[0]}`"
        raise error("bad-option", f"`{path}` does not end in {ends}", hint=hint)
