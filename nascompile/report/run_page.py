"""The page of a run folder: its results, genotype and files, as Markdown. Layout in `templates/run/README.md.j2`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nascompile import __version__
from nascompile.files import write_text
from nascompile.report.analog_page import PREFIX, analog_parts
from nascompile.resources import resource
from nascompile.runs import Run

PAGE = "README.md"

_MEANINGS = {
    "spec.nas": "the resolved text: what was searched, on what, how",
    "genotype.nas": "the network that was found",
    "model.onnx": "that network, trained, after ONNX Runtime agreed with torch",
    "weights.safetensors": "its weights",
    "analog_*.safetensors": "the network that was trained for a device, clean: it is programmed after loading",
    "control_*.safetensors": "the digital network that was trained as long without the device",
    "analog_*.json": "what was measured on a device over time, every programming",
    "supernet.safetensors": "the supernet's weights, to inherit from",
    "probabilities.json": "the relaxed weights of all candidates",
    "results.json": "evaluations, costs and latencies of everything compared",
    "metrics.csv": "the course of the search; the same for the same seed",
    "timing.csv": "wall-clock times",
    "curves.svg": "losses and metric over the search",
    "environment.json": "versions, threads, seed, device",
}


def write_page(run: Run, task: str, metric: str, columns: Sequence[str], rows: Sequence[Sequence[str]],
               remarks: Sequence[str]) -> None:  # fmt: skip
    """Write `README.md` into the run folder. The genotype must be there; other files are listed if they are."""
    environment = Environment(
        loader=FileSystemLoader(resource("templates/run")), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    page = environment.get_template("README.md.j2").render(
        name=run.name, task=task, metric=metric, version=__version__, date=date.today().isoformat(), note=run.note(),
        columns=list(columns), rows=[list(r) for r in rows], remarks=list(remarks),
        genotype=run.path("genotype.nas").read_text(encoding="utf-8").strip(),
        drawings=[p.name for p in sorted(run.folder.glob("*.svg")) if not p.name.startswith(PREFIX)],
        analog=analog_parts(run),
        files=[
            (path.name, meaning) for pattern, meaning in _MEANINGS.items() for path in sorted(run.folder.glob(pattern))
        ],
    )  # fmt: skip
    write_text(run.path(PAGE), page)
