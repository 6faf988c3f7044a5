"""Device files: the shipped ones, what is taken from another file, and every mistake where it stands."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nascompile.analog.device import (
    Device,
    find_device,
    is_analog,
    load_device,
    outside_model,
    shipped_devices,
    with_bits,
)
from nascompile.analog.device_fields import FIELDS
from nascompile.analog.device_file import FORMAT, read_device
from nascompile.analog.quantities import in_own_unit, split_quantity
from nascompile.diagnostics import Diagnostic, NasError
from nascompile.source import Source, Span

HEAD = f"format: {FORMAT}\nlike: pcm\nname: mine\n"


def problems(text: str, base: Path | None = None) -> list[Diagnostic]:
    with pytest.raises(NasError) as caught:
        read_device(text, "mine.yaml", base)
    return list(caught.value.diagnostics)


def shown(diagnostic: Diagnostic) -> tuple[str, str]:
    """Code, and the text that is underlined."""
    assert diagnostic.primary is not None
    return diagnostic.code, diagnostic.primary.span.text


def test_four_devices_ship() -> None:
    assert set(shipped_devices()) == {"pcm", "reram", "cmo", "ideal"}
    for name in shipped_devices():
        device = load_device(name)
        assert (device.name, device.technology, device.tile) == (name, name, (256, 256))


def test_the_default_device_is_the_standard_model() -> None:
    pcm = load_device("pcm")
    assert (pcm.dac_bits, pcm.adc_bits, pcm.out_bound, pcm.output_noise) == (8, 8, 10.0, 0.04)
    assert (pcm.g_max, pcm.t_0, pcm.t_read, pcm.cells) == (25.0, 20.0, 250e-9, "pair")
    assert (pcm.input_range, pcm.scaling, pcm.compensation) == ("dynamic", "per_column", "global")
    assert pcm.times == () and not pcm.is_ideal


def test_what_sets_the_others_apart() -> None:
    assert load_device("reram").times == (1.0, 86400.0, 172800.0)
    cmo = load_device("cmo")
    assert (cmo.acceptance, cmo.g_min, cmo.g_max, cmo.cells) == (0.2, 9.0, 88.2, "single")
    ideal = load_device("ideal")
    assert ideal.is_ideal and (ideal.dac_bits, ideal.adc_bits, ideal.out_bound) == (None, None, None)
    assert (ideal.output_noise, ideal.programming_noise, ideal.drift, ideal.compensation) == (0, 0, 0, "none")


@pytest.mark.parametrize("name", ["pcm", "reram", "cmo", "ideal"])
def test_every_section_of_a_shipped_file_cites_a_source(name: str) -> None:
    text = find_device(name).read_text(encoding="utf-8")
    assert any(str(year) in text for year in range(2014, 2026)) or name == "ideal"
    assert load_device(name).costs.source


def test_bits_are_those_of_both_converters() -> None:
    device = with_bits(load_device("ideal"), 6)
    assert (device.dac_bits, device.adc_bits) == (6, 6)
    assert device.technology == "ideal"


def test_a_file_says_what_is_different() -> None:
    device = read_device(HEAD + "cells:\n  g_max: 20 uS\nnoise:\n  times: [1 s, 2 days]\n", "mine.yaml")
    pcm = load_device("pcm")
    assert (device.name, device.g_max, device.times) == ("mine", 20.0, (1.0, 172800.0))
    assert (device.tile, device.costs, device.training) == (pcm.tile, pcm.costs, pcm.training)


def test_a_file_is_like_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(HEAD + "tile:\n  inputs: 512\n", encoding="utf-8")
    (tmp_path / "two.yaml").write_text(f"format: {FORMAT}\nlike: one.yaml\nname: two\n", encoding="utf-8")
    assert load_device("two.yaml", tmp_path).tile == (512, 256)
    assert load_device(str(tmp_path / "two.yaml")).name == "two"


def test_a_file_without_a_name_has_that_of_its_file(tmp_path: Path) -> None:
    """Not that of the device it is like, whose results its own would replace."""
    (tmp_path / "mine.yaml").write_text(f"format: {FORMAT}\nlike: pcm\n", encoding="utf-8")
    assert load_device("mine.yaml", tmp_path).name == "mine"


def test_a_technology_has_no_parts_of_the_one_it_was_taken_from() -> None:
    reram = read_device(HEAD + "technology: reram\n", "mine.yaml")
    assert (reram.times, reram.read_noise, reram.drift, reram.programming_noise) == ((1, 86400, 172800), 0, 0, 1)
    ideal = read_device(HEAD + "technology: ideal\n", "mine.yaml")
    assert (ideal.programming_noise, ideal.read_noise, ideal.drift) == (0, 0, 0)


def test_ideal_cells_behind_converters_are_no_ideal_device() -> None:
    head = f"format: {FORMAT}\nlike: ideal\nname: mine\nconverters:\n  "
    for line in ("dac: 4 bits", "out_bound: 3", "output_noise: 0.1", "input_range: calibrated"):
        assert not read_device(head + line + "\n", "mine.yaml").is_ideal


def test_times_that_a_model_says_nothing_of() -> None:
    pcm, cmo = load_device("pcm"), load_device("cmo")
    assert not any(outside_model(pcm, t) for t in (0.0, 1e-9, 1.0, 1e12))
    assert not any(outside_model(cmo, t) for t in (0.0, 1e-6, 1e12))
    assert all(outside_model(pcm, t) for t in (-1.0, float("inf"), float("nan")))
    assert outside_model(cmo, 1e-9)


def test_files_that_are_like_each_other_are_told(tmp_path: Path) -> None:
    for one, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"{one}.yaml").write_text(f"format: {FORMAT}\nlike: {other}.yaml\nname: x\n", encoding="utf-8")
    with pytest.raises(NasError, match=r"bad-device-file.*like itself"):
        load_device("one.yaml", tmp_path)


def test_a_short_file_without_a_model_names_all_that_is_missing() -> None:
    (missing,) = problems(f"format: {FORMAT}\nname: mine\n")
    assert missing.code == "missing-field"
    assert all(f"`{path}`" in missing.message for path in ("technology", "cells.g_max", "costs.mvm_time"))
    assert "`converters.input_noise`" not in missing.message and "like: pcm" in (missing.hint or "")


def test_several_mistakes_are_told_at_once_each_in_its_place() -> None:
    text = HEAD + (
        "tile:\n  inputs: 0\n  outputz: 4\nconverters:\n  dac: 8\ncells:\n  g_max: 25 uA\n  g_max: 3 uS\n"
        "noise: 3\nt_0: 20 s\ncompensation: gobal\nleast_utilisation: 300 %\n"
    )
    found = problems(text)
    assert {shown(d) for d in found} == {
        ("bad-value", "0"),
        ("unknown-field", "outputz"),
        ("missing-unit", "8"),
        ("wrong-unit", "25 uA"),
        ("duplicate-field", "g_max"),
        ("bad-value", "3"),
        ("unknown-field", "t_0"),
        ("bad-value", "gobal"),
        ("bad-value", "300 %"),
    }
    by_text = {shown(d)[1]: d for d in found}
    assert by_text["outputz"].hint == "did you mean `tile.outputs`?"
    assert by_text["25 uA"].hint == "did you mean `uS`?"
    assert by_text["t_0"].hint == "it is `noise.t_0`"
    assert by_text["gobal"].hint == "did you mean `global`?"
    assert str(by_text["outputz"].primary.span) == "mine.yaml:6:3"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("lines", "code", "at"),
    [
        ("cells:\n  g_max: 25", "missing-unit", "25"),
        ("cells:\n  g_max: 20 s", "wrong-unit", "20 s"),
        ("cells:\n  g_max: -3 uS", "bad-value", "-3 uS"),
        ("cells:\n  g_max: 1e999999 S", "bad-value", "1e999999 S"),
        ("cells:\n  g_max: 1e-9999999999999999999 nS", "bad-value", "1e-9999999999999999999 nS"),
        ("cells:\n  g_min: 30 uS", "bad-value", "30 uS"),
        ("tile:\n  inputs: 256 uS", "wrong-unit", "256 uS"),
        ("tile:\n  inputs: 25.5", "bad-value", "25.5"),
        ("tile:\n  inputs: [1, 2]", "bad-value", "[1, 2]"),
        ("converters:\n  adc: 7.5 bits", "bad-value", "7.5 bits"),
        ("converters:\n  adc: 1 bit", "bad-value", "1 bit"),
        ("noise:\n  t_0: 0 s", "bad-value", "0 s"),
        ("noise:\n  times: [1 s, 3 uS]", "wrong-unit", "[1 s, 3 uS]"),
        ("noise:\n  acceptance: 0.2 %", "bad-value", "0.2 %"),
        ("technology: cmo", "bad-value", "cmo"),
        ("converters:\n  out_bound: none", "bad-value", "none"),
        ("technology: ideal\nnoise:\n  programming: 1", "bad-value", "1"),
        ("technology: reram\nnoise:\n  drift: 2", "bad-value", "2"),
        ("technology: reram\nnoise:\n  times: any", "bad-value", "any"),
        ("technology: reram\nnoise:\n  times: [1 s, 1 hour]", "bad-value", "[1 s, 1 hour]"),
        ("training:\n  remap: maybe", "bad-value", "maybe"),
        ("costs:\n  mvm_time: 133 pJ", "wrong-unit", "133 pJ"),
        ("name: other", "duplicate-field", "name"),
        ("cells: [1]", "bad-value", "[1]"),
        ("cells:\n  g_max:\n    low: 3", "bad-value", "g_max"),
    ],
)
def test_a_mistake_is_told_where_it_stands(lines: str, code: str, at: str) -> None:
    assert (code, at) in {shown(d) for d in problems(f"{HEAD}{lines}\n")}


def test_single_cells_are_not_pairs() -> None:
    (wrong,) = problems(f"format: {FORMAT}\nlike: cmo\nname: mine\ncells:\n  storage: pair\n")
    assert shown(wrong) == ("bad-value", "pair") and "one device" in wrong.message


def test_a_list_is_no_number() -> None:
    (wrong,) = problems(HEAD + "tile:\n  inputs: [256]\n")
    assert "a list where one value stands" in wrong.message


def test_only_measured_acceptance_ranges_pass() -> None:
    text = f"format: {FORMAT}\nlike: cmo\nname: mine\nnoise:\n  acceptance: "
    assert read_device(text + "2 %\n", "m").acceptance == 2.0
    (wrong,) = problems(text + "0.02 %\n")
    assert shown(wrong) == ("bad-value", "0.02 %") and "`acceptance: 2 %`" in (wrong.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1\n",
        "a: [1\n",
        "[" * 20000,
        f"format: {FORMAT}\nlike: [pcm]\n",
        "name: x\n",
        "format: other\nname: x\n",
        "\x00",
        HEAD + "a: b: c\n",
        "? [1]\n: 2\n",
    ],
)
def test_what_is_no_device_file_is_told(text: str) -> None:
    assert problems(text)[0].code in ("bad-device-file", "unknown-field")


ODD = (
    "1e9999999999999999999 uS",
    "1e999999 s",
    "9" * 500,
    "[",
    "{",
    "&a",
    "*a",
    "!!int x",
    "\t",
    "\x00",
    "'",
    "%",
    "nan",
    "- ",
    "|",
)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_read_or_told(seed: int) -> None:
    """Nothing but diagnostics, with places in the text, whatever is deleted, doubled or put in."""
    draw = random.Random(seed)
    lines = find_device(draw.choice(sorted(shipped_devices()))).read_text(encoding="utf-8").splitlines()
    for _ in range(10):
        at = draw.randrange(len(lines))
        damaged = [*lines]
        damaged[at] = draw.choice([f"{lines[at].partition(':')[0]}: {draw.choice(ODD)}", "", draw.choice(lines)])
        text = "\n".join(damaged)
        try:
            read_device(text, "damaged.yaml")
        except NasError as failure:
            for diagnostic in failure.diagnostics:
                assert diagnostic.primary is not None
                assert 0 <= diagnostic.primary.span.start <= diagnostic.primary.span.end <= len(text) + 1


def test_a_file_runs_no_code() -> None:
    text = HEAD + "tile:\n  inputs: !!python/object/apply:os.getcwd []\n"
    assert problems(text)


def test_an_unknown_name_is_told_where_the_text_says_it() -> None:
    span = Span(Source("net.nas", "device = pmc"), 9, 12)
    with pytest.raises(NasError) as caught:
        load_device("pmc", span=span)
    (wrong,) = caught.value.diagnostics
    assert shown(wrong) == ("unknown-device", "pmc") and wrong.hint == "did you mean `pcm`?"
    with pytest.raises(NasError, match="missing-file"):
        load_device("absent.yaml", Path("nowhere"), span)


@pytest.mark.parametrize(("name", "analog"), [("pcm", True), ("pmc", True), ("a.yaml", True), ("cpu", False)])
def test_processors_are_told_from_analog_devices(name: str, analog: bool) -> None:
    assert is_analog(name) is analog
    assert not any(is_analog(processor) for processor in ("auto", "cuda", "cuda:0", "mps"))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("250 ns", "time", 250e-9),
        ("1 month", "time", 2592000.0),
        ("3 days", "time", 259200.0),
        ("2.5 nS", "conductance", 0.0025),
        (".5 mS", "conductance", 500.0),
        ("0.1 pJ", "energy", 1e-13),
        ("20.4fJ", "energy", 2.04e-14),
        ("1e2 GMAC/s", "rate", 1e11),
    ],
)
def test_quantities_are_exact(text: str, kind: str, value: float) -> None:
    parts = split_quantity(text)
    assert parts is not None
    assert in_own_unit(*parts, kind) == value


def test_examples_of_fields_are_values_of_them() -> None:
    for path, field in FIELDS.items():
        items = tuple(field.example.strip("[]").split(", ")) if field.is_list else None
        assert field.read(field.example, items) is not None, path


def test_devices_are_values() -> None:
    assert isinstance(load_device("pcm"), Device)
    assert load_device("pcm") == load_device("pcm") != load_device("cmo")
    assert hash(load_device("pcm")) == hash(load_device("pcm"))
