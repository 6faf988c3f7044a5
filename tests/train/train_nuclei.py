"""Trains a small network on the shipped nuclei: `train_nuclei.py DATA RUN [SECONDS A STEP]`. Tests kill it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from nascompile.data.dataset import datasets
from nascompile.data.task import Augment, Pairs, Task
from nascompile.train.budget import Budget
from nascompile.train.loop import TrainConfig, fit
from nascompile.train.losses import make_loss
from nascompile.train.optimisers import make_schedule
from nascompile.train.seed import seeded, set_deterministic


def main(data: str, folder: str, pause: str = "0") -> None:
    set_deterministic(threads=1)
    task = Task(
        "nuclei",
        Path(data),
        Pairs("images/*.png", "labels/*.png"),
        classes=("background", "interior", "boundary"),
        patch=(48, 48),
        augment=(Augment("flip"), Augment("rotate"), Augment("intensity_shift")),
    )
    with seeded(0):
        net = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.Dropout2d(0.3), nn.Conv2d(6, 3, 1))
    config = TrainConfig(
        Budget(30, "steps"),
        make_loss("dice_ce"),
        batch=3,
        optimiser="adam",
        options={"lr": 0.02},
        schedule=make_schedule("poly"),
        mix=0.5,
        save_seconds=0.0,
    )

    def slow(done: float, numbers: Mapping[str, float]) -> None:
        time.sleep(float(pause))

    sets = datasets(task, "train"), datasets(task, "val")
    fit(net, task, *sets, config, Path(folder), digest="nuclei", device=torch.device("cpu"), report=slow)


if __name__ == "__main__":
    main(*sys.argv[1:])
