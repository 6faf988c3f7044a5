"""The one driver: a text with its overrides, asked for spaces, networks, tasks and searches. Each phase runs once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from nascompile.config.constants import SpaceCall, argument_value, constant, space_call, with_classes
from nascompile.config.declared import one as _one
from nascompile.config.declared import space_name
from nascompile.config.search import SearchConfig, read_search
from nascompile.config.settings import Overridden, Setting, Targets, apply_settings
from nascompile.config.stages import check_keep
from nascompile.config.task import read_task
from nascompile.diagnostics import Diagnostic, NasError, did_you_mean, error
from nascompile.ir.program import Program
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.semantics.penalties import check_penalty
from nascompile.semantics.relaxation import require_relaxable
from nascompile.source import Source, Span
from nascompile.syntax import nodes as ast

if TYPE_CHECKING:
    from nascompile.data.task import Task
    from nascompile.space.genotype import Genotype
    from nascompile.space.space import SearchSpace

Input = tuple[int, ...]
"""Channels, then the spatial size."""
Left = Mapping[str, tuple[Any, ...]]
"""What a narrowing leaves of the candidates, by decision path."""
WHOLE: Left = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Compilation:
    """A text, the folder that its imports and its data are relative to, and settings that override it.

    `chosen` is the search that settings are for, in a text with several; None: all of them.
    """

    source: Source
    folder: Path
    data: Path
    settings: tuple[Setting, ...] = ()
    input: Input | None = None
    chosen: str | None = None
    _programs: dict[Any, Program] = field(default_factory=dict, repr=False)
    _spaces: dict[int, SearchSpace] = field(default_factory=dict, repr=False)

    @classmethod
    def from_path(
        cls, path: Path, root: Path | None = None, settings: Sequence[Setting] = (), input: Input | None = None,
        chosen: str | None = None,
    ) -> Compilation:  # fmt: skip
        """The text at `path`; data lies under `root` (by default the text's folder). Raises NasError."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            near = sorted(p.name for p in path.parent.glob("*.nas")) if path.parent.is_dir() else []
            hint = did_you_mean(path.name, near)
            raise error("missing-file", f"there is no file `{path}`", hint=hint) from None
        except UnicodeDecodeError:
            raise error("unreadable-text", f"`{path}` is not UTF-8 text") from None
        except OSError as cause:
            raise error("unreadable-text", f"`{path}` cannot be read: {cause.strerror or cause}") from None
        return cls(Source(str(path), text), path.parent, root or path.parent, tuple(settings), input, chosen)

    @classmethod
    def from_text(
        cls, text: str, name: str = "<text>", folder: Path = Path(), settings: Sequence[Setting] = ()
    ) -> Compilation:
        """A text that is no file; imports and data are relative to `folder`."""
        return cls(Source(name, text), folder, folder, tuple(settings))

    @cached_property
    def library(self) -> Library:
        """The module with everything it imports. Raises NasError."""
        return load(self.source, self.folder)

    # --- what the text declares ---

    def search(self, name: str | None = None) -> SearchConfig:
        """The search `name`, or the only one, with the settings put in. Raises NasError."""
        declaration = self._search_declaration(name)
        return read_search(self._overridden(declaration).search or declaration, self.library)

    def search_declaration(self, name: str | None = None) -> ast.SearchDecl:
        """The declaration that `search` reads, settings included."""
        declaration = self._search_declaration(name)
        return self._overridden(declaration).search or declaration

    def task(self, name: str | None = None, search: str | None = None) -> Task:
        """The task `name`, or the one of the search, or the only one, with the settings put in. Raises NasError."""
        declaration = None
        if search is not None or (name is None and self.library.searches):
            declaration = self._search_declaration(search)
        elif name is not None:
            declaration = next((d for d in self.library.searches.values() if d.task == ast.Name(name)), None)
        if name is None and declaration is not None and isinstance(declaration.task, ast.Name):
            found = self._find_task(declaration.task.id, declaration.task.span)
        else:
            found = self._find_task(name)
        given = self.settings if declaration is None else self._settings_of(declaration)
        if not given:
            return read_task(found.name, self.library, self.data)
        space = None if declaration is None else self.library.spaces.get(space_name(declaration.space))
        changed = apply_settings(given, Targets(declaration, found, space)).task
        return read_task(found.name, self.library, self.data, None if changed is None else changed.body)

    def genotype(self, name: str | None = None) -> Genotype:
        """The genotype `name`, or the only one of the text, checked against its space. Raises NasError."""
        from nascompile.profile.opening import for_genotypes
        from nascompile.space.genotype import Genotype

        declaration = self.genotype_declaration(name)
        call = self.call_of(declaration.space)
        return Genotype.from_declaration(declaration, for_genotypes(self.open_space, call, self.input_of(call)))

    def genotype_declaration(self, name: str | None = None) -> ast.GenotypeDecl:
        """The declaration of the genotype `name`, or of the only one. Raises NasError (`unknown-genotype`)."""
        found = {n: d for n, d in self.library.genotypes.items() if d.kind == "genotype"}
        return _one("genotype", found, name, [d for d in self._own(ast.GenotypeDecl) if d.kind == "genotype"])

    # --- spaces and networks ---

    def call(self, space: str | None = None, search: str | None = None) -> SpaceCall:
        """The space `space` with the settings' arguments; else that of the search; else the only one of the text."""
        if space is None and (search is not None or self.library.searches):
            return self.search(search).space
        own = [self.library.spaces[name] for name in self.library.own_spaces()]
        declaration = _one("space", self.library.spaces, space, own)
        changed = apply_settings(self.settings, Targets(space=declaration)).space
        by_name = {p.name: p for p in declaration.parameters}
        arguments = {a.name: argument_value(a.value, by_name.get(a.name or ""), self.library) for a in changed}
        return SpaceCall(
            declaration.name, MappingProxyType({k or "": v for k, v in arguments.items()}), declaration.span
        )

    def call_of(self, expr: ast.Expr) -> SpaceCall:
        """The space of a genotype's header, with the settings that are the space's. Raises NasError."""
        call = space_call(expr, self.library)
        return self.adjusted(call)

    def adjusted(self, call: SpaceCall) -> SpaceCall:
        """A call with those settings put in that are parameters of its space."""
        declaration = self.library.spaces[call.name]
        about = self.library.searches.get(self.chosen or "")
        if about is not None and space_name(about.space) != call.name:
            return call
        by_name = {p.name: p for p in declaration.parameters}
        arguments = dict(call.arguments)
        for setting in self.settings:
            path = setting.path[1:] if setting.path[0] == "space" else setting.path
            if len(path) == 1 and path[0] in by_name:
                arguments[path[0]] = argument_value(setting.value, by_name[path[0]], self.library)
        return replace(call, arguments=MappingProxyType(arguments))

    def program(
        self,
        call: SpaceCall,
        input: Input | None = None,
        binding: Mapping[str, Any] | None = None,
        *,
        is_fixed: bool = False,
        candidates: Left = WHOLE,
    ) -> Program:
        """Elaborate a space with its decisions open, or bound by `binding`. Raises NasError."""
        size = input or self.input_of(call)
        frozen = None if binding is None else tuple(sorted((k, _frozen(v)) for k, v in binding.items()))
        left = tuple(sorted((k, _frozen(v)) for k, v in candidates.items()))
        given = tuple(sorted((k, _frozen(v)) for k, v in call.arguments.items()))
        key = (call.name, given, size, frozen, is_fixed, left)
        if key not in self._programs:
            request = Request(call.name, call.arguments, size, binding, is_fixed, call.span, candidates)
            self._programs[key] = elaborate(self.library, request)
        return self._programs[key]

    def space(
        self, name: str | None = None, arguments: Mapping[str, Any] | None = None, input: Input | None = None
    ) -> SearchSpace:
        """The search space `name` (or the search's, or the only one). Raises NasError."""
        call = self.call(name)
        if arguments:
            call = replace(call, arguments=MappingProxyType({**call.arguments, **arguments}))
        return self.open_space(call, input)

    def open_space(self, call: SpaceCall, input: Input | None = None, candidates: Left = WHOLE) -> SearchSpace:
        """The search space of a call with its arguments, or what a narrowing leaves of it (`candidates`)."""
        from nascompile.profile.opening import opened

        program = self.program(call, input, candidates=candidates)
        if id(program) not in self._spaces:
            self._spaces[id(program)] = opened(self.library, program, dict(call.arguments))
        return self._spaces[id(program)]

    def require_outputs(self, space: SearchSpace) -> None:
        """Refuse a space some of whose genotypes lose an output. Raises NasError (`absent-output`)."""
        from nascompile.space.feasible import check_outputs

        check_outputs(space, self.library.spaces[space.name].span)

    def network(
        self,
        genotype: Genotype,
        input: Input | None = None,
        arguments: Mapping[str, Any] | None = None,
        *,
        is_fixed: bool = True,
    ) -> Program:
        """The network of a genotype: the retrained one, or with `is_fixed` false the subnet. Raises NasError."""
        call = self.call_for(genotype, arguments)
        return self.program(call, input, dict(genotype.values), is_fixed=is_fixed)

    def call_for(self, genotype: Genotype, arguments: Mapping[str, Any] | None = None) -> SpaceCall:
        """The space of a genotype with its arguments, some of them replaced."""
        given = {**genotype.arguments, **(arguments or {})}
        return SpaceCall(genotype.space, MappingProxyType(given), self.library.spaces[genotype.space].span)

    def input_of(self, call: SpaceCall) -> Input:
        """The input of a space: `--input`, else the task's of a search over it, else the default of its parameter,
        else that of the first search (which may compare with it) or of the only task.

        Raises NasError (`missing-input`).
        """
        if self.input is not None:
            return self.input
        for declaration in self.library.searches.values():
            if space_name(declaration.space) == call.name and isinstance(declaration.task, ast.Name):
                task = self.task(search=declaration.name)
                return (task.channels, *task.patch)
        declaration_ = self.library.spaces[call.name]
        default = declaration_.tensors[0].default if declaration_.tensors else None
        if default is None and self.library.searches:
            task = self.task(search=next(iter(self.library.searches)))
            return (task.channels, *task.patch)
        if default is None and len(self._own(ast.TaskDecl)) == 1:
            task = self.task(self._own(ast.TaskDecl)[0].name)
            return (task.channels, *task.patch)
        if default is None:
            hint = f"write `{call.name}(x: image = [1, 64, 64]; ...)`, or pass `--input 1x64x64`"
            raise error("missing-input", f"no input size is known for `{call.name}`", declaration_.span, hint=hint)
        value = constant(default, self.library)
        if not isinstance(value, tuple) or not all(isinstance(v, int) and v > 0 for v in value):
            hint = "write `[1, 64, 64]`"
            raise error("bad-input", "an input is a list of channels and sizes", default.span, hint=hint)
        return value

    # --- checking ---

    def check(self) -> list[Diagnostic]:
        """Every mistake found: syntax, names, then all spaces, genotypes, tasks and searches of the text itself."""
        try:
            library = self.library
        except NasError as failure:
            return sorted(failure.diagnostics, key=Diagnostic.sort_key)
        problems = _static(library)
        steps: list[Callable[[], object]] = [
            *((lambda n=name: self._check_space(self.adjusted(self.call_alone(n)))) for name in library.own_spaces()),
            *((lambda d=d: self.search(d.name)) for d in self._own(ast.SearchDecl)),
            *((lambda d=d: self._check_search(d)) for d in self._own(ast.SearchDecl)),
            *((lambda d=d: self._check_task(d)) for d in self._own(ast.TaskDecl)),
            *((lambda d=d: self._check_genotype(d)) for d in self._own(ast.GenotypeDecl)),
        ]
        for step in steps:
            try:
                step()
            except NasError as failure:
                problems += failure.diagnostics
        return sorted(_without_echo(dict.fromkeys(problems)), key=Diagnostic.sort_key)

    def call_alone(self, name: str) -> SpaceCall:
        """A space with its defaults."""
        return SpaceCall(name, MappingProxyType({}), self.library.spaces[name].span)

    def resolved(self, search: str | None = None) -> list[tuple[ast.Declaration, ast.Declaration]]:
        """The search with its task, or the only task: declarations as written, each with its settings put in."""
        if search is None and not self.library.searches:
            if not self.library.tasks:
                return []
            task = self._find_task(None)
            return [(task, apply_settings(self.settings, Targets(task=task)).task or task)]
        declaration = self._search_declaration(search)
        changed = self._overridden(declaration)
        pairs: list[tuple[ast.Declaration, ast.Declaration]] = [(declaration, changed.search or declaration)]
        if changed.task is not None:
            pairs.append((self.library.tasks[changed.task.name], changed.task))
        return pairs

    def digest_of(self, search: str | None = None) -> str:
        """A name for what the text and its imports mean, settings put in: equal digests, equal meaning."""
        from nascompile.syntax.formatter import format_declaration

        library = self.library
        changed = {id(before): after for before, after in self.resolved(search)}
        declared = [*library.names.values(), *library.genotypes.values(), *library.tasks.values()]
        parts = [format_declaration(changed.get(id(d), d)) for d in (*declared, *library.searches.values())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    # --- within ---

    def _check_space(self, call: SpaceCall) -> SearchSpace:
        """A space that elaborates and has genotypes."""
        from nascompile.space.feasible import check_space

        space = self.open_space(call)
        check_space(space)
        if space.limits:
            from nascompile.profile.feasibility import require_reachable

            require_reachable(self.library, space)
        return space

    def _check_search(self, declaration: ast.SearchDecl) -> None:
        """The spaces of all stages, with what penalties and kept operators say of them."""
        config = self.search(declaration.name)
        for stage in config.stages:
            check_keep(stage, self.program(stage.config.space).decisions)
        for each in (config, *(stage.config for stage in config.stages)):
            space = self._check_space(with_classes(each.space, self.library, self.task(search=declaration.name)))
            if each.sampling is None and each.narrowing is None:
                require_relaxable(space.program, declaration.task.span)
            if each.penalty is not None and (problems := check_penalty(each.penalty, space.program)):
                raise NasError(problems)
            if each.where:
                from nascompile.profile.feasibility import require_feasible

                require_feasible(each.where, self.library, space, lambda expr: constant(expr, self.library))

    def _check_task(self, declaration: ast.TaskDecl) -> None:
        """What a task's text says, without looking at its files."""
        from nascompile.data.augment import check_augmentations

        problems = check_augmentations(read_task(declaration.name, self.library, self.data))
        if problems:
            raise NasError(problems)

    def _check_genotype(self, declaration: ast.GenotypeDecl) -> None:
        if declaration.kind == "genotype":
            self.network(self.genotype(declaration.name))
            return
        from nascompile.space.narrowing import read_narrowing

        call = self.call_of(declaration.space)
        self.program(call, candidates=read_narrowing(declaration, self.open_space(call)))

    def _overridden(self, declaration: ast.SearchDecl) -> Overridden:
        task = declaration.task.id if isinstance(declaration.task, ast.Name) else ""
        space = self.library.spaces.get(space_name(declaration.space))
        targets = Targets(declaration, self.library.tasks.get(task), space)
        return apply_settings(self._settings_of(declaration), targets)

    def _settings_of(self, declaration: ast.SearchDecl) -> tuple[Setting, ...]:
        return self.settings if self.chosen in (None, declaration.name) else ()

    def _search_declaration(self, name: str | None) -> ast.SearchDecl:
        return _one("search", self.library.searches, name, self._own(ast.SearchDecl))

    def _find_task(self, name: str | None, span: Span | None = None) -> ast.TaskDecl:
        if name is not None and name not in self.library.tasks:
            hint = did_you_mean(name, self.library.tasks)
            raise error("unknown-task", f"there is no task `{name}`", span, hint=hint)
        return _one("task", self.library.tasks, name, self._own(ast.TaskDecl))

    def _own(self, kind: type[D]) -> list[D]:
        return [d for d in self.library.module.declarations if isinstance(d, kind)]


D = TypeVar("D")


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list | tuple) else (type(value).__name__, repr(value))


def _static(library: Library) -> list[Diagnostic]:
    """What is wrong with names in bodies, also those that no space reaches."""
    from nascompile.semantics.names import check_library

    return list(check_library(library))


def _without_echo(problems: Mapping[Diagnostic, None]) -> list[Diagnostic]:
    """Two phases may find the same mistake at the same place; the one found first stays."""
    seen = set()
    kept = []
    for problem in problems:
        at = None if problem.primary is None else (problem.primary.span.source.name, problem.primary.span.start)
        if (problem.code, at) not in seen:
            seen.add((problem.code, at))
            kept.append(problem)
    return kept
