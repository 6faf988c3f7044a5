"""Device files: YAML whose every mistake is shown where it stands, several at once. Loading runs no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nascompile.analog.device import Costs, Device, HardwareAware, find_device
from nascompile.analog.device_fields import FIELDS, SECTIONS, Wrong, example_of
from nascompile.analog.device_rules import Disagreement, absent_parts, disagreements
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.source import Source, Span

FORMAT = "nascompile analog device 1"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value of the file as it is written, with where its key and itself stand."""

    text: str
    key: Span
    value: Span
    items: tuple[str, ...] | None = None  # of a list


def read_file(path: Path) -> Device:
    """The device of a file. Raises NasError as `read_device` does, and `unreadable-text`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise error("unreadable-text", f"`{path}` cannot be read: {cause}") from cause
    return read_device(text, str(path), path.parent)


def read_device(text: str, name: str, base: Path | None = None) -> Device:
    """The device that a text says; `name` is what diagnostics print, `base` where `like: other.yaml` is looked for.

    Raises NasError with every mistake of the text: `bad-device-file`, `unknown-field`, `missing-field`,
    `duplicate-field`, `wrong-unit`, `missing-unit`, `bad-value`; and those of the file that it is like.
    """
    return _device(_values(Source(name, text), base, ()))


def _values(source: Source, base: Path | None, above: tuple[Path, ...]) -> dict[str, Any]:
    """Every field's value, those of the file that this one is like below its own."""
    problems: list[Diagnostic] = []
    entries = _entries(source, problems)
    whole = Span(source, 0, len(source.text.partition("\n")[0]))
    form = entries.pop("format", None)
    if form is None or form.text != FORMAT:
        raise _bad(f"it does not start with `format: {FORMAT}`", whole if form is None else form.value)
    values: dict[str, Any] = {}
    like = entries.pop("like", None)
    if like is not None:
        values = _like(like, base, above)
        values["name"] = Path(source.name).stem  # never the other's, whose results it would be taken for
    for path, entry in entries.items():
        try:
            values[path] = FIELDS[path].read(entry.text, entry.items)
        except Wrong as wrong:
            problems.append(Diagnostic(wrong.code, f"`{path}`: {wrong}", Label(entry.value), hint=wrong.hint))
    if not problems:
        problems += [
            Diagnostic("bad-value", d.message, Label(_where_said(d, entries, whole)), hint=d.hint)
            for d in disagreements(values, entries)
        ]
    missing = [path for path, field in FIELDS.items() if field.is_needed and path not in values and path not in entries]
    if missing:
        listed = ", ".join(f"`{path}`" for path in missing)
        hint = f"write {example_of(missing[0])}, or `like: pcm` to take what is not said from a shipped device"
        problems.append(Diagnostic("missing-field", f"there is no {listed}", Label(whole), hint=hint))
    if problems:
        raise NasError(problems)
    values = {path: field.default for path, field in FIELDS.items() if not field.is_needed} | values
    return values | absent_parts(values, entries)


