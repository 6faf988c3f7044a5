"""A surrogate's file: JSON of plain numbers with a version. Reading runs no code, and tells what is wrong and where."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.files import write_text
from nascompile.search.surrogate.agreement import Agreement
from nascompile.search.surrogate.columns import COSTS
from nascompile.search.surrogate.model import Domain, HeldOut, Surrogate
from nascompile.search.surrogate.trees import Member, Tree
from nascompile.source import Source, Span

FORMAT = "nascompile surrogate 1"

_HINT = "write it again with `nascompile surrogate fit`"
_LISTS = ("feature", "threshold", "left", "right", "value")


def load(path: Path, span: Span | None = None) -> Surrogate:
    """The surrogate of a file. Raises NasError (`missing-file` at `span`; `bad-surrogate`, several at once, in it)."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "`nascompile surrogate fit RUN --target MEASURE --out FILE` writes one"
        raise error("missing-file", f"there is no surrogate `{path}`", span, hint=hint) from None
    except UnicodeDecodeError:
        raise error("bad-surrogate", f"`{path}` is no text", span, hint=_HINT) from None
    return read(text, str(path))


def read(text: str, name: str) -> Surrogate:
    """The surrogate that a text says. Raises NasError (`bad-surrogate`)."""
    source = Source(name, text)
    try:
        data = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as cause:
        at = Span(source, min(cause.pos, len(text)), min(cause.pos + 1, len(text)))
        raise error("bad-surrogate", f"it is no JSON: {cause.msg.lower()}", at, hint=_HINT) from None
    except (ValueError, RecursionError) as cause:
        raise error("bad-surrogate", f"it is no JSON: {cause}", Span(source, 0, 0), hint=_HINT) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        start = max(text.find('"format"'), 0)
        line = Span(source, start, start + len(text[start:].partition("\n")[0]))
        raise error("bad-surrogate", f'it does not start with `"format": "{FORMAT}"`', line, hint=_HINT)
    reader = _Reader(source)
    found = reader.surrogate(data)
    if reader.problems or found is None:
        raise NasError(reader.problems)
    return found


def write(path: Path, surrogate: Surrogate) -> None:
    """Write the file. Raises what `nascompile.files.written_whole` raises."""
    write_text(path, text_of(surrogate))


def text_of(surrogate: Surrogate) -> str:
    """The file's text, which `read` reads; a line for each net and each tree."""
    held = surrogate.held_out
    agreed = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(held.agreement).items()}
    head = {
        "format": FORMAT,
        "target": surrogate.target,
        "about": dict(surrogate.about),
        "space": {"name": surrogate.domain.space, "digest": surrogate.domain.digest},
        "held_out": {"folds": held.folds, **agreed},
        "uncertainty": {"floor": surrogate.floor, "factor": surrogate.factor},
        "novelty": {"limit": surrogate.limit},
        "columns": list(surrogate.domain.columns),
    }
    nets = [
        json.dumps({"measured": value, "held_out": said, "row": list(row)})
        for value, said, row in zip(surrogate.values, held.predictions, surrogate.rows, strict=True)
    ]
    members = [
        "[\n" + ",\n".join(json.dumps({name: getattr(tree, name) for name in _LISTS}) for tree in member) + "\n]"
        for member in surrogate.members
    ]
    start = json.dumps(head, indent=1, allow_nan=False).removesuffix("\n}")
    return f'{start},\n "nets": [\n' + ",\n".join(nets) + '\n],\n "members": [' + ",\n".join(members) + "]\n}\n"


def _no_number(word: str) -> float:
    raise ValueError(f"`{word}` is no number")


