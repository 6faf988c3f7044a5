"""A target's latency table: measured kernels, what was fitted to them, how good it is, and where it was measured.

The file is YAML that people read and exchange; the kernels are one block of lines, `KERNEL MICROSECONDS`. Loading runs
no code and needs no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.files import write_text
from nascompile.profile.kernels import Kernel, parse_kernel
from nascompile.profile.latency_regression import Shape
from nascompile.resources import resource
from nascompile.source import Source, Span

FORMAT = "nascompile latency table 1"
FOLDER = "specs/devices"


@dataclass(frozen=True, slots=True)
class Correction:
    """From the sum of kernels to a network: `start + kernel * (number of kernels) + sum_f scale[f] * time[f]`.

    Microseconds; `scale` is by group of families (`groups.group`). `spread` is the standard deviation of the logarithm
    of measured networks around it.
    """

    start: float = 0.0
    kernel: float = 0.0
    scale: Mapping[str, float] = field(default_factory=dict)
    spread: float = 0.1


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that a prediction needs. `target` has at least `name`, `threads`, `batch` and `block`."""

    target: Mapping[str, Any]
    fingerprint: Mapping[str, Any]
    times: Mapping[Kernel, float]
    shapes: Mapping[str, Shape]
    correction: Correction
    error: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.target["name"])

    @property
    def block(self) -> int:
        """Channels of a block of the runtime's blocked layout; 0 for none."""
        return int(self.target["block"])


def find(name: str, folder: Path | None = None) -> Path:
    """The file of a target: a path, from `folder` or else from the working directory, or the name of one that ships.

    Raises NasError (`unknown-target`).
    """
    if folder is not None and name and (folder / name).is_file():
        return folder / name
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        if not path.is_file():
            raise error("unknown-target", f"there is no file `{name}`", hint="`--calibrate NAME` writes one")
        return path
    shipped = {p.stem: p for p in sorted(resource(FOLDER).glob("*.yaml"))}
    if name not in shipped:
        listed = f"there are {', '.join(f'`{n}`' for n in shipped)}" if shipped else "none ships"
        hint = did_you_mean(name, shipped) or f"{listed}; `--calibrate {name}` writes `{name}.yaml`"
        raise error("unknown-target", f"there is no latency table `{name}`", hint=hint)
    return shipped[name]


def load(path: Path) -> Table:
    """Read a table. Raises NasError (`bad-latency-table`, every bad line of the kernels with its place)."""
    text = path.read_text(encoding="utf-8")
    return read(text, str(path))


def read(text: str, name: str) -> Table:
    """The table that a text says. Raises NasError (`bad-latency-table`)."""
    import yaml

    source = Source(name, text)
    try:
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        at = min(mark.index, len(text)) if mark is not None else 0
        raise _bad(f"it is no YAML: {getattr(cause, 'problem', cause)}", Span(source, at, at)) from None
    whole = Span(source, 0, len(text.partition("\n")[0]))
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _bad(f"it does not start with `format: {FORMAT}`", whole)
    try:
        shapes = {str(family): _shape(values) for family, values in data["families"].items()}
        correction = _correction(data["correction"])
        target = dict(data["target"])
        int(target["block"]), int(target["threads"]), int(target["batch"]), str(target["name"])
        lines = str(data["kernels"])
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        key = cause.args[0] if isinstance(cause, KeyError) else cause
        raise _bad(f"it has no, or a wrong, `{key}`", whole) from None
    return Table(
        target, dict(data.get("fingerprint") or {}), _times(lines, source), shapes, correction,
        dict(data.get("error") or {}),
    )  # fmt: skip


def _bad(message: str, span: Span) -> NasError:
    return error("bad-latency-table", message, span, hint="write it again with `nascompile profile --calibrate NAME`")


def _shape(values: Any) -> Shape:
    mean, lengths = (tuple(float(v) for v in values[key]) for key in ("mean", "lengths"))
    found = Shape(mean, lengths, float(values["signal"]), float(values["noise"]))
    if not all(map(math.isfinite, (*mean, *lengths, found.signal, found.noise))) or min(lengths) <= 0 or min(mean) < 0:
        raise ValueError("number in families")
    return found


def _correction(values: Any) -> Correction:
    scale = {str(k): float(v) for k, v in values["scale"].items()}
    return Correction(float(values["start"]), float(values["kernel"]), scale, float(values["spread"]))


def _times(lines: str, source: Source) -> dict[Kernel, float]:
    found: dict[Kernel, float] = {}
    problems: list[Diagnostic] = []
    for line in lines.splitlines():
        words, _, number = line.strip().rpartition(" ")
        kernel = parse_kernel(words.strip())
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if kernel is None or not 0 < value < math.inf:
            at = source.text.find(line.strip())
            span = Span(source, max(at, 0), max(at, 0) + len(line.strip()))
            message = f"`{line.strip()}` is no kernel with its microseconds"
            hint = "a line is like `Add 16>16 32x32>32x32 12.5`"
            problems.append(Diagnostic("bad-latency-table", message, Label(span), hint=hint))
        else:
            found[kernel] = value
    if problems:
        raise NasError(problems)
    return found


def write(path: Path, table: Table) -> None:
    """Write the file. Raises what `nascompile.files.written_whole` raises."""
    write_text(path, text_of(table))


def text_of(table: Table) -> str:
    """The file's text, which `read` reads."""
    import yaml

    c = table.correction
    head = {
        "format": FORMAT,
        "target": dict(table.target),
        "fingerprint": dict(table.fingerprint),
        "error": dict(table.error),
        "correction": {"start": c.start, "kernel": c.kernel, "scale": dict(c.scale), "spread": c.spread},
    }
    families = {
        name: {"mean": list(s.mean), "lengths": list(s.lengths), "signal": s.signal, "noise": s.noise}
        for name, s in sorted(table.shapes.items())
    }
    parts = [yaml.safe_dump(head, sort_keys=False, width=118)]
    parts.append(yaml.safe_dump({"families": families}, sort_keys=False, width=118, default_flow_style=None))
    lines = sorted(f"  {kernel} {time:.5g}" for kernel, time in table.times.items())
    return "".join(parts) + "kernels: |\n" + "\n".join(lines) + "\n"
