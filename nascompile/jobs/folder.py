"""Between a text and its run folder: the resolved spec that a run holds, and compiling it again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.diagnostics import error
from nascompile.files import write_text
from nascompile.resources import resource
from nascompile.runs import Run
from nascompile.space.genotype import Genotype
from nascompile.syntax import nodes as ast

SPEC = "spec.nas"
GENOTYPE = "genotype.nas"
WEIGHTS = "weights.safetensors"
FRONT_TEXT = "front.nas"
FOUND = "found"
"""The name of a run's genotype."""


def write_spec(run: Run, text: Compilation, search: str | None) -> None:
    """Write the resolved text, and copies of what it imports from its folder, into the run."""
    resolved, settings = _resolved(text, search)
    write_text(run.path(SPEC), resolved)
    _copy_imports(text.library.module, text.folder, run.folder, set())
    _copy_device(run, text, search)
    run.update(settings=settings)


def _copy_device(run: Run, text: Compilation, search: str | None) -> None:
    """A device file that `stage analog` names, written so that it needs no other file."""
    stage = text.search(search).analog if search is not None or len(text.library.searches) == 1 else None
    path = Path("" if stage is None else stage.device)
    if stage is not None and path.suffix and not path.is_absolute() and ".." not in path.parts:
        from nascompile.analog.device import load_device
        from nascompile.analog.device_text import device_text

        write_text(run.path(stage.device), device_text(load_device(stage.device, text.folder, stage.span)))


def _resolved(text: Compilation, search: str | None) -> tuple[str, list[str]]:
    """The text with its settings put in, and those settings that could not be."""
    if not text.settings:
        return text.source.text, []
    from nascompile.syntax.formatter import format_module

    module = text.library.module
    own = {id(d) for d in module.declarations}
    changed = text.resolved(search)
    if not all(id(before) in own for before, _ in changed):
        return text.source.text, [f"{s.name}={' '.join(s.value.span.text.split())}" for s in text.settings]
    by_id = {id(before): after for before, after in changed}
    declarations = tuple(by_id.get(id(d), d) for d in module.declarations)
    return format_module(dataclasses.replace(module, declarations=declarations), text.source), []


def _copy_imports(module: ast.Module, folder: Path, target: Path, seen: set[str]) -> None:
    from nascompile.source import Source
    from nascompile.syntax.parser import parse

    for entry in module.imports:
        name = "/".join(entry.path) + ".nas"
        path = folder / name
        if entry.path[0] == "std" or name in seen or not path.is_file():
            continue
        seen.add(name)
        content = path.read_text(encoding="utf-8")
        shipped = resource("specs") / name
        if not shipped.is_file() or shipped.read_text(encoding="utf-8") != content:
            write_text(target / name, content)
        _copy_imports(parse(Source(name, content)), path.parent, target, seen)


def reopen(run: Run, data: Path | None = None) -> Compilation:
    """The text of a run, compiled again; its data lies where it lay unless `data` says otherwise."""
    record = run.record()
    settings = [from_argument(text) for text in record.get("settings", ())]
    root = data or Path(record.get("data", run.folder))
    return Compilation.from_path(run.path(SPEC), root, settings)


def write_genotype(run: Run, genotype: Genotype) -> None:
    """Write `genotype.nas`: a text of its own, next to the spec whose space it is of."""
    write_text(run.path(GENOTYPE), genotype.to_text(FOUND, imports=[Path(SPEC).stem]))


def read_genotype(run: Run, data: Path | None = None) -> tuple[Compilation, Genotype]:
    """The genotype of a run with the compilation that it is read in. Raises NasError (`unfinished-search`)."""
    if not run.path(GENOTYPE).is_file():
        hint = "finish the search: `nascompile search SPEC --resume`"
        raise error("unfinished-search", f"the run `{run.name}` has no genotype yet", hint=hint)
    text = reopen(run, data)
    merged = Compilation.from_path(run.path(GENOTYPE), text.data, text.settings)
    return merged, merged.genotype(FOUND)


def read_front(run: Run, name: str, data: Path | None = None) -> tuple[Compilation, Genotype]:
    """A genotype of the front that a run found, by its name in `front.nas`; `found` is the one of `genotype.nas`.

    Raises NasError (`no-front`, `unknown-genotype`).
    """
    if name == FOUND:
        return read_genotype(run, data)
    if not run.path(FRONT_TEXT).is_file():
        hint = "only searches that try genotypes find one; leave `--genotype` out"
        raise error("no-front", f"the run `{run.name}` has no front", hint=hint)
    text = reopen(run, data)
    merged = Compilation.from_path(run.path(FRONT_TEXT), text.data, text.settings)
    return merged, merged.genotype(name)


def record_of(text: Compilation, command: str, search: str | None, **more: Any) -> dict[str, Any]:
    """The entries of a new `run.json`."""
    return {
        "command": command,
        "spec": Path(text.source.name).name,
        "search": search,
        "data": str(text.data.resolve()),
        "digest": text.digest_of(search),
        "step": "created",
        **more,
    }
