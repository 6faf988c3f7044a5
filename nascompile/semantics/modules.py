"""Loading a text with its imports and finding its declarations by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.resources import resource
from nascompile.source import Source, Span
from nascompile.syntax import nodes as ast
from nascompile.syntax.parser import parse

Callable_ = ast.LayerDecl | ast.OpsDecl | ast.OpDecl | ast.CellAlias | ast.FunctionDecl | ast.ConstantDecl


@dataclass(slots=True)
class Library:
    """A module and everything it imports. Genotypes, tasks and searches have name spaces of their own."""

    module: ast.Module
    source: Source
    names: dict[str, Callable_] = field(default_factory=dict)
    genotypes: dict[str, ast.GenotypeDecl] = field(default_factory=dict)
    tasks: dict[str, ast.TaskDecl] = field(default_factory=dict)
    searches: dict[str, ast.SearchDecl] = field(default_factory=dict)

    @property
    def spaces(self) -> dict[str, ast.OpDecl]:
        """The spaces, in text order, imported ones first."""
        return {n: d for n, d in self.names.items() if isinstance(d, ast.OpDecl) and d.kind == "space"}

    def own_spaces(self) -> list[str]:
        """Names of the spaces that the text itself declares."""
        return [d.name for d in self.module.declarations if isinstance(d, ast.OpDecl) and d.kind == "space"]


def load(source: Source, folder: Path | None = None) -> Library:
    """Parse `source` and its imports.

    `import std.NAME` reads the shipped library; `import NAME` reads `NAME.nas` beside the text (in `folder`), or a
    shipped spec of that name; a text never imports itself. Raises NasError with every syntax error,
    unknown import and doubled name.
    """
    module = parse(source)
    library = Library(module, source)
    problems: list[Diagnostic] = []
    own = None if folder is None else folder / Path(source.name).name
    _collect(library, module, folder, own, (), set(), problems)
    if problems:
        raise NasError(problems)
    return library


def _collect(
    library: Library,
    module: ast.Module,
    folder: Path | None,
    own: Path | None,
    chain: tuple[str, ...],
    seen: set[str],
    problems: list[Diagnostic],
) -> None:
    for entry in module.imports:
        name = ".".join(entry.path)
        if name in seen:
            continue
        seen.add(name)
        try:
            path = _find_import(entry, folder, own)
            imported = _parsed(path, name)
        except NasError as failure:
            problems.extend(failure.diagnostics)
            continue
        _collect(library, imported, path.parent, path, (*chain, name), seen, problems)
    for declaration in module.declarations:
        _declare(library, declaration, problems)


_cache: dict[tuple[Path, int], ast.Module] = {}


def _parsed(path: Path, name: str) -> ast.Module:
    key = (path, path.stat().st_mtime_ns)
    if key not in _cache:
        shown = f"{'/'.join(name.split('.'))}.nas"
        try:
            _cache[key] = parse(Source(shown, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            raise error("unreadable-text", f"`{shown}` is not UTF-8 text") from None
    return _cache[key]


def _find_import(entry: ast.Import, folder: Path | None, own: Path | None) -> Path:
    relative = Path(*entry.path).with_suffix(".nas")
    roots = [resource("specs")] if entry.path[0] == "std" else [*([folder] if folder else []), resource("specs")]
    for root in roots:
        path = root / relative
        if path != own and path.is_file():
            return path
    known = [".".join(p.relative_to(root).with_suffix("").parts) for root in roots for p in _texts(root, entry.path[0])]
    name = ".".join(entry.path)
    raise error("unknown-import", f"there is no `{name}` to import", entry.span, hint=did_you_mean(name, known))


def _texts(root: Path, first: str) -> Iterator[Path]:
    return iter(sorted((root / "std").glob("*.nas")) if first == "std" else sorted(root.glob("*.nas")))


def _declare(library: Library, declaration: ast.Declaration, problems: list[Diagnostic]) -> None:
    if isinstance(declaration, ast.GenotypeDecl):
        table: dict[str, ast.Declaration] = library.genotypes  # type: ignore[assignment]
    elif isinstance(declaration, ast.TaskDecl):
        table = library.tasks  # type: ignore[assignment]
    elif isinstance(declaration, ast.SearchDecl):
        table = library.searches  # type: ignore[assignment]
    else:
        table = library.names  # type: ignore[assignment]
    earlier = table.get(declaration.name)
    if earlier is not None and earlier is not declaration:
        problems.append(
            Diagnostic(
                "duplicate-name",
                f"`{declaration.name}` is declared twice",
                Label(name_span(declaration)),
                (Label(name_span(earlier), "first declared here"),),
                "rename one of them",
            )
        )
        return
    table[declaration.name] = declaration


def name_span(declaration: ast.Declaration) -> Span:
    """Where a declaration says its name."""
    span = declaration.span
    first_line_end = span.source.text.find("\n", span.start)
    start = span.source.text.find(declaration.name, span.start)
    if start < 0 or (0 <= first_line_end < start):
        return span
    return Span(span.source, start, start + len(declaration.name))
