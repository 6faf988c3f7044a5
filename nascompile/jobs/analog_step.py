"""The analog step of a run: from its text and trained weights to states, results, pictures and pages in its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nascompile.analog.device import load_device
from nascompile.backends.analog.selftest import require_aihwkit
from nascompile.compilation import Compilation
from nascompile.config.analog import BUDGET, AnalogStage
from nascompile.data.task import Task
from nascompile.diagnostics import error
from nascompile.files import write_text
from nascompile.ir.program import Program
from nascompile.jobs.analog_evaluation import times_of
from nascompile.jobs.analog_training import AnalogPlan, results_name, train_analog
from nascompile.jobs.contest import Announce
from nascompile.jobs.folder import GENOTYPE, WEIGHTS
from nascompile.jobs.networks import load_weights
from nascompile.jobs.programs import fixed_program
from nascompile.jobs.results import table
from nascompile.jobs.single import Plan, default_training, of_run, train_single
from nascompile.jobs.training import Data
from nascompile.report.analog_curves import draw_over_time
from nascompile.report.run_page import write_page
from nascompile.runs import Run, find, read_json, write_json
from nascompile.space.genotype import Genotype

RESULTS = "results.json"


def stage_of(text: Compilation, search: str | None, device: str | None = None) -> AnalogStage:
    """The stage `analog` of a search, or what it is without one: 20 epochs more, trained as the digital network was.

    `device` replaces the stage's; noise that the text says is kept, and times if that device is characterised at them.
    Raises NasError (`unknown-device`, mistakes of its file).
    """
    config = None if search is None else text.search(search)
    stage = None if config is None else config.analog
    if stage is None:
        training = default_training() if config is None else config.train
        stage = AnalogStage(device or "pcm", replace(training, budget=BUDGET))
    if device is None:
        return stage
    where = str(Path(device).resolve()) if device.endswith((".yaml", ".yml")) else device
    known = load_device(where).times
    times = stage.times if not known or all(t in known for _, t in stage.times or ()) else None
    return replace(stage, device=where, span=None, times=times)


def require_ready(text: Compilation, stage: AnalogStage | None) -> None:
    """Say now what would stop a stage after hours of digital training.

    Raises NasError: `missing-package`, `unknown-device`, mistakes of the device's file, `unknown-time`.
    """
    if stage is not None:
        require_aihwkit()
        times_of(load_device(stage.device, text.folder, stage.span), stage.times, stage.span)


def plan_of_network(
    text: Compilation,
    program: Program,
    genotype: Genotype | None,
    task: Task,
    weights: Mapping[str, torch.Tensor],
    stage: AnalogStage,
    digest: str,
) -> AnalogPlan:
    """A plan, with the device read. Raises NasError: `unknown-device`, mistakes of its file, `unknown-time`."""
    found = load_device(stage.device, text.folder, stage.span)
    plan = AnalogPlan(program, genotype, task, dict(weights), stage, found, digest)
    assert plan.times  # times that the device does not know are said before anything is trained
    return plan


def plan_of_run(
    root: Path, name: str | None, device: str | None, settings: list[str], task: str | None, data: Path | None
) -> tuple[Run, AnalogPlan]:
    """The plan for the trained network of a run, by default of the newest that has one.

    Raises NasError: `no-runs`, `unknown-run`, `missing-weights`, and what the text gives.
    """
    run = find(root, name, having=() if name else (GENOTYPE, WEIGHTS))
    if not run.path(WEIGHTS).exists():
        hint = "train it digitally first: `nascompile train`"
        raise error("missing-weights", f"the run `{run.name}` has no trained weights", hint=hint)
    plan = of_run(root, str(run.folder), None, settings, task, data)
    program = fixed_program(plan.text, plan.genotype, plan.task)
    weights, metadata = load_weights(run.path(WEIGHTS))
    stage = stage_of(plan.text, plan.search, device)
    digest = metadata.get("digest", plan.digest)
    return run, plan_of_network(plan.text, program, plan.genotype, plan.task, weights, stage, digest)


def analog_step(
    plan: AnalogPlan, run: Run, data: Data, announce: Announce, say: Callable[[str], None]
) -> dict[str, Any]:
    """Train and measure (`train_analog`), draw, and add the outcome to `results.json` and the run's page.

    On the CPU, whose generator draws the noise of the tiles, wherever the digital network was trained.
    Raises KeyboardInterrupt after Ctrl-C; the same command goes on.
    """
    found = train_analog(plan, run, data, torch.device("cpu"), announce, say)
    write_text(run.path(results_name(plan.device)).with_suffix(".svg"), draw_over_time(found))
    path = run.path(RESULTS)
    if path.exists():
        results = read_json(path)
        write_json(path, {**results, "analog": {**results.get("analog", {}), found["device"]: found}})
        columns, rows = table(results["entries"], results["metric"])
        remarks = [f"{e['name']}: {e['remark']}" for e in results["entries"] if e["remark"]]
        write_page(run, results["task"], results["metric"], columns, rows, remarks)
    return found


def train_and_convert(
    plan: Plan,
    run: Run,
    device: torch.device,
    weights: Path | None,
    announce: Announce,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """`train_single`, then the stage `analog` where the search of the text has one."""
    stage = None if plan.search is None else plan.text.search(plan.search).analog
    require_ready(plan.text, stage)
    entry = train_single(plan, run, device, weights, announce, say)
    if stage is not None:
        program = fixed_program(plan.text, plan.genotype, plan.task)
        trained, _ = load_weights(run.path(WEIGHTS))
        analog = plan_of_network(plan.text, program, plan.genotype, plan.task, trained, stage, plan.digest)
        analog_step(analog, run, Data.of(plan.task, stage.training.seed), announce, say)
    return entry
