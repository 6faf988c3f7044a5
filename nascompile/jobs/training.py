"""Training one network as a text says, with its weights and history in a folder of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nascompile.backends.pytorch import Network
from nascompile.config.constants import Choice
from nascompile.config.search import Training
from nascompile.data.dataset import Patches, datasets
from nascompile.data.task import SplitName, Task
from nascompile.jobs.losses import output_loss
from nascompile.syntax import nodes as ast
from nascompile.train.evaluate import Evaluation, evaluate
from nascompile.train.loop import BEST, Outcome, TrainConfig, fit, load_weights
from nascompile.train.optimisers import Schedule, make_schedule
from nascompile.train.progress import Report, silent


@dataclass(frozen=True, slots=True)
class Data:
    """The images of a task, read once."""

    task: Task
    train: Patches
    val: Patches

    @staticmethod
    def of(task: Task, seed: int) -> Data:
        """Read the training and validation cases. Raises NasError that names every bad case."""
        return Data(task, datasets(task, "train", seed), datasets(task, "val", seed))


def train_config(training: Training, outputs: tuple[str, ...], seed: int) -> TrainConfig:
    """What the training loop takes. Raises NasError for an output that the network does not have."""
    return TrainConfig(
        budget=training.budget,
        loss=output_loss(training.loss, outputs),
        batch=training.batch,
        optimiser=training.optimiser.name,
        options=plain(training.optimiser.options),
        schedule=schedule_of(training.optimiser.schedule),
        clip=training.clip,
        mix=training.mix,
        precision=training.precision,
        validate=training.validate,
        seed=seed,
        drop_last=training.drop_last,
    )


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options without what only the text needs."""
    return {name: value for name, value in options.items() if not isinstance(value, ast.Quantity)}


def schedule_of(choice: Choice) -> Schedule:
    """The learning-rate schedule of a text."""
    return make_schedule(choice.name, plain(choice.options), choice.span)


def train(
    network: Network,
    data: Data,
    training: Training,
    folder: Path,
    *,
    digest: str,
    device: torch.device,
    seed: int,
    resume: bool = True,
    report: Report = silent,
) -> Outcome:
    """Train `network` in place and leave it with the weights of the best validation; see `train.loop.fit`."""
    config = train_config(training, network.output_names, seed)
    outcome = fit(
        network, data.task, data.train, data.val, config, folder,
        digest=digest, device=device, resume=resume, report=report,
    )  # fmt: skip
    if outcome.finished and outcome.best is not None:
        load_weights(folder / BEST, network)
    return outcome


def whole_images(task: Task, split: SplitName) -> Patches:
    """The whole images of a split, also of the training cases."""
    if split != "train":
        return datasets(task, split)

    def plain(of: Task) -> Task:
        return replace(of, augment=(), sampling="crop", patch=(1,) * of.rank)

    found = datasets(replace(plain(task), parts=tuple(map(plain, task.parts))), "train")
    return Patches(found.items, found.cases, found.loader, None, 0)


def test(
    network: torch.nn.Module, task: Task, device: torch.device, split: SplitName = "test", **options: Any
) -> Evaluation:
    """Evaluate a network on whole images of a split with the task's metric."""
    return evaluate(network.to(device), task, split, device, **options)