def _like(entry: _Entry, base: Path | None, above: tuple[Path, ...]) -> dict[str, Any]:
    if entry.items is not None:
        raise _bad("a file is like one other", entry.value)
    path = find_device(entry.text, base, entry.value)
    if path.resolve() in above:
        raise _bad("this file is like itself", entry.value)
    try:
        source = Source(str(path), path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as cause:
        raise error("unreadable-text", f"`{path}` cannot be read: {cause}", entry.value) from cause
    return _values(source, path.parent, (*above, path.resolve()))


def _entries(source: Source, problems: list[Diagnostic]) -> dict[str, _Entry]:
    """The known fields that a text says, by dotted path; what is unknown or said twice goes into `problems`."""
    import yaml

    try:
        root = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark
        at = min(mark.index if mark is not None else 0, max(len(source.text) - 1, 0))
        raise _bad(f"it is no YAML: {cause.problem}", Span(source, at, at + 1)) from None
    except yaml.YAMLError as cause:
        raise _bad(f"it is no YAML: {cause}", Span(source, 0, 0)) from None
    except RecursionError:
        raise _bad("it is nested too deeply", Span(source, 0, 1)) from None
    if not isinstance(root, yaml.MappingNode):
        raise _bad("it is no mapping of names to values", Span(source, 0, len(source.text.partition("\n")[0])))
    entries: dict[str, _Entry] = {}
    known = {"format", "like", *FIELDS}
    for prefix, key, node in _pairs(root, source, problems):
        path, span = prefix + str(key.value), _span(key, source)
        if path not in known:
            hint = did_you_mean(path, known) or _where(str(key.value)) or f"{_listed(prefix)}"
            problems.append(Diagnostic("unknown-field", f"a device has no `{path}`", Label(span), hint=hint))
        elif path in entries:
            second = (Label(entries[path].key, "first here"),)
            problems.append(Diagnostic("duplicate-field", f"`{path}` is said twice", Label(span), second))
        elif isinstance(node, yaml.MappingNode) or _is_nested(node):
            problems.append(
                Diagnostic("bad-value", f"`{path}` is one value", Label(span), hint=f"write {example_of(path)}")
            )
        elif isinstance(node, yaml.SequenceNode):
            items = tuple(str(item.value) for item in node.value)
            entries[path] = _Entry("", span, _span(node, source), items)
        else:
            entries[path] = _Entry(str(node.value), span, _span(node, source))
    return entries


def _pairs(root: Any, source: Source, problems: list[Diagnostic]) -> list[tuple[str, Any, Any]]:
    """Prefix, key and value of every line, those of sections with the section's name and a dot before them."""
    import yaml

    found: list[tuple[str, Any, Any]] = []
    for key, node in root.value:
        if str(key.value) not in SECTIONS:
            found.append(("", key, node))
        elif isinstance(node, yaml.MappingNode):
            found += [(f"{key.value}.", k, v) for k, v in node.value]
        else:
            hint = f"write its fields below it, indented: {', '.join(_inside(str(key.value)))}"
            message = f"`{key.value}` is a section"
            problems.append(Diagnostic("bad-value", message, Label(_span(node, source)), hint=hint))
    return found


def _is_nested(node: Any) -> bool:
    import yaml

    return isinstance(node, yaml.SequenceNode) and any(not isinstance(n, yaml.ScalarNode) for n in node.value)


def _span(node: Any, source: Source) -> Span:
    return Span(source, node.start_mark.index, max(node.end_mark.index, node.start_mark.index + 1))


def _inside(section: str) -> list[str]:
    return [path.partition(".")[2] for path in FIELDS if path.startswith(f"{section}.")]


def _listed(prefix: str) -> str:
    names = _inside(prefix[:-1]) if prefix else [*SECTIONS, *(p for p in ("like", *FIELDS) if "." not in p)]
    return f"there are {', '.join(names)}"


def _where(name: str) -> str | None:
    """The section that a field belongs to, where it was written elsewhere."""
    places = [path for path in FIELDS if path.rpartition(".")[2] == name]
    return f"it is `{places[0]}`" if len(places) == 1 else None


def _where_said(wrong: Disagreement, entries: Mapping[str, _Entry], whole: Span) -> Span:
    return next((entries[path].value for path in wrong.paths if path in entries), whole)


def _bad(message: str, span: Span) -> NasError:
    hint = f"a device file starts with `format: {FORMAT}`; the shipped ones show all fields"
    return error("bad-device-file", message, span, hint=hint)


def _device(v: Mapping[str, Any]) -> Device:
    return Device(
        name=v["name"],
        technology=v["technology"],
        tile=(v["tile.inputs"], v["tile.outputs"]),
        dac_bits=v["converters.dac"],
        adc_bits=v["converters.adc"],
        out_bound=v["converters.out_bound"],
        output_noise=v["converters.output_noise"],
        input_noise=v["converters.input_noise"],
        weight_noise=v["converters.weight_noise"],
        input_range=v["converters.input_range"],
        g_min=v["cells.g_min"],
        g_max=v["cells.g_max"],
        cells=v["cells.storage"],
        scaling=v["cells.scaling"],
        programming_noise=v["noise.programming"],
        read_noise=v["noise.read"],
        drift=v["noise.drift"],
        t_0=v["noise.t_0"],
        t_read=v["noise.t_read"],
        acceptance=v["noise.acceptance"],
        times=v["noise.times"],
        compensation=v["compensation"],
        least_utilisation=v["least_utilisation"],
        training=HardwareAware(v["training.noise"], v["training.clip_sigma"], v["training.remap"]),
        costs=Costs(
            mvm_time=v["costs.mvm_time"],
            input_energy=v["costs.input_energy"],
            output_energy=v["costs.output_energy"],
            weight_energy=v["costs.weight_energy"],
            tile_energy=v["costs.tile_energy"],
            add_energy=v["costs.add_energy"],
            digital_energy=v["costs.digital_energy"],
            digital_rate=v["costs.digital_rate"],
            source=v["costs.source"],
        ),
    )
