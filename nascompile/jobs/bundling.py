"""Writing a trained network as a MONAI bundle: a folder that MONAI's command line runs without nascompile."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nascompile import __version__
from nascompile.backends.pytorch import Network
from nascompile.config.search import Training
from nascompile.data.task import Task
from nascompile.diagnostics import NasError, error
from nascompile.files import write_text
from nascompile.jobs import bundle_configs
from nascompile.jobs.bundle_configs import WEIGHTS
from nascompile.jobs.bundle_steps import image_patterns, is_flat
from nascompile.jobs.target import Target
from nascompile.jobs.whole_folder import beside
from nascompile.jobs.writing_source import write_python
from nascompile.resources import resource
from nascompile.runs import RECORD, read_json, write_json
from nascompile.train.losses import PAIR_LOSSES
from nascompile.train.predict import main_output, main_place

METADATA = "configs/metadata.json"
_SCRIPTS = ("__init__", "images", "inferers", "losses", "predicting", "training")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A written bundle. `notes` say what of the text it does not carry over."""

    folder: Path
    files: tuple[str, ...]
    spatial: tuple[str | int, ...]
    notes: tuple[str, ...]


def write_bundle(target: Target, folder: Path) -> Bundle:
    """Write the bundle of a run's network into `folder`, whole or not at all.

    An earlier bundle of ours is replaced. Raises NasError: `no-task`, `not-a-bundle` for a folder that holds something
    else, `cannot-export` if the written network computes something else, `cannot-write`, `unsupported-layer`.
    """
    if target.task is None:
        hint = "export a run: `nascompile export --run NAME --bundle DIR`"
        raise error("no-task", "a bundle says how images are read, and a text alone has no such task", hint=hint)
    require_replaceable(folder)
    task = replace(target.task.sources[0], slices=None)
    single = single_output(target)
    network, _ = single.network()
    network = network.eval()
    channels = int(main_output(_outputs(network, target.input), network.output_names).shape[1])
    spatial = accepted_sizes(network, target, task)
    training, notes = _training(target, task)
    with beside(folder) as temporary:
        write_python(single, network, temporary / "scripts" / "network.py")
        (temporary / "models").mkdir()
        (temporary / "scripts" / "network.safetensors").replace(temporary / WEIGHTS)
        _require_equal(network, temporary, target.input)
        for name in _SCRIPTS:
            if training is not None or name not in ("losses", "training"):
                shutil.copyfile(resource(f"templates/bundle/scripts/{name}.py"), temporary / "scripts" / f"{name}.py")
        train = None
        if training is not None:
            train = bundle_configs.train(task, training, target.outputs[main_place(target.outputs)], channels)
            write_json(temporary / "configs" / "train.json", train)
        about = bundle_configs.metadata(task, target.name, channels, spatial, _versions(task), _ours(target))
        write_json(temporary / METADATA, about)
        write_json(temporary / "configs" / "inference.json", bundle_configs.inference(task, channels))
        facts = {
            "name": target.name, "task": task, "about": about, "notes": notes, "patterns": image_patterns(task),
            "ending": ".png" if is_flat(task) else ".nii.gz", "has_training": train is not None,
            "version": __version__, "is_volume": task.rank == 3,
        }  # fmt: skip
        for template, name in (("README.md.j2", "docs/README.md"), ("LICENSE.j2", "LICENSE")):
            write_text(temporary / name, _page(template, facts))
        files = tuple(sorted(p.relative_to(temporary).as_posix() for p in temporary.rglob("*") if p.is_file()))
    return Bundle(folder, files, spatial, notes)


