"""Tiles of published networks on the shipped analog devices: `benchmarks/results/analog_tiles.json`.

    python benchmarks/analog_tiles.py

Counts and shares follow from the texts; energies and times are the model of `nascompile.analog.estimate`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from record import write

from nascompile.analog.device import load_device
from nascompile.analog.figures import tile_figures
from nascompile.compilation import Compilation
from nascompile.resources import resource

RESULTS = Path(__file__).parent / "results" / "analog_tiles.json"
DEVICES = ("pcm", "reram")


def main() -> None:
    found: dict[str, Any] = {}
    for spec in sorted(resource("specs/genotypes").glob("*.nas")):
        text = Compilation.from_path(spec)
        for name in text.library.genotypes:
            program = text.network(text.genotype(name))
            row: dict[str, Any] = {}
            for device in DEVICES:
                figures = tile_figures(program, load_device(device))
                layers = figures.pop("layers")
                figures["forms"] = {
                    form: sum(layer["form"] == form for layer in layers) for form in sorted({r["form"] for r in layers})
                }
                figures["digital"] = sorted({layer["layer"] for layer in layers if layer["form"] == "digital"})
                figures["estimate"].pop("source")
                row[device] = figures
            found[f"{spec.stem} {name}"] = {"input": [int(axis) for axis in program.input.axes]} | row
            pcm = row["pcm"]
            print(f"{spec.stem:12} {name:24} {pcm['tiles']:5} tiles, {pcm['share_on_tiles']:.6%} of MACs", flush=True)
    write(RESULTS, {"row": "analog_tiles", "results": found})


if __name__ == "__main__":
    main()
