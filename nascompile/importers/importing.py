"""Genotypes of a text, checked against a space."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from nascompile.compilation import Compilation
from nascompile.config.constants import SpaceCall
from nascompile.diagnostics import Diagnostic, Label, NasError, error
from nascompile.importers.finding import Findings, Found, Placed, find, identifier
from nascompile.importers.formats import FORMATS, formats
from nascompile.importers.literals import read_document
from nascompile.importers.values import head
from nascompile.source import Source, Span
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

MOST = 64  # nodes, blocks or depths that a file may imply; nobody searched more, and the space is elaborated with them
UNNAMED = re.compile(r"[\d_]*")
NAMED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Imported:
    """A genotype under its name in our text. `original` is its name in the imported text, `span` its place there.

    `implied` are the arguments of the space that were taken from the text; the space's defaults may be the same.
    """

    name: str
    original: str
    genotype: Genotype
    format: str
    implied: Mapping[str, Any]
    span: Span


@dataclass(frozen=True, slots=True)
class Imports:
    """All genotypes of a text, in its order. `aliases`: further names of one; `unread`: parts that were passed over."""

    genotypes: tuple[Imported, ...]
    aliases: Mapping[str, str]
    unread: tuple[str, ...]


def import_genotypes(
    source: Source, compilation: Compilation, space: str | None = None, format: str | None = None
) -> Imports:
    """Find and read every genotype of `source` for a space of `compilation`, whose settings win over what is implied.

    Each is a member of its space (`SearchSpace.contains`). Raises NasError with all mistakes of all genotypes, each at
    its place in `source`; the codes are those of the formats, of `literals.read_document`, `unknown-format` and
    `nothing-to-import`.
    """
    tried = formats(format)
    document = read_document(source)
    found = find(document, tried)
    if not found:
        where = Span(source, 0, min(1, len(source.text)))
        shown = "; ".join(dict.fromkeys(f.notation for f in tried))
        hint = f"it would be written {shown}" if format else f"the formats are {', '.join(FORMATS)}"
        raise error("nothing-to-import", f"`{source.name}` holds no genotype in a known format", where, hint=hint)
    call = compilation.call(space)
    problems: list[Diagnostic] = []
    imported: list[Imported] = []
    taken = set(compilation.library.genotypes)
    for one in found:
        try:
            genotype, implied = _read(one, call, compilation)
        except NasError as failure:
            problems += failure.diagnostics
            continue
        name = _free(identifier(one.name), taken)
        original = "" if UNNAMED.fullmatch(one.name) else one.name
        imported.append(Imported(name, original, genotype, one.format.name, implied, one.value.span))
    if problems:
        raise NasError(dict.fromkeys(problems))
    aliases = {other: e.name for e in document.entries if e.name is not None for other in e.others}
    return Imports(tuple(imported), MappingProxyType(aliases), document.unread)


def _free(name: str, taken: set[str]) -> str:
    """The name, or the name with a number, that no genotype has yet."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free


def _read(found: Found, call: SpaceCall, compilation: Compilation) -> tuple[Genotype, Mapping[str, Any]]:
    parameters = {p.name for p in compilation.library.spaces[call.name].parameters}
    try:
        defaults = compilation.program(call).arguments
    except NasError as failure:
        raise NasError(_at(d, head(found.value)) for d in failure.diagnostics) from None
    implied = {
        name: value
        for name, value in found.format.arguments(found, defaults).items()
        if name in parameters and name not in call.arguments and not (isinstance(value, int) and value > MOST)
    }
    changed = {k: v for k, v in implied.items() if v != defaults.get(k)}
    opened = replace(call, arguments=MappingProxyType({**changed, **call.arguments}))
    try:
        space = compilation.open_space(opened)
    except NasError as failure:
        raise NasError(_at(d, head(found.value)) for d in failure.diagnostics) from None
    findings = Findings()
    placed = found.format.values(found, space, findings)
    if findings.problems:
        raise NasError(findings.problems)
    return _member(placed, space, head(found.value)), implied


def _member(placed: Placed, space: SearchSpace, whole: Span) -> Genotype:
    """The genotype of these values; what makes it illegal is reported where the value was read."""
    try:
        return space.complete({path: value for path, (value, _) in placed.items()})
    except NasError as failure:
        problems = []
        for diagnostic in failure.diagnostics:
            match = NAMED.search(diagnostic.message)
            path = match[1] if match is not None else ""
            problems.append(_at(diagnostic, placed[path][1] if path in placed else whole))
        raise NasError(problems) from None


def _at(diagnostic: Diagnostic, span: Span) -> Diagnostic:
    """The diagnostic at a place of the imported text; its own place, in the space, becomes a second one."""
    secondary = diagnostic.secondary
    if diagnostic.primary is not None:
        secondary = (Label(diagnostic.primary.span, "of this space"), *secondary)
    return replace(diagnostic, primary=Label(span), secondary=secondary)


def as_text(imports: Imports, module: str) -> str:
    """A canonical `.nas` text of the genotypes that imports `module`; a comment says where each came from."""
    from nascompile.syntax.formatter import format_module
    from nascompile.syntax.parser import parse

    parts = [f"nas 1\nimport {module}\n"]
    for one in imports.genotypes:
        called = f" as `{one.original}`" if one.original and one.original != one.name else ""
        origin = f"# Imported from line {one.span.line} of {_one_line(one.span.source.name)}{called}.\n"
        parts.append(origin + one.genotype.to_text(one.name, header=False))
    source = Source("<imported>", "\n".join(parts))
    return format_module(parse(source), source).rstrip("\n") + "\n"


def _one_line(name: str) -> str:
    return " ".join(name.replace("\\", "/").rpartition("/")[2].split())