def require_replaceable(folder: Path) -> None:
    """Raise NasError (`not-a-bundle`) unless `folder` is absent, empty, or a bundle that nascompile wrote."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        if folder.is_dir() and "nascompile" in json.loads((folder / METADATA).read_text(encoding="utf-8")):
            return
    except (OSError, ValueError, TypeError):
        pass
    hint = "name a folder that does not exist yet"
    raise error("not-a-bundle", f"`{folder}` exists and is no bundle that nascompile wrote", hint=hint)


def single_output(target: Target) -> Target:
    """The target with the output that counts as its only output."""
    graph = target.program.graph
    kept = (graph.outputs[main_place(target.outputs)],)
    return replace(target, program=replace(target.program, graph=replace(graph, outputs=kept)))


def accepted_sizes(network: Network, target: Target, task: Task) -> tuple[str | int, ...]:
    """Sizes as MONAI writes them: `16*n` with the divisor, raised until the smallest size (n = 1) can be computed; of a
    classification the patch, as its images are always brought to that."""
    if task.kind == "classification":
        return task.patch
    size = target.unit
    while size < max(task.patch):
        with suppress(RuntimeError, ValueError):  # normalisation of one pixel, a kernel larger than the image
            _outputs(network, (target.input[0], *[size] * task.rank))
            break
        size *= 2
    return (f"{size}*n",) * task.rank


def _outputs(network: torch.nn.Module, input: tuple[int, ...]) -> Any:
    images = torch.rand((1, *input), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return network(images)


def _require_equal(network: Network, bundle: Path, input: tuple[int, ...]) -> None:
    """Load the written source with the written weights and compare it with `network`."""
    place = bundle / "scripts" / "network.py"
    spec = importlib.util.spec_from_file_location("_bundle_network", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    ours, theirs = (
        main_output(_outputs(network, input), network.output_names),
        _outputs(module.load(str(bundle / WEIGHTS)), input),
    )
    if not torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4 * float(ours.abs().max())):
        worst = float((ours - theirs).abs().max())
        raise error("cannot-export", f"the written network differs from the trained one by up to {worst:g}")


def _training(target: Target, task: Task) -> tuple[Training | None, tuple[str, ...]]:
    """How the run trained its network, and what of that a bundle cannot say; None where it has no `train.json`."""
    assert target.task is not None
    if target.task.parts:
        return None, ("It was trained on a union of data sets, which `train.json` cannot describe; there is none.",)
    if target.task.slices is not None:
        return None, (
            "It was trained on planes of volumes, normalised as volumes; `train.json` cannot describe that, there is"
            " none. `inference.json` takes images of planes.",
        )
    try:
        record = read_json(target.folder / RECORD)
        training = target.text.search(record.get("search")).train
    except NasError:
        return None, ("No `stage train` belongs to the network, so there is no `train.json`.",)
    main, notes = target.outputs[main_place(target.outputs)], []
    if any(term.choice.name in PAIR_LOSSES for term in training.loss):
        return None, ("Its loss compares two outputs of the network (`angular`), so there is no `train.json`.",)
    left_out = [t.output for t in training.loss if t.output not in (None, "main", main)]
    if len(left_out) == len(training.loss):
        return None, ("Its loss leaves out the output that the bundle has, so there is no `train.json`.",)
    if left_out:
        notes.append(f"Losses of other outputs are left out of `train.json`: {', '.join(map(str, left_out))}.")
    if training.mix:
        notes.append("Mixup is left out of `train.json`.")
    if training.precision not in ("auto", "float32"):
        notes.append(f"`train.json` trains in float32, the text in {training.precision}.")
    notes.append(
        "`train.json` starts from torch's own initialisation and draws other random numbers, so it repeats the recipe,"
        " not the run. Its validation is the mean Dice of the foreground classes, or the share of hits."
    )
    return training, tuple(notes)


def _ours(target: Target) -> dict[str, Any]:
    genotype = target.genotype
    return {
        "version": __version__,
        "spec": target.digest,
        "divisor": target.unit,
        "genotype_digest": "" if genotype is None else genotype.digest(),
        "genotype": "" if genotype is None else genotype.to_text("found", header=False),
        "notice": "for research, not a medical device",
    }


_READERS = ((".nii.gz", "nibabel"), (".nii", "nibabel"), (".nrrd", "pynrrd"), (".nhdr", "pynrrd"))


def _versions(task: Task) -> dict[str, str]:
    """Versions of what the bundle needs; packages that are not installed here with an empty version."""
    pattern = image_patterns(task)[0].lower()
    reader = "pillow" if is_flat(task) else next((p for ending, p in _READERS if pattern.endswith(ending)), "itk")
    return {name: _version(name) for name in ("monai", "torch", "numpy", "fire", reader)}


def _version(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return ""


def _page(template: str, facts: dict[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(resource("templates/bundle")), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    return environment.get_template(template).render(facts)