@dataclass(slots=True)
class _Reader:
    """Reads parts and notes what is wrong with each; None stands for what could not be read."""

    source: Source
    problems: list[Diagnostic] = field(default_factory=list)

    def surrogate(self, data: Mapping[str, Any]) -> Surrogate | None:
        known = (
            "format", "target", "about", "space", "held_out", "uncertainty", "novelty", "columns", "nets", "members",
        )  # fmt: skip
        for name in (n for n in data if n not in known):
            self.wrong(name, f"there is no field `{name}`", did_you_mean(name, known))
        target = self.field(data, "target", lambda v: isinstance(v, str))
        about = self.field(data, "about", lambda v: isinstance(v, dict))
        columns = self.field(data, "columns", lambda v: _is_list(v, lambda c: isinstance(c, str)) and len(set(v)))
        space, held = self.part(data, "space"), self.part(data, "held_out")
        name = self.field(space, "name", lambda v: isinstance(v, str), "space")
        digest = self.field(space, "digest", lambda v: isinstance(v, str), "space")
        folds = self.field(held, "folds", _is_whole, "held_out")
        nets = self.field(held, "nets", _is_whole, "held_out")
        rho, tau = (self.field(held, k, lambda v: v is None or _is_number(v), "held_out") for k in _RANKS)
        mean = self.field(held, "error", _is_number, "held_out")
        sure = self.part(data, "uncertainty")
        floor = self.field(sure, "floor", _is_positive, "uncertainty")
        factor = self.field(sure, "factor", lambda v: _is_number(v) and v >= 0, "uncertainty")
        limit = self.field(self.part(data, "novelty"), "limit", _is_positive, "novelty")
        if columns is not None and tuple(columns[-len(COSTS) :]) != tuple(f"log2 {c}" for c in COSTS):
            self.wrong("columns", f"the last columns are not those of {', '.join(COSTS)}")
        width = len(columns or ())
        rows = self._nets(data, width)
        members = self._members(data, width)
        if self.problems:
            return None
        spearman, kendall = (math.nan if v is None else float(v) for v in (rho, tau))
        agreed = Agreement(nets, spearman, kendall, float(mean))
        return Surrogate(
            target=target,
            domain=Domain(name, digest, tuple(columns)),
            rows=tuple(row for row, _, _ in rows),
            values=tuple(value for _, value, _ in rows),
            members=members,
            held_out=HeldOut(folds, agreed, tuple(said for _, _, said in rows)),
            floor=float(floor),
            factor=float(factor),
            limit=float(limit),
            about=about,
        )

    def _nets(self, data: Mapping[str, Any], width: int) -> list[tuple[tuple[float, ...], float, float]]:
        listed = self.field(data, "nets", lambda v: isinstance(v, list) and v)
        found = []
        for number, net in enumerate(listed or ()):
            row: Any = net.get("row") if isinstance(net, dict) else None
            values: list[Any] = [net.get(k) for k in ("measured", "held_out")] if isinstance(net, dict) else [None]
            if not _is_list(row, _is_number) or len(row) != width or not all(map(_is_number, values)):
                self.wrong("nets", f"net {number} has not {width} numbers, `measured` and `held_out`")
                break
            found.append((tuple(map(float, row)), float(values[0]), float(values[1])))
        return found

    def _members(self, data: Mapping[str, Any], width: int) -> tuple[Member, ...]:
        listed = self.field(data, "members", lambda v: _is_list(v, lambda m: isinstance(m, list) and bool(m)) and v)
        found: list[Member] = []
        for number, member in enumerate(listed or ()):
            trees = []
            for place, written in enumerate(member):
                tree = _tree(written)
                wrong = ["it is none"] if tree is None else tree.mistakes(width)
                if tree is None or wrong:
                    self.wrong("members", f"tree {place} of member {number}: {wrong[0]}")
                    return ()
                trees.append(tree)
            found.append(tuple(trees))
        return tuple(found)

    def part(self, data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        found: Any = self.field(data, name, lambda v: isinstance(v, dict))
        return found or {}

    def field(self, data: Mapping[str, Any], name: str, fits: Callable[[Any], Any], of: str = "") -> Any:
        """A field that has to be there; what does not fit is noted, once, at its name."""
        if of and not data:
            return None
        if name not in data:
            self.wrong(of or "format", f"{f'`{of}`' if of else 'it'} has no `{name}`")
        elif not fits(data[name]):
            self.wrong(name, f"`{name}` has a wrong value", of=of)
        else:
            return data[name]
        return None

    def wrong(self, name: str, message: str, hint: str | None = None, of: str = "") -> None:
        text = self.source.text
        start = max(text.find(f'"{of}"'), 0) if of else 0
        at = max(text.find(f'"{name}"', start), 0)
        label = Label(Span(self.source, at, at + len(name) + 2))
        self.problems.append(Diagnostic("bad-surrogate", message, label, hint=hint or _HINT))


_RANKS = ("spearman", "kendall")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list(value: Any, item: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(item, value))


def _tree(written: Any) -> Tree | None:
    if not isinstance(written, dict) or sorted(written) != sorted(_LISTS):
        return None
    whole, real = ("feature", "left", "right"), ("threshold", "value")
    are_whole = all(_is_list(written[n], lambda v: isinstance(v, int) and not isinstance(v, bool)) for n in whole)
    if not are_whole or not all(_is_list(written[n], _is_number) for n in real):
        return None
    lists: Sequence[tuple[Any, ...]] = [tuple(written[name]) for name in _LISTS]
    return Tree(*lists)
