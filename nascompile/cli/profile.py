"""`nascompile profile`: parameters, operations, predicted and measured latency, of a network and of its layers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nascompile.analog.device import is_analog
from nascompile.cli import options
from nascompile.cli.guard import guarded
from nascompile.diagnostics import error
from nascompile.files import require_writable, write_text

if TYPE_CHECKING:
    from nascompile.analog.device import Device
    from nascompile.jobs.target import Target
    from nascompile.profile.latency_model import LatencyModel

Genotypes = Annotated[
    list[str] | None,
    typer.Option("--genotype", "-g", metavar="NAME", help="Which genotype; repeat it to compare several."),
]
Run = Annotated[str | None, typer.Option("--run", metavar="RUN", help="A run instead of a text.")]
Static = Annotated[bool, typer.Option("--static", help="Measure nothing; loads no torch for a text.")]
Layers = Annotated[bool, typer.Option("--layers", help="One row a layer as well.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV: a line a network, with --layers a line a layer.")]
Svg = Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Draw time by layer and a roofline.")]
Against = Annotated[
    str | None, typer.Option("--against", metavar="torch", help="Compare costs with torch's own counters.")
]
TargetName = Annotated[
    str | None,
    typer.Option("--target", metavar="NAME|FILE", help="Predict the latency on the device of a latency table."),
]
Missing = Annotated[
    bool, typer.Option("--measure-missing", help="Measure kernels that the table hardly knows, here, and add them.")
]
Calibrate = Annotated[
    str | None,
    typer.Option("--calibrate", metavar="TARGET", help="Write TARGET.yaml: a latency table of this machine."),
]
Minutes = Annotated[float, typer.Option("--minutes", help="How long --calibrate may take.", min=0.1, max=120)]
Threads = Annotated[int | None, typer.Option("--threads", help="Threads of what is measured.", min=1)]
Batch = Annotated[int, typer.Option("--batch", help="Images at a time.", min=1)]
Seconds = Annotated[float, typer.Option("--seconds", help="The longest time of one measurement.", min=0.01)]
Precision = Annotated[str, typer.Option("--precision", help="float32, bfloat16 or float16, in torch.")]
Compiled = Annotated[bool, typer.Option("--compiled", help="Measure torch.compile as well.")]


@guarded
def profile(
    spec: Annotated[Path | None, typer.Argument(metavar="[SPEC]", help="A text; without it, the newest run.")] = None,
    genotype: Genotypes = None,
    space: options.Space = None,
    run: Run = None,
    static: Static = False,
    layers: Layers = False,
    target: TargetName = None,
    measure_missing: Missing = False,
    against: Against = None,
    svg: Svg = None,
    csv: Csv = False,
    json_: options.Json = False,
    batch: Batch = 1,
    threads: Threads = None,
    seconds: Seconds = 2.0,
    precision: Precision = "float32",
    compiled: Compiled = False,
    calibrate: Calibrate = None,
    minutes: Minutes = 9.0,
    set_: options.Set = None,
    config: options.Config = None,
    data: options.Data = None,
    input: options.Input = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda; or an analog one: pcm, mine.yaml.")] = "cpu",
    root: options.Runs = options.RUNS,
) -> None:
    """Print what networks cost: parameters, multiply-accumulates, memory, and the latency of one image."""
    if calibrate is not None:
        _calibrate(calibrate, 60 * minutes, threads or 1)
        return
    if spec is not None and run is not None:
        raise error("two-targets", "a SPEC and `--run` name two networks", hint="give one of them")
    if precision not in ("float32", "bfloat16", "float16"):
        hint = "`--precision bfloat16`, `float16` or `float32`"
        raise error("unknown-precision", f"there is no precision `{precision}`", hint=hint)
    if csv and json_:
        raise error("bad-option", "`--json` and `--csv` are two forms of the same figures", hint="give one of them")
    options.require_suffix("--svg", svg, ".svg")
    if svg is not None:
        require_writable(svg)  # before anything is measured
    if measure_missing and target is None:
        hint = "name it, `--target FILE`, or write one, `--calibrate NAME`"
        raise error("bad-option", "`--measure-missing` adds to a latency table, and none is named", hint=hint)
    analog = _analog(device, {"--target": target, "--against": against, "--svg": svg})
    from nascompile.jobs.profiling import How, figures
    from nascompile.jobs.target import of_run, of_text

    names: list[str | None] = [*genotype] if genotype else [None]
    if spec is None:
        options.for_texts_only(space=space, set=set_, config=config, input=input)
        targets = [of_run(root, run, None, data, name) for name in names]
    else:
        text = options.compilation(spec, set_, config, data, input)
        targets = [of_text(text, name, space, with_digest=False) for name in names]
    if analog is not None:
        _tiles(targets, analog, csv=csv, as_json=json_)
        return
    model = None if target is None else _model(target, targets, measure_missing)
    how = None if static else How(device, batch, threads, seconds, precision, compiled)
    found = figures(targets, model, how, layers=layers or svg is not None, against=against)
    if svg is not None:
        from nascompile.report.profile_picture import svg as picture

        write_text(svg, picture(found))
        print(f"wrote {svg}", file=sys.stderr)
        if not layers:
            for row in found:
                del row["layers"]
    if json_:
        print(json.dumps(found[0] if len(found) == 1 else found, indent=1))
        return
    from nascompile.report.profile_table import as_csv, show

    if csv:
        print(as_csv(found), end="")
    else:
        show(found)


def _analog(name: str, others: Mapping[str, object]) -> Device | None:
    """The analog device of `--device`, if it is one; then `others`, which are about processors, may not be given."""
    if not is_analog(name):
        return None
    given = [option for option, value in others.items() if value is not None]
    if given:
        message = f"`--device {name}` is analog, and `{given[0]}` is about processors"
        raise error("two-targets", message, hint="give one of them")
    from nascompile.analog.device import load_device

    return load_device(name)


def _tiles(targets: list[Target], device: Device, *, csv: bool, as_json: bool) -> None:
    """Which layer goes on which tiles of an analog device, and what a model says that it costs."""
    from nascompile.analog.figures import tile_figures
    from nascompile.jobs.profiling import static_figures

    found = [static_figures(t) | {"tiles_on": tile_figures(t.program, device)} for t in targets]
    if as_json:
        print(json.dumps(found[0] if len(found) == 1 else found, indent=1))
        return
    from nascompile.report.tile_table import as_csv, show

    if csv:
        print(as_csv(found), end="")
    else:
        show(found)


def _model(name: str, targets: list[Target], measure_missing: bool) -> LatencyModel:
    """The model of a target; with `measure_missing` its file is completed by what these networks need."""
    from nascompile.profile.latency_model import LatencyModel

    model = LatencyModel.from_target(name)
    if not measure_missing:
        return model
    from nascompile.profile.latency_calibration import add_measured
    from nascompile.profile.latency_table import find, write

    wanted = dict.fromkeys(k for t in targets for k in model.predict(t.program).unknown)
    if wanted:
        table, missing = add_measured(model.table, wanted, int(model.table.target["threads"]))
        write(find(name), table)
        print(f"measured {len(wanted) - len(missing)} kernels, {len(missing)} cannot be alone", file=sys.stderr)
        model = LatencyModel(table)
    return model


def _calibrate(name: str, seconds: float, threads: int) -> None:
    from nascompile.jobs.calibration import calibrate
    from nascompile.profile.latency_table import write

    path = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    table = calibrate(path.stem, seconds=seconds, threads=threads, say=say)
    write(path, table)
    error_ = table.error["networks"]
    print(f"wrote {path}: {len(table.times)} kernels, {len(table.shapes)} families")
    print(
        f"  networks left out in turn: median error {error_['median']:.1%}, within 10% {error_['within_10']:.0%}, "
        f"within 20% {error_['within_20']:.0%} of {error_['count']}"
    )
