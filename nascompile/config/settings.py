"""Overrides from the command line (`--set name=value`) and from YAML run files, with spans of their own.

A setting's value is an expression of the language, so it is checked by the same readers as the text. Its name is a
field of the search or the task, or a parameter of the space; a dot goes into it (`weights.lr`). `search.`, `space.`,
`task.`, `train.` and the name of a stage in front say where to look; without one, the search comes first, then the
space, then the task.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nascompile.config import search as search_fields
from nascompile.config import task as task_fields
from nascompile.config.stages import stage_readers
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.source import NOWHERE, Source, Span
from nascompile.syntax import nodes as ast
from nascompile.syntax.parser import parse_expression


@dataclass(frozen=True, slots=True)
class Setting:
    """`path` in words, the expression to put there, and where the user wrote the name."""

    path: tuple[str, ...]
    value: ast.Expr
    span: Span

    @property
    def name(self) -> str:
        return ".".join(self.path)


def from_argument(text: str) -> Setting:
    """The setting of `--set name=value`. Raises NasError (`bad-setting`, and what the expression gives)."""
    source = Source("--set", text)
    name, equals, value = text.partition("=")
    path = tuple(part.strip() for part in name.split("."))
    if not equals or not value.strip() or not all(part.isidentifier() for part in path):
        hint = "write `--set name=value`, for instance `--set budget='5 epochs'`"
        raise error("bad-setting", f"`{text}` sets nothing", Span(source, 0, len(text)), hint=hint)
    return Setting(path, parse_within(source, len(name) + 1, len(text)), Span(source, 0, len(name)))


def from_yaml(path: Path) -> list[Setting]:
    """The settings of a YAML run file, nested mappings as dots.

    Raises NasError: `missing-file`, `unreadable-text`, `bad-run-file`, and what the expressions give.
    """
    import yaml

    try:
        source = Source(str(path), path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error("missing-file", f"there is no run file `{path}`") from None
    except (OSError, UnicodeDecodeError) as cause:
        raise error("unreadable-text", f"`{path}` cannot be read: {cause}") from cause
    try:
        root = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark
        at = min(mark.index if mark is not None else 0, max(len(source.text) - 1, 0))
        raise error("bad-run-file", f"this is no YAML: {cause.problem}", Span(source, at, at + 1)) from None
    if root is None:
        return []
    return list(_settings(root, (), source))


def _settings(node: Any, prefix: tuple[str, ...], source: Source) -> Iterable[Setting]:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        span = Span(source, node.start_mark.index, node.end_mark.index)
        raise error("bad-run-file", "a run file is a mapping of names to values", span, hint="write `budget: 5 epochs`")
    for key, value in node.value:
        path = (*prefix, *str(key.value).split("."))
        if isinstance(value, yaml.MappingNode):
            yield from _settings(value, path, source)
        else:
            span = Span(source, key.start_mark.index, key.end_mark.index)
            yield Setting(path, _yaml_value(value, source), span)


def _yaml_value(node: Any, source: Source) -> ast.Expr:
    import yaml

    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.SequenceNode):
        items = tuple(_yaml_value(item, source) for item in node.value)
        return ast.List(items, span=Span(source, start, end))
    if isinstance(node, yaml.MappingNode):
        raise error("bad-run-file", "a mapping cannot stand in a list", Span(source, start, end))
    if node.style in ("'", '"'):
        start, end = start + 1, end - 1
    return parse_within(source, start, end)


def parse_within(source: Source, start: int, end: int) -> ast.Expr:
    """The expression that stands in a part of a text; its spans, and those of errors, are in the whole text."""
    part = Source(source.name, source.text[start:end])
    try:
        expr = parse_expression(part)
    except NasError as failure:
        raise NasError([_moved_diagnostic(d, part, source, start) for d in failure.diagnostics]) from None
    moved: ast.Expr = _moved(expr, part, source, start)
    return moved


def _moved(value: Any, part: Source, source: Source, start: int) -> Any:
    """A tree with the spans in `part` replaced by those in `source`."""
    if isinstance(value, Span):
        return Span(source, value.start + start, value.end + start) if value.source is part else value
    if isinstance(value, tuple):
        return tuple(_moved(item, part, source, start) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Source):
        changes = {f.name: _moved(getattr(value, f.name), part, source, start) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **changes)
    return value


def _moved_diagnostic(diagnostic: Diagnostic, part: Source, source: Source, start: int) -> Diagnostic:
    moved: Diagnostic = _moved(diagnostic, part, source, start)
    return moved


@dataclass(frozen=True, slots=True)
class Targets:
    """What settings may change: declarations of a text, any of them absent."""

    search: ast.SearchDecl | None = None
    task: ast.TaskDecl | None = None
    space: ast.OpDecl | None = None


@dataclass(frozen=True, slots=True)
class Overridden:
    """The declarations with the settings put in, and the space's arguments that were set."""

    search: ast.SearchDecl | None
    task: ast.TaskDecl | None
    space: tuple[ast.Argument, ...]


