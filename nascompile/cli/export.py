"""`nascompile export`: write a network for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nascompile.cli import options
from nascompile.cli.guard import guarded
from nascompile.diagnostics import NasError, error


@guarded
def export(
    spec: Annotated[Path | None, typer.Argument(metavar="[SPEC]", help="A text; without it, the newest run.")] = None,
    genotype: options.GenotypeName = None,
    space: options.Space = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="A run instead of a text.")] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write ONNX.")] = False,
    python: Annotated[
        Path | None,
        typer.Option("--python", metavar="OUT.py", help="Write readable Python source that imports torch alone."),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", metavar="DIR", help="Write a run's network as a MONAI bundle.")
    ] = None,
    pt2: Annotated[
        Path | None, typer.Option("--pt2", metavar="OUT.pt2", help="Write torch's own format, with free sizes.")
    ] = None,
    analog: Annotated[
        bool, typer.Option("--analog", help="Write the network on the tiles of an analog device.")
    ] = False,
    device: Annotated[
        str, typer.Option("--device", metavar="NAME|FILE", help="The analog device: pcm, reram, cmo, ideal, mine.yaml.")
    ] = "pcm",
    tiles: Annotated[str, typer.Option("--tiles", help="What computes analog tiles: torch or cpp.")] = "torch",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The ONNX file to write; with --analog, the folder.")
    ] = None,
    weights: Annotated[Path | None, typer.Option("--from", metavar="WEIGHTS", help="Weights to export.")] = None,
    opset: Annotated[int | None, typer.Option("--opset", min=11, help="The version of ONNX' operators.")] = None,
    external: Annotated[bool, typer.Option("--external", help="Put the weights into a file beside the model.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Also write the ONNX model in float16.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Also write it in int8, calibrated on training images.")] = False,
    set_: options.Set = None,
    config: options.Config = None,
    data: options.Data = None,
    input: options.Input = None,
    root: options.Runs = options.RUNS,
) -> None:
    """Write a network as ONNX, once ONNX Runtime has agreed with torch on several sizes and batches; as Python source,
    as a MONAI bundle, in torch's own format, or on analog tiles."""
    onnx = onnx or fp16 or int8
    if not onnx and python is None and bundle is None and pt2 is None and not analog:
        hint = "write `--onnx`, `--python OUT.py`, `--bundle DIR`, `--pt2 OUT.pt2` or `--analog`"
        raise error("missing-format", "no format is named", hint=hint)
    unused = {"--out": out is not None and not analog, "--opset": opset is not None, "--external": external}
    for name in (name for name, is_given in unused.items() if is_given and not onnx):
        others = "; `--python`, `--bundle` and `--pt2` name their own files" if name == "--out" else ""
        message = f"`{name}` is for {'`--onnx` and `--analog`' if name == '--out' else '`--onnx`'}{others}"
        raise error("bad-option", message, hint=f"add `--onnx`, or leave `{name}` out")
    if not analog and (device != "pcm" or tiles != "torch"):
        named = "--device" if device != "pcm" else "--tiles"
        raise error("bad-option", f"`{named}` is for networks on analog tiles", hint="add `--analog`, or leave it out")
    if python is not None and python.suffix != ".py":
        raise error("bad-option", f"`{python}` is no Python file", hint=f"write `--python {python.name}.py`")
    options.require_suffix("--pt2", pt2, ".pt2")
    if spec is not None and run is not None:
        raise error("two-targets", "a SPEC and `--run` name two networks", hint="give one of them")
    from nascompile.jobs.exporting import export_network, real_images
    from nascompile.jobs.target import of_run, of_text

    if spec is None:
        options.for_texts_only(space=space, set=set_, config=config, input=input)
        target = of_run(root, run, weights, data, genotype)
    else:
        target = of_text(options.compilation(spec, set_, config, data, input), genotype, space, weights)
    network, inherited = target.network()
    if inherited is None:
        print("note: no trained weights; the exported weights are random (`--from WEIGHTS` gives others)")
    elif inherited.missing or inherited.mismatched:
        hint = "weights of the same text and genotype fit: of its run, or of its supernet"
        message = f"`{target.weights}` does not fit `{target.name}`: {inherited.lines()[0]}"
        raise error("weights-of-another-genotype", message, hint=hint)
    if python is not None:
        from nascompile.jobs.writing_source import write_python

        written = write_python(target, network, python)
        print(f"wrote {written.source}: {written.lines} lines; its weights: {written.weights}")
    if bundle is not None:
        from nascompile.jobs.bundling import write_bundle

        bundled = write_bundle(target, bundle)
        print(f"wrote {bundle}: a MONAI bundle of {len(bundled.files)} files; its README says how to run it")
        print("\n".join(f"  {note}" for note in bundled.notes))
    if pt2 is not None:
        from nascompile.jobs.exporting_pt2 import write_pt2

        free = write_pt2(network, target.input, pt2, target.unit)
        print(f"wrote {pt2}: sizes {free.sizes}; differs from the network by at most {free.worst:.1e}")
    if analog:
        from nascompile.cli.analog_export import export_analog

        name = Path(device).stem
        in_run = f"on_{name}" if genotype is None else f"{genotype}_on_{name}"
        folder = out or (target.folder / in_run if spec is None else Path(f"{target.name}_on_{name}"))
        export_analog(target, network, device, tiles, folder)
        out = folder / "model.onnx"
    if not onnx:
        return
    path = out or (target.folder / f"{genotype or 'model'}.onnx" if spec is None else Path(f"{target.name}.onnx"))
    images = []
    try:
        images = real_images(target.task)
    except NasError as failure:
        print(f"note: no real images to compare on: {failure.diagnostics[0].message}")
    done = export_network(
        network, target.input, target.outputs, path, digest=target.digest, genotype=target.genotype, task=target.task,
        images=images, unit=target.unit, opset=opset, external=external,
    )  # fmt: skip
    axes = ", ".join({0: "batch"}.get(axis, f"axis {axis}") for axis in done.model.dynamic) or "none"
    beside = f" and {path.with_suffix('.weights').name}" if external else ""
    print(f"wrote {path}{beside}: {len(done.model.data):,} bytes, free axes: {axes}")
    if opset is not None and opset != done.model.opset:
        way = "down" if opset < done.model.opset else "up"
        print(f"note: torch's exporter does not go {way} to opset {opset}; this is {done.model.opset}")
    print(f"  sizes are multiples of {done.model.unit}; opset {done.model.opset}; against torch in float64:")
    for agreement in done.model.agreements:
        print(f"  {agreement}")
    print(f"  {done.latency.median:.2f} ms for one image, {done.latency.threads} threads")
    if fp16 or int8:
        from nascompile.jobs.shrinking import measured, shrink

        task = target.task if images else None
        rows = [measured(path, target.input, task)]
        for bits in [*(["fp16"] if fp16 else []), *(["int8"] if int8 else [])]:
            rows.append(shrink(path, done.model, bits, target.input, task))  # type: ignore[arg-type]
        for row in rows:
            value = "" if row.metric is None or task is None else f", {task.metric} {row.metric:.4f} on val"
            print(f"  {row.path.name}: {row.bytes:,} bytes, {row.ms:.2f} ms{value}")
