"""Generated Python source: bit for bit the compiled network, laid out as a formatter would."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from nascompile.backends.pytorch import build
from nascompile.backends.source.rows import ROWS
from nascompile.backends.source.write import Source, write_source
from nascompile.backends.torch_layers import ROWS as TORCH_ROWS
from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source as Text
from nascompile.space.space import SearchSpace

SMALL: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "nas_unet": ("nas_unet", (1, 32, 32), {"depth": 2}),
    "wdan": ("mixsearch", (3, 32, 32), {"layers": 7}),
    "dints": ("dints", (1, 16, 16, 16), {"blocks": 3, "depths": 3, "mul": 0.25}),
    "nas_lung": ("nas_lung", (1, 32, 32, 32), {}),
    "analog_nas": ("analog_nas", (3, 32, 32), {}),
    "cifar": ("darts", (3, 32, 32), {"layers": 4}),
    "nasbench201": ("nasbench201", (3, 32, 32), {"cells": 1}),
    "auto_deeplab": ("auto_deeplab", (3, 32, 32), {"layers": 3}),
    "mobilenet_v3": ("mobilenet_v3", (3, 32, 32), {}),
}
"""Small settings of shipped spaces: the text, the input, the arguments."""


def drawn(space: str, seed: int) -> Program:
    """A random network of a shipped space."""
    text, shape, arguments = SMALL[space]
    source = Text(text, (resource("specs") / f"{text}.nas").read_text(encoding="utf-8"))
    library = load(source, resource("specs"))
    found = SearchSpace(elaborate(library, Request(space, arguments, shape)), arguments)
    values = found.sample(random.Random(seed)).values
    return elaborate(library, Request(space, arguments, shape, binding=values, is_fixed=True))


def check(program: Program, folder: Path, *, is_formatted: bool = True) -> Source:
    """Run the source as a user would: the file, its weights file, float64."""
    source = write_source(program, title="A network.", origin=("", "A line."), weights="net.safetensors")
    path = folder / "net.py"
    path.write_text(source.text, encoding="utf-8")
    network = build(program, seed=3).double().eval()
    save_file({k: v.contiguous() for k, v in source.state(network.state_dict()).items()}, folder / "net.safetensors")
    names: dict[str, Any] = {}
    exec(compile(source.text, str(path), "exec"), names)
    written = names["load"](str(folder / "net.safetensors"))
    written = written.double()
    written.load_state_dict(source.state(network.state_dict()))
    image = torch.randn(2, *(int(a) for a in program.input.axes), dtype=torch.double,  # type: ignore[arg-type]
                        generator=torch.Generator().manual_seed(1))  # fmt: skip
    with torch.no_grad():
        ours, theirs = network(image), written.eval()(image)
    for a, b in zip(*((v if isinstance(v, tuple) else (v,)) for v in (ours, theirs)), strict=True):
        assert torch.equal(a, b)
    if is_formatted:
        for command in (["format", "--check"], ["check", "--select", "E,F,I,B,UP,SIM,RUF", "--ignore", "E501"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--isolated", str(path)], capture_output=True
            )
            assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return source


def test_every_layer_has_a_row() -> None:
    assert set(ROWS) == set(TORCH_ROWS)


@pytest.mark.parametrize("space", SMALL)
def test_source_equals_the_network(space: str, tmp_path: Path) -> None:
    check(drawn(space, 0), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 13))
@pytest.mark.parametrize("space", SMALL)
def test_source_equals_more_networks(space: str, seed: int, tmp_path: Path) -> None:
    check(drawn(space, seed), tmp_path)


def test_only_torch_is_imported(tmp_path: Path) -> None:
    source = check(drawn("nas_unet", 5), tmp_path)
    imports = [line for line in source.text.splitlines() if line.startswith(("import", "from"))]
    assert {line.split()[1].split(".")[0] for line in imports} == {"json", "torch"}


def test_alike_cells_are_one_class(tmp_path: Path) -> None:
    source = check(drawn("nas_unet", 5), tmp_path)
    assert source.text.count("class DownSc") == 1
    assert source.text.count("= DownSc(") == 2


def test_a_foreign_layer_is_refused(tmp_path: Path) -> None:
    text = 'nas 1\nlayer odd() extern "somebody.odd" { shape [ch, *s] -> [ch, *s] }\nspace s(x: image) { x -> odd }\n'
    program = elaborate(load(Text("odd.nas", text), tmp_path), Request("s", {}, (1, 8, 8), binding={}, is_fixed=True))
    with pytest.raises(NasError) as failure:
        write_source(program, title="A network.", origin=(), weights="w")
    assert failure.value.diagnostics[0].code == "unsupported-layer"
