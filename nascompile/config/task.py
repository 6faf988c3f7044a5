"""`task NAME { ... }` to `data.task.Task`, with every mistake of the body at its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Any, get_args

from nascompile.config import readers
from nascompile.config.constants import Choice, choice
from nascompile.config.fields import Reader, read_fields
from nascompile.config.tables import METRICS
from nascompile.data.task import (
    PLANES,
    Augment,
    ByFolder,
    Folders,
    Kind,
    LabelRule,
    Layout,
    Listing,
    Normalise,
    Pairs,
    Ratio,
    Sampling,
    Slices,
    Split,
    SplitFile,
    Table,
    Task,
    Threshold,
    ValueMap,
    Window,
    union,
)
from nascompile.data.task import Natural as NaturalLabels
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.semantics.modules import Library
from nascompile.source import Span
from nascompile.syntax import nodes as ast

# Option names of each call, in the order of its positional arguments, and which of them must be given.
_LAYOUTS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "pairs": (("folder", "image", "label"), 2),
    "listing": (("folder", "path", "label"), 1),
    "table": (("folder", "image", "path", "id", "label", "group"), 2),
    "folders": (("folder",), 1),
}


def read_task(name: str, library: Library, root: Path, body: tuple[ast.Statement, ...] | None = None) -> Task:
    """The task `name` of a text; its data lies under `root`. `body` replaces the text's (overrides).

    Raises NasError with every mistake of the body.
    """
    return _read(name, library, root, body, ())


def _read(
    name: str, library: Library, root: Path, body: tuple[ast.Statement, ...] | None, chain: tuple[str, ...]
) -> Task:
    declaration = library.tasks[name]
    spans: dict[str, Span] = {"name": declaration.span}
    if declaration.value is not None:
        if name in chain:
            raise error("recursion", f"the task `{name}` is a part of itself", declaration.span)
        return _union(name, declaration.value, library, root, (*chain, name))
    fields = read_fields(f"task `{name}`", declaration.body if body is None else body, READERS, library)
    problems = list(fields.problems)
    for statement in fields.others:
        problems.append(Diagnostic("not-a-field", "a task holds `field = value` lines only", Label(statement.span)))
    if "data" not in fields.spans:
        hint = 'write `data = pairs("folder", image = "images/*.png", label = "labels/*.png")`'
        problems.append(Diagnostic("missing-field", f"task `{name}` has no `data`", Label(declaration.span), hint=hint))
    if problems:
        raise NasError(problems)
    spans |= fields.spans
    folder, layout = fields.values["data"]
    kind: Kind = fields.get("kind", "classification" if isinstance(layout, Table | Folders) else "segmentation")
    patch = fields.get("patch", None)
    if "slices" in fields.spans and (fields.get("rank", 2) != 2 or len(patch or (0, 0)) != 2):
        hint = "leave `slices` out to work on volumes, or write two sizes in `patch`"
        raise error("rank-mismatch", "planes of volumes are images of rank 2", fields.spans["slices"], hint=hint)
    rank = fields.get("rank", len(patch) if patch else 2)
    if patch is None:
        patch = (96,) * rank
    classes = fields.get("classes", ("background", "foreground"))
    if isinstance(classes, int):
        classes = tuple(str(i) for i in range(classes))
    metric = fields.get("metric", "dice" if kind == "segmentation" else "accuracy")
    _check_metric(metric, kind, fields.spans.get("metric"))
    default_split: Split = SplitFile() if not isinstance(layout, Table | Folders) else Ratio()
    return Task(
        name=name,
        root=inside(root, folder, fields.spans["data"]),
        layout=layout,
        kind=kind,
        classes=classes,
        channels=fields.get("channels", 1),
        rank=rank,
        patch=patch,
        split=fields.get("split", default_split),
        spacing=fields.get("spacing", None),
        normalise=fields.get("normalise", "zscore"),
        augment=fields.get("augment", ()),
        labels=fields.get("labels", NaturalLabels()),
        metric=metric,
        sampling=fields.get("sampling", "crop"),
        samples=fields.get("samples", 1),
        pad=fields.get("pad", True),
        slices=fields.get("slices", None),
        spans=MappingProxyType(spans),
    )


def inside(root: Path, name: str, span: Span | None) -> Path:
    """`root / name`; raises NasError (`outside-data-root`) if that is not under `root`, links followed."""
    pure = PurePosixPath(name.replace("\\", "/"))
    path = root / pure
    windows = PureWindowsPath(name)
    escapes = pure.is_absolute() or bool(windows.drive) or ".." in pure.parts
    if escapes or not path.resolve().is_relative_to(root.resolve()):
        hint = "paths are relative to the text's folder; `--data DIR` sets another"
        raise error("outside-data-root", f"`{name}` lies outside of the data root", span, hint=hint)
    return path


def _union(name: str, expr: ast.Expr, library: Library, root: Path, chain: tuple[str, ...]) -> Task:
    if not isinstance(expr, ast.Call) or not isinstance(expr.callee, ast.Name) or expr.callee.id != "union":
        raise error("not-a-task", f"`{expr.span.text}` is no task", expr.span, hint="write `union(first, second)`")
    parts = []
    for argument in expr.arguments:
        part = argument.value
        if not isinstance(part, ast.Name) or part.id not in library.tasks:
            hint = did_you_mean(part.id, library.tasks) if isinstance(part, ast.Name) else None
            raise error("unknown-task", f"there is no task `{part.span.text}`", part.span, hint=hint)
        parts.append(_read(part.id, library, root, None, chain))
    if not parts:
        raise error("not-a-task", "`union` needs tasks", expr.span, hint="write `union(first, second)`")
    return union(name, tuple(parts), spans={"name": library.tasks[name].span})


def _check_metric(name: str, kind: Kind, span: Span | None) -> None:
    usable = [metric for metric, kinds in METRICS.items() if kind in kinds]
    if name not in usable:
        message = f"`{name}` does not measure a {kind}" if name in METRICS else f"there is no metric `{name}`"
        raise error(
            "unknown-metric", message, span, hint=did_you_mean(name, usable) or f"there are {', '.join(usable)}"
        )


def _arguments(expr: ast.Expr, library: Library, names: tuple[str, ...], needed: int) -> dict[str, Any]:
    """Positional and named arguments of a call by name."""
    found = choice(expr, library)
    if len(found.positional) > len(names):
        raise error("too-many-arguments", f"`{found.name}` takes {', '.join(names) or 'no arguments'}", expr.span)
    values = dict(zip(names, found.positional, strict=False))
    for option, value in found.options.items():
        if option not in names:
            hint = did_you_mean(option, names) or f"it takes {', '.join(names)}"
            raise error("unknown-option", f"`{found.name}` has no option `{option}`", expr.span, hint=hint)
        if option in values:
            raise error("duplicate-option", f"`{option}` is given twice", expr.span)
        values[option] = value
    for name in names[:needed]:
        if name not in values:
            raise error("missing-argument", f"`{found.name}` needs `{name}`", expr.span)
    return values


def _data(expr: ast.Expr, library: Library) -> tuple[str, Layout]:
    found = choice(expr, library)
    if found.name not in _LAYOUTS:
        hint = did_you_mean(found.name, _LAYOUTS) or f"there are {', '.join(_LAYOUTS)}"
        raise error("unknown-layout", f"there is no data layout `{found.name}`", expr.span, hint=hint)
    names, needed = _LAYOUTS[found.name]
    values = _arguments(expr, library, names, needed)
    _only_texts(values, expr)
    folder = values.pop("folder")
    for key in ("image", "label", "path"):
        for pattern in _texts(values.get(key)) if found.name in ("pairs", "table") or key == "path" else ():
            if ".." in PurePosixPath(pattern).parts or PurePosixPath(pattern).is_absolute():
                raise error("outside-data-root", f"`{pattern}` lies outside of the data root", expr.span)
    layouts: Mapping[str, type[Any]] = {"pairs": Pairs, "listing": Listing, "table": Table, "folders": Folders}
    return folder, layouts[found.name](**values)


def _texts(value: Any) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _only_texts(values: Mapping[str, Any], expr: ast.Expr) -> None:
    for name, value in values.items():
        several = name == "image" and isinstance(value, tuple) and all(isinstance(v, str) for v in value)
        if not isinstance(value, str) and not several:
            raise error("bad-option", f"`{name}` is no text", expr.span, hint=f'write `{name} = "..."`')


def _split(expr: ast.Expr, library: Library) -> Split:
    if isinstance(expr, ast.String):
        return SplitFile(expr.value)
    found = choice(expr, library)
    if found.name == "ratio":
        values = _arguments(expr, library, ("train", "val", "test", "seed"), 3)
        _only_numbers(values, expr)
        return Ratio(**values)
    if found.name == "by_folder":
        return ByFolder()
    hint = (
        did_you_mean(found.name, ("ratio", "by_folder"))
        or 'write "splits.json", `ratio(0.7, 0.15, 0.15)` or `by_folder`'
    )
    raise error("unknown-split", f"there is no split `{found.name}`", expr.span, hint=hint)


def _only_numbers(values: Mapping[str, Any], expr: ast.Expr) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise error("bad-option", f"`{name}` has to be a number", expr.span)


def _classes(expr: ast.Expr, library: Library) -> tuple[str, ...] | int:
    if isinstance(expr, ast.List):
        return readers.words(expr, library)
    return int(readers.integer(2)(expr, library))


def _normalise(expr: ast.Expr, library: Library) -> Normalise:
    if isinstance(expr, ast.Call):
        values = _arguments(expr, library, ("low", "high"), 2)
        found = choice(expr, library)
        if found.name != "window":
            hint = did_you_mean(found.name, ("window",)) or "write `window(low, high)`"
            raise error("unknown-word", f"`{found.name}` is not known here", expr.span, hint=hint)
        _only_numbers(values, expr)
        return Window(**values)
    value: Normalise = readers.word("zscore", "scale", "none")(expr, library)
    return value


def _augment(expr: ast.Expr, library: Library) -> Augment:
    values = _arguments(expr, library, ("amount", "probability"), 0)
    _only_numbers(values, expr)
    return Augment(choice(expr, library).name, span=expr.span, **values)


def _labels(expr: ast.Expr, library: Library) -> LabelRule:
    found: Choice = choice(expr, library)
    if found.name == "natural":
        return NaturalLabels()
    if found.name == "threshold":
        values = _arguments(expr, library, ("at",), 0)
        _only_numbers(values, expr)
        return Threshold(**values)
    if found.name == "map":
        pairs = found.positional
        if not pairs or not all(isinstance(p, tuple) and len(p) == 2 for p in pairs):
            raise error(
                "bad-option",
                "`map` takes pairs of a raw value and a class",
                expr.span,
                hint="write `map([0, 0], [255, 1])`",
            )
        return ValueMap(tuple((int(a), int(b)) for a, b in pairs))
    names = ("natural", "threshold", "map")
    hint = did_you_mean(found.name, names) or f"there are {', '.join(names)}"
    raise error("unknown-word", f"`{found.name}` is not known here", expr.span, hint=hint)


def _slices(expr: ast.Expr, library: Library) -> Slices:
    found = choice(expr, library)
    if found.name not in PLANES:
        hint = did_you_mean(found.name, PLANES) or f"there are {', '.join(PLANES)}"
        raise error("unknown-word", f"`{found.name}` is no plane", expr.span, hint=hint)
    values = _arguments(expr, library, ("every", "foreground"), 0)
    every, foreground = values.get("every", 1), values.get("foreground", True)
    if isinstance(every, bool) or not isinstance(every, int) or every < 1 or not isinstance(foreground, bool):
        hint = "write `axial(every = 2, foreground = true)`"
        raise error("bad-option", "`every` is a whole number above 0, `foreground` true or false", expr.span, hint=hint)
    return Slices(PLANES[PLANES.index(found.name)], every, foreground)


READERS: dict[str, Reader] = {
    "data": _data,
    "split": _split,
    "kind": readers.word(*get_args(Kind)),
    "classes": _classes,
    "channels": readers.integer(1),
    "rank": readers.integer(2),
    "patch": readers.integers,
    "spacing": readers.reals,
    "normalise": _normalise,
    "augment": readers.listed(_augment),
    "labels": _labels,
    "metric": readers.word(),
    "sampling": readers.word(*get_args(Sampling)),
    "samples": readers.integer(1),
    "pad": readers.boolean,
    "slices": _slices,
}
