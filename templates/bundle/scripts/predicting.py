"""The loops of configs/inference.json."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.data import decollate_batch


class MapEvaluator:
    """Predicts a map for each image; `postprocessing` brings it to the image's grid and saves it."""

    def __init__(
        self,
        network: torch.nn.Module,
        dataloader: Iterable[dict[str, Any]],
        inferer: Callable[..., torch.Tensor],
        postprocessing: Callable[[Any], Any],
        device: torch.device,
    ) -> None:
        self.network, self.dataloader, self.inferer = network, dataloader, inferer
        self.postprocessing, self.device = postprocessing, device

    def run(self) -> None:
        network = self.network.to(self.device).eval()
        for batch in self.dataloader:
            with torch.no_grad():
                batch["pred"] = self.inferer(batch["image"].to(self.device), network)
            for item in decollate_batch(batch):
                self.postprocessing(item)


class TableEvaluator:
    """Writes a CSV with a row an image: its name, the likeliest class, the probability of each class."""

    def __init__(
        self,
        network: torch.nn.Module,
        dataloader: Iterable[dict[str, Any]],
        inferer: Callable[..., torch.Tensor],
        path: str,
        classes: Sequence[str],
        device: torch.device,
    ) -> None:
        self.network, self.dataloader, self.inferer = network, dataloader, inferer
        self.path, self.classes, self.device = path, list(classes), device

    def run(self) -> None:
        network = self.network.to(self.device).eval()
        rows = []
        for batch in self.dataloader:
            with torch.no_grad():
                logits = self.inferer(batch["image"].to(self.device), network).as_subclass(torch.Tensor)
            for item, values in zip(decollate_batch(batch), probabilities(logits).tolist(), strict=True):
                best = self.classes[values.index(max(values))]
                rows.append([name_of(item["image"]), best, *(f"{value:.6f}" for value in values)])
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        with Path(self.path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "class", *(f"p {name}" for name in self.classes)])
            writer.writerows(rows)


def probabilities(logits: torch.Tensor) -> torch.Tensor:
    """(n, classes, ...): a softmax, or for one channel of logits a sigmoid and its complement."""
    if logits.shape[1] == 1:
        positive = torch.sigmoid(logits)
        return torch.cat([1 - positive, positive], 1)
    return torch.softmax(logits, 1)


def name_of(image: Any) -> str:
    """The file name of an image without its endings."""
    name = Path(str(image.meta["filename_or_obj"])).name
    return name.removesuffix(".gz").rpartition(".")[0] if "." in name else name
