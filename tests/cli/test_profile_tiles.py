"""`nascompile profile --device pcm`: layers on tiles as a table, JSON and CSV, without torch."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from nascompile.resources import resource

from .conftest import Command

SPEC = resource("specs/genotypes/nas_lung.nas")


def test_a_table_of_layers_and_what_they_are_together(nascompile: Command) -> None:
    done = nascompile("profile", SPEC, "-g", "model_d", "--device", "pcm")
    assert done.code == 0
    assert "model_d on pcm" in done.out and "unfold" in done.out
    assert "57 of 256x256" in done.out
    assert "over 99.99% of 88.5 M" in done.out
    assert "a model, no measurement: Le Gallo et al. 2023" in " ".join(done.out.split())


def test_json_adds_up(nascompile: Command) -> None:
    found = json.loads(nascompile("profile", SPEC, "-g", "model_d", "--device", "ideal", "--json").out)
    tiles = found["tiles_on"]
    assert tiles["device"] == "ideal" and tiles["macs"] == found["macs"]
    assert tiles["tiles"] == sum(len(row["sizes"]) for row in tiles["layers"]) == 57


def test_csv_has_a_line_a_layer_of_each_network(nascompile: Command) -> None:
    done = nascompile("profile", SPEC, "-g", "model_d", "-g", "model_a", "--device", "reram", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["network"] for row in rows} == {"model_d", "model_a"} and {row["device"] for row in rows} == {"reram"}
    assert rows[0]["sizes"] == "27x4" and rows[0]["form"] == "unfold"


def test_a_file_of_the_user(nascompile: Command, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        "format: nascompile analog device 1\nlike: pcm\nname: small\ntile:\n  inputs: 64\n  outputs: 64\n"
        "least_utilisation: 5 %\n",
        encoding="utf-8",
    )
    tiles = json.loads(nascompile("profile", SPEC, "-g", "model_d", "--device", path, "--json").out)["tiles_on"]
    assert tiles["tile"] == [64, 64] and tiles["share_on_tiles"] < 1
    assert any("below 5.00%" in row["reason"] for row in tiles["layers"])


def test_mistakes_in_the_file_are_shown_where_they_are(nascompile: Command, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "format: nascompile analog device 1\nlike: pcm\nname: bad\ncells:\n  g_max: 25 uA\ntiles: 3\n", encoding="utf-8"
    )
    done = nascompile("profile", SPEC, "-g", "model_d", "--device", path)
    assert done.code == 1
    assert "error[wrong-unit]" in done.err and "error[unknown-field]" in done.err
    assert "bad.yaml:5:10" in done.err and "g_max: 25 uA" in done.err and "^" in done.err


def test_a_device_that_is_not_there(nascompile: Command) -> None:
    done = nascompile("profile", SPEC, "-g", "model_d", "--device", "pcmm")
    assert done.code == 1 and "error[unknown-device]" in done.err and "did you mean `pcm`" in done.err


@pytest.mark.parametrize("options", [("--target", "xeon"), ("--against", "torch"), ("--svg", "a.svg")])
def test_what_is_about_processors_does_not_go_with_it(nascompile: Command, options: tuple[str, str]) -> None:
    done = nascompile("profile", SPEC, "-g", "model_d", "--device", "pcm", *options)
    assert done.code == 1 and "error[two-targets]" in done.err and f"`{options[0]}`" in done.err


def test_torch_is_not_loaded(root: Path) -> None:
    code = (
        "import sys; from nascompile.cli.app import app\n"
        f"app(['profile', {str(SPEC)!r}, '-g', 'model_d', '--device', 'pcm', '--csv'], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules, 'loaded'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", cwd=root)
    assert done.returncode == 0, done.stderr
