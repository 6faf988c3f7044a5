"""One trial: a genotype is priced, timed, scored and put on analog tiles, in this order; the first broken condition
ends it.

Scored is a network that is trained briefly, or a subnet with the weights of an earlier supernet (`jobs.inheriting`).
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from nascompile.backends.pytorch import Network
from nascompile.compilation import Compilation, Input
from nascompile.config.objectives import names_of, violation
from nascompile.config.search import SearchConfig, Training
from nascompile.config.settings import Setting
from nascompile.config.tables import METRICS
from nascompile.data.task import Task
from nascompile.diagnostics import NasError, error
from nascompile.ir.program import Program
from nascompile.jobs.analog_evaluation import task_measure
from nascompile.jobs.analog_trials import analog_trials
from nascompile.jobs.calibration import fingerprint, network_latency
from nascompile.jobs.inheriting import Inheritance, recalibrate, subnet, subnet_program
from nascompile.jobs.networks import make
from nascompile.jobs.programs import call_for_task, fixed_program, input_for
from nascompile.jobs.training import Data, train
from nascompile.jobs.turns import one_at_a_time
from nascompile.profile.latency import torch_latency
from nascompile.profile.operations import operations_of
from nascompile.search.strategy import State
from nascompile.source import Source
from nascompile.space.genotype import Genotype
from nascompile.train.device import choose_device
from nascompile.train.evaluate import evaluate
from nascompile.train.metrics import metric
from nascompile.train.seed import set_deterministic


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a process needs to evaluate trials of a search: plain data, so that it can be sent to one."""

    source: Source
    folder: Path
    data: Path
    settings: tuple[Setting, ...]
    input: Input | None
    search: str | None
    device: str
    scratch: Path
    inherited: Inheritance | None = None

    @staticmethod
    def of(
        text: Compilation, search: str | None, device: str, scratch: Path, inherited: Inheritance | None = None
    ) -> Recipe:
        """The recipe for a search of a text; checkpoints of trials lie under `scratch` while they run."""
        return Recipe(
            text.source, text.folder, text.data, text.settings, text.input, search, device, scratch, inherited
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assignment:
    """A trial to do. `measures` are the static ones, and those that are predicted."""

    number: int
    values: Mapping[str, Any]
    seed: int
    measures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it; see `search.strategy.Trial`."""

    number: int
    state: State
    measures: Mapping[str, float] = field(default_factory=dict)
    violation: float = 0.0
    seconds: float = 0.0
    error: str = ""
    machine: str = ""


class Bench:
    """Evaluates trials one after another; images and inherited weights are read once."""

    def __init__(self, recipe: Recipe):
        text = Compilation(recipe.source, recipe.folder, recipe.data, recipe.settings, recipe.input, recipe.search)
        config = text.search(recipe.search)
        sampling = config.sampling
        if sampling is None or sampling.trial is None:
            raise ValueError(f"`{config.name}` tries no genotypes")
        set_deterministic(sampling.threads)
        self.text = text
        self.config: SearchConfig = config
        self.training: Training = sampling.trial
        self.task: Task = text.task(search=recipe.search)
        self.device = choose_device(recipe.device)
        self.scratch = recipe.scratch
        self.wanted = measures_of(config, self.task)
        self.call = call_for_task(text, config.space, self.task)
        self.programmings = sampling.programmings
        self.analog = analog_trials(config, text.folder)
        self._data: Data | None = None
        self._inherited = None if recipe.inherited is None else recipe.inherited.weights()

    def evaluate(self, given: Assignment) -> Result:
        """Never raises but for KeyboardInterrupt: what goes wrong is the result's `error`."""
        begun = time.monotonic()
        try:
            measures, broken = self._measured(given)
        except (NasError, ArithmeticError, MemoryError, OSError, RuntimeError, ValueError) as failure:
            return Result(given.number, "failed", given.measures, 0.0, time.monotonic() - begun, _words(failure))
        missing = any(name not in measures for name in self.wanted)
        state: State = "rejected" if missing else "complete"
        timed = any(name not in given.measures for name in latencies(self.wanted))
        where = machine(torch.get_num_threads()) if timed else ""
        return Result(given.number, state, measures, broken, time.monotonic() - begun, machine=where)

    def _measured(self, given: Assignment) -> tuple[dict[str, float], float]:
        genotype = Genotype(self.call.name, self.call.arguments, given.values)
        measures = dict(given.measures)
        timed = [name for name in latencies(self.wanted) if name not in measures]  # predicted ones are there
        if timed:
            program = fixed_program(self.text, genotype, self.task)
            network: Network = make(program, given.seed)
            with one_at_a_time(self.scratch / "measuring.lock"):  # of the workers of this run
                measures |= {name: latency(program, network, name, self.task) for name in timed}
        broken = self._violation(measures)
        if broken > 0:
            return measures, broken
        scores = [name for name in self.wanted if name in METRICS]
        if self.analog.wanted and self.task.metric not in scores:
            scores.append(self.task.metric)  # what it is compared with, and cheaper: a condition on it ends the trial
        if not scores:
            return measures, broken
        network, program, found = self.scored(given, scores)
        measures |= found
        broken = self._violation(measures)
        if self.analog.wanted and broken <= 0:
            measures |= self._on_tiles(network, program, given.seed)
            broken = self._violation(measures)
        return measures, broken

    @property
    def data(self) -> Data:
        """The images of the task."""
        if self._data is None:
            self._data = Data.of(self.task, self.config.seed)
        return self._data

    def scored(self, given: Assignment, scores: list[str]) -> tuple[Network, Program, dict[str, float]]:
        """The network of a trial as it was trained, its program, and metrics on the validation cases; the same again
        for the same assignment."""
        network, program = self.network(given)
        return network, program, self._scored(network, self.data, given, scores)

    def network(self, given: Assignment) -> tuple[Network, Program]:
        """The network of a trial before any training, with inherited weights where there are some, and its program."""
        genotype = Genotype(self.call.name, self.call.arguments, given.values)
        if self._inherited is None:
            program = fixed_program(self.text, genotype, self.task)
            return make(program, given.seed), program
        program = subnet_program(self.text, genotype, self.task)
        network = subnet(self.text, genotype, self.task, self._inherited, given.seed)
        recalibrate(network, self.data.train, self.training.batch, self.config.seed, self.device)
        return network, program

    def _scored(self, network: Network, data: Data, given: Assignment, scores: list[str]) -> dict[str, float]:
        """The metrics of a network, trained if the trial says so, on the validation cases."""
        if self.training.budget.amount > 0:
            best = self._trained(network, data, given, scores)
        else:
            best = self.evaluated(network, data, scores)
        for name in scores:
            if best[name] != best[name]:
                raise error("metric-is-nan", f"{name} is not a number after training")
        return {name: float(best[name]) for name in scores}

    def _on_tiles(self, network: Network, program: Program, seed: int) -> dict[str, float]:
        """The analog measures of a trained network, on the validation cases. The simulation runs on the CPU."""
        cpu = torch.device("cpu")
        return self.analog.measured(
            network.to(cpu), program, task_measure(self.task, self.data.val, cpu), self.programmings, seed,
            self.data.train, self.training.batch, maximise=metric(self.task.metric, self.task.kind).maximise,
        )  # fmt: skip

    def evaluated(self, network: Network, data: Data, scores: list[str]) -> dict[str, float]:
        """Metrics of a network on the validation cases of `data`, without training."""
        found = evaluate(network, self.task, data.val, self.device, metrics=scores, resamples=1)
        return {name: found.summaries[name].value for name in scores}

    def _trained(self, network: Network, data: Data, given: Assignment, scores: list[str]) -> Mapping[str, float]:
        self.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{given.number}-", dir=self.scratch))
        try:
            outcome = train(
                network, data, self.training, folder, digest=str(given.number), device=self.device,
                seed=given.seed, resume=False,
            )  # fmt: skip
            if not outcome.finished:
                raise KeyboardInterrupt
            best = outcome.best or {}
            if scores != [self.task.metric] or self.task.metric not in best:
                best = self.evaluated(network, data, scores)
            return best
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _violation(self, measures: Mapping[str, float]) -> float:
        return float(sum(violation(condition, measures, self.text.library) for condition in self.config.where))


def measures_of(config: SearchConfig, task: Task) -> tuple[str, ...]:
    """What a search needs to know of a network: the measures of its objectives and conditions, each once.

    Without an objective the task's metric is maximised.
    """
    found = [name for objective in config.objectives for name in names_of(objective.value)]
    found = found or [task.metric]
    found += [name for condition in config.where for name in names_of(condition)]
    return tuple(dict.fromkeys(found))


def latencies(names: Iterable[str]) -> list[str]:
    """Those measures that are latencies, predicted or measured."""
    return [name for name in names if name.startswith("latency(")]


def machine(threads: int) -> str:
    """The machine and the versions that a measured latency depends on, in one line."""
    found = fingerprint(threads)
    return ", ".join(f"{found[k]}" if k == "processor" else f"{k} {found[k]}" for k in found if k != "nascompile")


def latency(program: Program, network: torch.nn.Module, name: str, task: Task) -> float:
    """Seconds a call of one image, the median as measured now, on the target of `latency(TARGET)`.

    ONNX Runtime gets the network as its operations say, which takes milliseconds where torch's exporter takes a minute;
    after the runtime's own optimisation the kernels are those of the exported file.
    """
    target = name.removeprefix("latency(").removesuffix(")")
    if target.startswith("torch."):
        shape = (task.channels, *task.patch)
        found = torch_latency(network, shape, choose_device(target.removeprefix("torch.")), seconds=0.5)
    else:
        found = network_latency(operations_of(program), torch.get_num_threads(), seconds=0.5)
    return found.median / 1e3


def _words(failure: BaseException) -> str:
    if isinstance(failure, NasError):
        return "; ".join(f"{d.code}: {d.message}" for d in failure.diagnostics)
    if isinstance(failure, MemoryError):
        return "out-of-memory: the machine has not enough memory"
    return f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else ''}"


__all__ = [
    "Assignment",
    "Bench",
    "Input",
    "Recipe",
    "Result",
    "input_for",
    "latencies",
    "latency",
    "machine",
    "measures_of",
]
