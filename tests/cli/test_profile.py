"""`nascompile profile`: figures of networks side by side, of layers, as CSV and SVG, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from nascompile.profile.kernels import Kernel
from nascompile.profile.latency_calibration import fitted
from nascompile.profile.latency_table import write

from .conftest import Command

ONE = "genotype one : tiny(c = 4) {\n  s[2] = [s[0] via conv]\n}\n"
TWO = ONE + "genotype two : tiny(c = 8) {\n  s[2] = [s[1] via pool]\n}\n"


@pytest.fixture
def both(spec: Path) -> Path:
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace(ONE, TWO), encoding="utf-8")
    return spec


@pytest.fixture
def table(tmp_path: Path) -> Path:
    times = {Kernel("Add", c, c, (n, n), (n, n)): 1 + c * n * n / 1e3 for c in (4, 8, 16) for n in (8, 16, 32)}
    path = tmp_path / "made.yaml"
    write(path, fitted(times, {"name": "made", "threads": 1, "batch": 1, "block": 16}, {}, lambda text: None))
    return path


def test_networks_stand_side_by_side(nascompile: Command, both: Path, demo: Path) -> None:
    done = nascompile("profile", both, "-g", "one", "-g", "two", "--static", "--data", demo)
    assert done.code == 0
    assert "one (tiny)" in done.out and "two (tiny)" in done.out
    assert "parameters, live" in done.out


def test_layers_add_up_to_the_network(nascompile: Command, both: Path, demo: Path) -> None:
    done = nascompile("profile", both, "-g", "one", "--static", "--layers", "--json", "--data", demo)
    found = json.loads(done.out)
    assert sum(row["macs"] for row in found["layers"]) == found["macs"]
    assert sum(row["parameters"] for row in found["layers"]) == found["parameters"]["live"]
    assert found["peak_memory_bytes"] > 0


def test_a_module_that_is_applied_twice_counts_once(nascompile: Command, tmp_path: Path) -> None:
    body = "  module f = conv(8, 3)\n  y = x -> conv(8, 3) -> f -> relu -> f\n  y -> conv(2, 1)\n"
    text = f"nas 1\nimport std.layers\nspace twice(x: image = [1, 16, 16]) {{\n{body}}}\n"
    (tmp_path / "twice.nas").write_text(text, encoding="utf-8")
    done = nascompile("profile", "twice.nas", "--static", "--layers", "--target", "xeon", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert sum(row["parameters"] for row in found["layers"]) == found["parameters"]["live"] == 72 + 576 + 16
    assert sum(row["macs"] for row in found["layers"]) == found["macs"]
    kernels = [kernel for row in found["layers"] for kernel in row["kernels"]]
    assert sum(kernel.startswith("Conv") for kernel in kernels) == 4


def test_csv_has_a_line_a_network_or_a_layer(nascompile: Command, both: Path, demo: Path) -> None:
    arguments = ("profile", both, "-g", "one", "-g", "two", "--static", "--csv", "--data", demo)
    networks = list(csv.DictReader(io.StringIO(nascompile(*arguments).out)))
    assert [row["network"] for row in networks] == ["one", "two"]
    layers = list(csv.DictReader(io.StringIO(nascompile(*arguments, "--layers").out)))
    assert sum(int(row["macs"]) for row in layers if row["network"] == "two") == int(networks[1]["macs"])


def test_a_target_predicts_and_names_what_it_does_not_know(
    nascompile: Command, both: Path, demo: Path, table: Path
) -> None:
    done = nascompile("profile", both, "-g", "one", "--static", "--target", table, "--json", "--layers", "--data", demo)
    found = json.loads(done.out)
    assert found["predicted"]["target"] == "made"
    assert 0 < found["predicted"]["low_ms"] < found["predicted"]["ms"] < found["predicted"]["high_ms"]
    assert any(line.startswith("Conv") for line in found["predicted"]["unknown"])
    assert sum(row["ms"] for row in found["layers"]) == pytest.approx(found["predicted"]["ms"])


def test_the_picture_has_a_bar_a_layer(
    nascompile: Command, both: Path, demo: Path, table: Path, tmp_path: Path
) -> None:
    path = tmp_path / "profile.svg"
    done = nascompile("profile", both, "-g", "one", "--static", "--target", table, "--svg", path, "--data", demo)
    assert done.code == 0
    drawn = ET.parse(path).getroot()
    names = {element.tag.rpartition("}")[2] for element in drawn.iter()}
    assert {"rect", "circle", "polyline"} <= names
    assert "roofline" in path.read_text(encoding="utf-8")


def test_costs_agree_with_torch(nascompile: Command, both: Path, demo: Path) -> None:
    done = nascompile("profile", both, "-g", "one", "--static", "--against", "torch", "--json", "--data", demo)
    rows = json.loads(done.out)["against"]
    assert {row["measure"] for row in rows} == {"params", "macs"}
    assert all(row["equal"] for row in rows)


def test_measuring_says_how_sure_it_is(nascompile: Command, both: Path, demo: Path) -> None:
    done = nascompile("profile", both, "-g", "one", "--seconds", "0.05", "--threads", "1", "--json", "--data", demo)
    found = json.loads(done.out)["latency"]
    for runtime in ("torch", "onnxruntime"):
        row = found[runtime]
        assert row["interval_ms"][0] <= row["median_ms"] <= row["interval_ms"][1]
        assert row["stable"] == ("unstable" not in row)
    assert found["machine"]["threads"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--target", "nowhere"), "unknown-target"),
        (("--against", "jax"), "unknown-framework"),
        (("--precision", "float12"), "unknown-precision"),
        (("-g", "thre"), "unknown-genotype"),
    ],
)
def test_mistakes_are_told(nascompile: Command, both: Path, demo: Path, arguments: tuple[str, ...], code: str) -> None:
    names = () if "-g" in arguments else ("-g", "one")
    done = nascompile("profile", both, *names, "--static", "--data", demo, *arguments)
    assert done.code == 1
    assert f"error[{code}]" in done.err


def test_a_static_profile_loads_no_torch(both: Path, demo: Path, table: Path) -> None:
    code = (
        "import sys; sys.argv = ['nascompile', 'profile', *sys.argv[1:]]\n"
        "from nascompile.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(sorted({'torch', 'monai', 'onnx', 'onnxruntime', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    arguments = [str(both), "-g", "one", "--static", "--target", str(table), "--layers", "--data", str(demo)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
