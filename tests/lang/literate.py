"""Language tests written in the language: texts in Markdown with the errors that they must give.

Every `##` heading with a ```nas block is a test. The comment `# error: [code] 14-20 "words"` on a line says that a
diagnostic of this code starts on this line, underlines columns 14 to 20, and has these words in its message or hint;
`and [code] ...` adds another one of the same line. A block without comments must give none. The words after `nas` on
the fence choose further checks: `relax` asks which decisions cannot be relaxed, `sample` looks for absent outputs,
`check` looks at everything that `nascompile check` does, tasks and searches too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nascompile.compilation import Compilation
from nascompile.diagnostics import Diagnostic, NasError
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load, name_span
from nascompile.semantics.names import check_library
from nascompile.semantics.presence import absent_outputs
from nascompile.semantics.relaxation import unrelaxable
from nascompile.source import Source
from nascompile.space.genotype import Genotype
from nascompile.space.narrowing import read_narrowing
from nascompile.space.space import SearchSpace
from nascompile.syntax import nodes as ast

EXPECTED = re.compile(r'(?:# error:|and) \[(?P<code>[\w-]+)\] (?P<first>\d+)-(?P<last>\d+) "(?P<words>[^"]*)"')


@dataclass(frozen=True, slots=True)
class Case:
    """One heading: its title, the text, the words on the fence and the line of the Markdown file it starts at."""

    title: str
    text: str
    checks: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """An error that a comment announces."""

    line: int
    first: int
    last: int
    code: str
    words: str


def cases(path: Path) -> Iterator[Case]:
    """The tests of a Markdown file, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    title, number = "", 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("#"):
            title = line.lstrip("#").strip()
        if line.startswith("```nas"):
            end = lines.index("```", number)
            yield Case(title, "\n".join(lines[number + 1 : end]) + "\n", tuple(line[6:].split()), number + 2)
            number = end
        number += 1


def expected(text: str) -> list[Expected]:
    """What the comments of a text announce, in text order."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        start = line.find("# error:")
        if start >= 0:
            for m in EXPECTED.finditer(line, start):
                found.append(Expected(number, int(m["first"]), int(m["last"]), m["code"], m["words"]))
    return sorted(found)


def diagnose(text: str, checks: tuple[str, ...] = (), name: str = "test.nas") -> list[Diagnostic]:
    """Everything that is wrong with a text: names first, then every space for its own input, then genotypes."""
    if "check" in checks:
        return Compilation.from_text(text, name).check()
    try:
        library = load(Source(name, text))
        found = check_library(library)
        if any(d.severity == "error" for d in found):
            return found
        for space in library.own_spaces():
            found += _diagnose_space(library, space, checks)
        for genotype in library.genotypes.values():
            _diagnose_genotype(library, genotype)
    except NasError as failure:
        return list(failure.diagnostics)
    return found


def input_of(space: ast.OpDecl) -> tuple[int, ...]:
    """The default of the space's tensor (`x: image = [1, 64, 64]`), else one channel of 32 x 32."""
    default = space.tensors[0].default if space.tensors else None
    if isinstance(default, ast.List):
        return tuple(int(item.value) for item in default.items if isinstance(item, ast.Number))
    return (1, 32, 32)


def _diagnose_space(library: Library, name: str, checks: tuple[str, ...]) -> list[Diagnostic]:
    declaration = library.spaces[name]
    program = elaborate(library, Request(name, {}, input_of(declaration)))
    found: list[Diagnostic] = []
    if "relax" in checks:
        found += unrelaxable(program)
    if "sample" in checks:
        space, rng = SearchSpace(program), random.Random(0)
        genotypes = (space.sample(rng).values for _ in range(64))
        found += absent_outputs(program, genotypes, name_span(declaration))
    return found


def _diagnose_genotype(library: Library, declaration: ast.GenotypeDecl) -> None:
    assert isinstance(declaration.space, ast.Name)
    size = input_of(library.spaces[declaration.space.id])
    program = elaborate(library, Request(declaration.space.id, {}, size))
    if declaration.kind == "narrow":
        SearchSpace(program).restricted(read_narrowing(declaration, SearchSpace(program)))
        return
    genotype = Genotype.from_declaration(declaration, SearchSpace(program))
    elaborate(library, Request(declaration.space.id, {}, size, genotype.values, True))


def found(diagnostics: list[Diagnostic]) -> list[Expected]:
    """Diagnostics in the form of comments; of spans over several lines only the first line counts."""
    result = []
    for d in diagnostics:
        assert d.primary is not None, d
        span = d.primary.span
        width = len(span.text.split("\n")[0].rstrip())
        words = d.message if d.hint is None else f"{d.message} | {d.hint}"
        result.append(Expected(span.line, span.column, span.column + max(width, 1) - 1, d.code, words))
    return sorted(result)


def compare(text: str, diagnostics: list[Diagnostic]) -> list[str]:
    """What differs between the announced and the real errors; empty if nothing."""
    wanted, real = expected(text), found(diagnostics)
    problems = []
    for want in wanted:
        place = (want.line, want.first, want.last, want.code)
        match = next((r for r in real if (r.line, r.first, r.last, r.code) == place and want.words in r.words), None)
        if match is None:
            problems.append(f"announced, but not found: {want}")
        else:
            real.remove(match)
    return problems + [f"found, but not announced: {r}" for r in real]
