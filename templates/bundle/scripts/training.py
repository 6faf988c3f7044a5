"""The loop of configs/train.json: a budget, a learning rate that follows its progress, the best weights kept."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.inferers import Inferer
from torch import nn


class Trainer:
    """Trains for `budget` steps, epochs or seconds (`unit`), validates every `validate` epochs.

    The weights of the best validation are written to `path` as safetensors, which configs/inference.json reads with
    `--weights`.
    """

    def __init__(
        self,
        network: nn.Module,
        dataloader: Any,
        loss: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: Mapping[str, Any],
        budget: float,
        unit: str,
        validation: Any,
        inferer: Inferer,
        classes: int,
        path: str,
        device: torch.device,
        clip: float | None = None,
        validate: int = 1,
    ) -> None:
        self.network, self.dataloader, self.loss = network.to(device), dataloader, loss.to(device)
        self.optimiser, self.schedule, self.budget, self.unit = optimiser, dict(schedule), budget, unit
        self.validation, self.inferer, self.classes = validation, inferer, classes
        self.path, self.device, self.clip, self.validate = path, device, clip, validate
        self.rates = [float(group["lr"]) for group in optimiser.param_groups]

    def run(self) -> None:
        best, step, epoch, started = -math.inf, 0, 0, time.monotonic()
        per_epoch = len(self.dataloader)

        def progress() -> float:
            used = {"steps": step, "epochs": step / per_epoch, "seconds": time.monotonic() - started}[self.unit]
            return min(used / self.budget, 1.0)

        while progress() < 1:
            self.network.train()
            for batch in self.dataloader:
                self.descend(batch, progress())
                step += 1
                if progress() >= 1:
                    break
            epoch += 1
            if epoch % self.validate == 0 or progress() >= 1:
                score = self.score()
                print(f"step {step}: validation {score:.4f}", flush=True)
                if score > best:
                    best = score
                    save_weights(self.path, self.network.state_dict())

    def descend(self, batch: Mapping[str, Any], progress: float) -> None:
        options = {name: value for name, value in self.schedule.items() if name != "name"}
        for group, base in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = SCHEDULES[self.schedule["name"]](progress, base, **options)
        image, label = (plain(batch[key]).to(self.device) for key in ("image", "label"))
        value = self.loss(self.network(image), label)
        if not torch.isfinite(value):
            raise ValueError("the loss is not finite: lower the learning rate")
        self.optimiser.zero_grad(set_to_none=True)
        value.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimiser.step()

    def score(self) -> float:
        """The mean Dice of the classes but the first one over all images; of a classification the share of hits."""
        self.network.eval()
        values = []
        with torch.no_grad():
            for batch in self.validation:
                logits = plain(self.inferer(plain(batch["image"]).to(self.device), self.network))
                label = plain(batch["label"]).to(self.device)
                found = (logits[:, :1] > 0).long() if logits.shape[1] == 1 else logits.argmax(1, keepdim=True)
                label = label.reshape(found.shape)
                if found.dim() == 2:
                    values += (found == label).float().flatten().tolist()
                    continue
                for index in range(1, self.classes):
                    ours, theirs = found == index, label == index
                    both = int(ours.sum() + theirs.sum())
                    if both:
                        values.append(2 * int((ours & theirs).sum()) / both)
        return sum(values) / max(len(values), 1)


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Without MONAI's metadata, which costs time in a network."""
    return tensor.as_subclass(torch.Tensor)


def save_weights(path: str, state: Mapping[str, torch.Tensor]) -> None:
    """Write a safetensors file: a JSON header, then the bytes; under another name first."""
    kinds = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}
    header, parts, place = {}, [], 0
    for name, tensor in state.items():
        raw = tensor.detach().cpu().contiguous().numpy().tobytes()
        offsets = [place, place + len(raw)]
        header[name] = {"dtype": kinds[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        parts.append(raw)
        place += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))
    temporary.replace(target)


def constant(progress: float, base: float) -> float:
    return base


def cosine(progress: float, base: float, min: float = 0.0, warmup: float = 0.0) -> float:
    if progress < warmup:
        return base * progress / warmup
    return min + (base - min) * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def poly(progress: float, base: float, power: float = 0.9) -> float:
    return base * (1 - progress) ** power


def exponential(progress: float, base: float, final: float = 0.01) -> float:
    return base * final**progress


def step(progress: float, base: float, at: Sequence[float] = (0.5, 0.75), factor: float = 0.1) -> float:
    return base * factor ** sum(progress >= point - 1e-9 for point in at)


def halve(progress: float, base: float, after_warmup: Sequence[float] = (0.4, 0.8), warmup: float = 0.0) -> float:
    rest = 0.0 if progress < warmup or warmup >= 1 else (progress - warmup) / (1 - warmup)
    return base * 0.5 ** sum(rest >= point - 1e-9 for point in after_warmup)


SCHEDULES: dict[str, Callable[..., float]] = {
    "constant": constant,
    "cosine": cosine,
    "exponential": exponential,
    "halve": halve,
    "poly": poly,
    "step": step,
}
