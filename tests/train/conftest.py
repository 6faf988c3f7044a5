"""A small task over shipped images and a small network with everything that has state: norms, dropout, momentum."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from nascompile.data.task import Augment, Listing, Pairs, Task
from nascompile.train.seed import seeded


@pytest.fixture
def nuclei(demo: Path) -> Task:
    return Task(
        "nuclei",
        demo / "nuclei",
        Pairs("images/*.png", "labels/*.png"),
        classes=("background", "interior", "boundary"),
        patch=(48, 48),
        augment=(Augment("flip"), Augment("rotate"), Augment("gaussian_noise")),
    )


@pytest.fixture
def lidc(demo: Path) -> Task:
    return Task(
        "lidc",
        demo / "lidc",
        Listing(),
        kind="classification",
        classes=("benign", "malignant"),
        rank=3,
        patch=(32, 32, 32),
        normalise="scale",
        sampling="resize",
        metric="auc",
    )


@pytest.fixture
def make_net() -> Callable[[], nn.Module]:
    """Two convolutions, batch norm and dropout; the same weights at every call."""

    def make() -> nn.Module:
        with seeded(0):
            return nn.Sequential(
                nn.Conv2d(1, 8, 3, padding=1),
                nn.BatchNorm2d(8),
                nn.ReLU(),
                nn.Dropout2d(0.2),
                nn.Conv2d(8, 3, 3, padding=1),
            )

    return make


@pytest.fixture
def net(make_net: Callable[[], nn.Module]) -> nn.Module:
    return make_net()


@pytest.fixture
def cpu() -> torch.device:
    return torch.device("cpu")
