"""`nascompile profile`: parameters, operations, and latency as measured here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from nascompile.cli import options
from nascompile.cli.guard import guarded
from nascompile.diagnostics import error


@guarded
def profile(
    spec: Annotated[Path | None, typer.Argument(metavar="[SPEC]", help="A text; without it, the newest run.")] = None,
    genotype: options.GenotypeName = None,
    space: options.Space = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="A run instead of a text.")] = None,
    static: Annotated[bool, typer.Option("--static", help="Measure nothing; loads no torch for a text.")] = False,
    set_: options.Set = None,
    config: options.Config = None,
    data: options.Data = None,
    input: options.Input = None,
    device: options.Device = "cpu",
    json_: options.Json = False,
    root: options.Runs = options.RUNS,
) -> None:
    """Print parameters, multiply-accumulates, and the median latency of one image in ONNX Runtime and torch."""
    if spec is not None and run is not None:
        raise error("two-targets", "a SPEC and `--run` name two networks", hint="give one of them")
    from nascompile.jobs.target import of_run, of_text
    from nascompile.profile.cost import cost_of

    if spec is None:
        target = of_run(root, run, None, data)
    else:
        target = of_text(options.compilation(spec, set_, config, data, input), genotype, space)
    cost = cost_of(target.program)
    found: dict[str, Any] = {
        "name": target.name,
        "space": target.program.name,
        "input": list(target.input),
        "parameters": {"live": cost.live, "registered": cost.registered},
        "macs": cost.macs,
        "activations": cost.activations,
    }
    if not static:
        found["latency"] = _measured(target, device)
    if json_:
        print(json.dumps(found, indent=1))
        return
    from nascompile.report.tables import grouped, short

    print(f"{found['name']} ({found['space']}), one image of {found['input']}")
    print(f"  parameters   {grouped(cost.live)} live, {grouped(cost.registered)} registered")
    print(f"  MACs         {grouped(cost.macs)} ({short(cost.macs)})")
    for name, row in found.get("latency", {}).items():
        print(f"  {name:<12} {_latency(row)}")


def _latency(row: dict[str, Any]) -> str:
    if "median_ms" not in row:
        return str(row["missing"])
    spread = f"{row['quartile_low_ms']:.2f} .. {row['quartile_high_ms']:.2f}"
    return f"{row['median_ms']:.2f} ms ({spread}), median of {row['calls']} calls, {row['threads']} threads"


def _measured(target: Any, device: str) -> dict[str, Any]:
    """Latency by runtime; where one is missing, why."""
    import torch

    from nascompile.backends.onnx import export, session
    from nascompile.diagnostics import NasError
    from nascompile.profile.latency import session_latency, torch_latency
    from nascompile.train.device import choose_device

    network, _ = target.network()
    found: dict[str, Any] = {"torch": torch_latency(network, target.input, choose_device(device)).as_json()}
    threads = torch.get_num_threads()
    try:
        model = export(network, target.input, target.outputs, {})
        found["onnxruntime"] = session_latency(session(model.data, threads), target.input, threads).as_json()
    except NasError as failure:
        hint = failure.diagnostics[0].hint
        found["onnxruntime"] = {"missing": f"{failure.diagnostics[0].message}{f' ({hint})' if hint else ''}"}
    return found
