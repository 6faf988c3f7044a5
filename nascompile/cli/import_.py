"""`nascompile import`: published genotypes as `.nas` text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nascompile.cli import options
from nascompile.cli.guard import guarded, warn
from nascompile.diagnostics import Diagnostic, error
from nascompile.importers import FORMAT_NAMES

if TYPE_CHECKING:
    from nascompile.importers.importing import Imports


@guarded
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="What to import; `-` reads the standard input.")],
    space: Annotated[str, typer.Option("--space", metavar="SPEC[:SPACE]", help="The text, and which space of it.")],
    format: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help=f"How it is written: {', '.join(FORMAT_NAMES)}."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The genotype's name, or which one.")
    ] = None,
    set_: options.Set = None,
    input: options.Input = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The text to write.")] = None,
) -> None:
    """Turn genotypes as other programs write them into `.nas` text. What is imported is parsed, never run."""
    from nascompile.files import write_text
    from nascompile.importers.files import read_source
    from nascompile.importers.importing import as_text, import_genotypes

    spec, chosen = _spec(space)
    if not spec.stem.isidentifier():
        raise error(
            "bad-name", f"`import {spec.stem}` is no import", hint=f"rename `{spec.name}`: letters, digits and `_`"
        )
    if out is not None and out.resolve() == spec.resolve():
        raise error("same-file", f"`--out {out}` would replace the space", hint="write the genotypes to another file")
    compilation = options.compilation(spec, set_, None, None, input)
    imports = import_genotypes(read_source(file), compilation, chosen, format)
    if name is not None:
        imports = _named(imports, name)
    if out is not None and not _finds(spec, out):
        hint = f"write it to `{spec.parent}`, or copy `{spec.name}` beside it"
        message = f"`import {spec.stem}` will not find `{spec}` from `{out.parent}`"
        warn([Diagnostic("spec-elsewhere", message, None, (), hint, severity="warning")])
    text = as_text(imports, spec.stem)
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)
    _tell(imports, spec, out)


def _spec(space: str) -> tuple[Path, str | None]:
    """`SPEC:SPACE` as a path, or a shipped spec's, and a name. Raises NasError (`missing-file`)."""
    from nascompile.resources import resource

    path, colon, name = space.rpartition(":")
    if not colon or not name.isidentifier() or not path:
        path, name = space, ""
    for candidate in (Path(path), Path(f"{path}.nas")):
        if candidate.is_file():
            return candidate, name or None
    shipped = resource("specs") / Path(path).with_suffix(".nas").name
    if len(Path(path).parts) == 1 and shipped.is_file():
        return shipped, name or None
    return Path(path), name or None


def _finds(spec: Path, out: Path) -> bool:
    """Whether `import SPEC` in the written text reads the spec: it lies beside it, or is a shipped one."""
    from nascompile.resources import resource

    return spec.resolve().parent in (out.resolve().parent, resource("specs").resolve())


def _named(imports: Imports, name: str) -> Imports:
    """Only the genotype that is called so in the file; if there is one alone, that one under this name."""
    from dataclasses import replace

    if not name.isidentifier() or not name.isascii():
        raise error("bad-name", f"`{name}` is no name", hint="a name has letters, digits and `_`")
    known = imports.aliases.get(name)
    chosen = [one for one in imports.genotypes if name in (one.original, one.name)]
    chosen += [replace(one, name=name) for one in imports.genotypes if known is not None and one.original == known]
    if len(imports.genotypes) == 1:
        chosen = [replace(imports.genotypes[0], name=name)]
    if not chosen:
        from nascompile.diagnostics import did_you_mean

        names = [one.original or one.name for one in imports.genotypes]
        hint = did_you_mean(name, names) or f"there are {', '.join(names[:8])}"
        raise error("unknown-genotype", f"the file has {len(names)} genotypes, but no `{name}`", hint=hint)
    return replace(imports, genotypes=tuple(chosen[:1]))


def _tell(imports: Imports, spec: Path, out: Path | None) -> None:
    """What was done, on the error stream, so that the text can be piped."""
    count = len(imports.genotypes)
    target = "" if out is None else f", wrote {out}"
    print(f"{count} genotype{'s' if count > 1 else ''} for {spec.name}{target}", file=sys.stderr)
    for one in imports.genotypes:
        implied = ", ".join(f"{k} = {_shown(v)}" for k, v in one.implied.items())
        renamed = f" (in the file: {one.original})" if one.original not in ("", one.name) else ""
        print(f"  {one.name}{renamed}: {one.format}{f', implied {implied}' if implied else ''}", file=sys.stderr)
    for alias, known in imports.aliases.items():
        print(f"  {alias} is {known}, written once", file=sys.stderr)
    if imports.unread:
        print(
            f"  not read, never run: {', '.join(imports.unread[:8])}{', ...' if len(imports.unread) > 8 else ''}",
            file=sys.stderr,
        )


def _shown(value: Any) -> str:
    from nascompile.space.expression import value_expression
    from nascompile.syntax.formatter import format_expression

    return format_expression(value_expression(value))