def apply_settings(settings: Sequence[Setting], targets: Targets) -> Overridden:
    """Put settings into declarations. Raises NasError with an `unknown-setting` for each that has no place."""
    problems: list[Diagnostic] = []
    search, task = targets.search, targets.task
    arguments: dict[str, ast.Argument] = {}
    for setting in settings:
        place, path = _place(setting.path, targets)
        if place == "search" and search is not None:
            search = dataclasses.replace(search, body=_put(search.body, path, setting))
        elif search is not None and place in ("train", "analog", *_stages(search)):
            search = dataclasses.replace(search, body=_put_stage(search.body, place, path, setting))
        elif place == "task" and task is not None:
            task = dataclasses.replace(task, body=_put(task.body, path, setting))
        elif place == "space" and len(path) == 1:
            arguments[path[0]] = ast.Argument(path[0], setting.value, span=setting.value.span)
        else:
            problems.append(_unknown(setting, targets))
    if problems:
        raise NasError(problems)
    if search is not None:
        search = dataclasses.replace(search, space=with_arguments(search.space, arguments.values()))
    return Overridden(search, task, tuple(arguments.values()))


def with_arguments(call: ast.Expr, arguments: Iterable[ast.Argument]) -> ast.Expr:
    """A call (or a name) with named arguments put in, earlier ones of the same name replaced."""
    given = tuple(arguments)
    if not given:
        return call
    callee, before = (call.callee, call.arguments) if isinstance(call, ast.Call) else (call, ())
    names = {argument.name for argument in given}
    kept = tuple(argument for argument in before if argument.name not in names)
    return ast.Call(callee, (*kept, *given), None, span=call.span)


def _place(path: tuple[str, ...], targets: Targets) -> tuple[str | None, tuple[str, ...]]:
    first, rest = path[0], path[1:]
    names = _names(targets)
    if rest and first in names:
        return (first, rest) if rest[0] in names[first] else (None, path)
    for place in ("search", "space", "task"):
        if first in names.get(place, ()):
            return place, path
    return None, path


def _names(targets: Targets) -> dict[str, list[str]]:
    """The names that may be set, by place."""
    names: dict[str, list[str]] = {}
    if targets.search is not None:
        names["search"] = list(search_fields.READERS)
        names["train"] = list(search_fields.TRAIN_READERS)
        staged = list(stage_readers(targets.space, search_fields.READERS))
        names.update({name: staged for name in _stages(targets.search)})
        names["analog"] = list(search_fields.ANALOG_READERS)
        if "trial" in names:
            names["trial"] = list(search_fields.TRIAL_READERS)
    if targets.space is not None:
        names["space"] = [p.name for p in targets.space.parameters]
    if targets.task is not None and targets.task.value is None:
        names["task"] = list(task_fields.READERS)
    return names


def _unknown(setting: Setting, targets: Targets) -> Diagnostic:
    names = _names(targets)
    known = [n for place in ("search", "space", "task") for n in names.get(place, ())]
    known += [f"{place}.{n}" for place, row in names.items() for n in row]
    hint = (
        did_you_mean(setting.name, known) or f"there are {', '.join(dict.fromkeys(n for n in known if '.' not in n))}"
    )
    return Diagnostic("unknown-setting", f"there is no `{setting.name}` to set", Label(setting.span), hint=hint)


def _put(body: tuple[ast.Statement, ...], path: tuple[str, ...], setting: Setting) -> tuple[ast.Statement, ...]:
    for number, statement in enumerate(body):
        if isinstance(statement, ast.Assign) and statement.target == ast.Name(path[0]):
            value = _patched(statement.value, path[1:], setting)
            changed = dataclasses.replace(statement, value=value)
            return (*body[:number], changed, *body[number + 1 :])
    if len(path) > 1:
        hint = f"the text has no `{path[0]}`; set it as a whole"
        raise NasError(
            [Diagnostic("unknown-setting", f"there is no `{setting.name}` to set", Label(setting.span), hint=hint)]
        )
    target = ast.Name(path[0], span=setting.span)
    return (*body, ast.Assign(target, setting.value, span=NOWHERE))


def _stages(search: ast.SearchDecl) -> list[str]:
    """The stages that search, in text order."""
    return [s.name for s in search.body if isinstance(s, ast.Stage) and s.name != "train"]


def _put_stage(
    body: tuple[ast.Statement, ...], name: str, path: tuple[str, ...], setting: Setting
) -> tuple[ast.Statement, ...]:
    for number, statement in enumerate(body):
        if isinstance(statement, ast.Stage) and statement.name == name:
            changed = dataclasses.replace(statement, body=_put(statement.body, path, setting))
            return (*body[:number], changed, *body[number + 1 :])
    return (*body, ast.Stage(name, _put((), path, setting)))


def _patched(expr: ast.Expr, path: tuple[str, ...], setting: Setting) -> ast.Expr:
    """An expression with the option at `path` replaced: `lr` in `sgd(lr = 0.1)`."""
    if not path:
        return setting.value
    if not isinstance(expr, ast.Name | ast.Call):
        message = f"there is no `{setting.name}` to set"
        hint = f"`{' '.join(expr.span.text.split())}` has no options"
        raise NasError([Diagnostic("unknown-setting", message, Label(setting.span), hint=hint)])
    before = next((a for a in expr.arguments if a.name == path[0]), None) if isinstance(expr, ast.Call) else None
    if before is None and len(path) > 1:
        before = ast.Argument(path[0], ast.Name(path[0]))
    value = setting.value if before is None else _patched(before.value, path[1:], setting)
    return with_arguments(expr, [ast.Argument(path[0], value, span=setting.span)])
