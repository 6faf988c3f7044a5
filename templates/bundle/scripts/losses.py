"""A weighted sum of losses of torch and MONAI."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


class WeightedSum(nn.Module):
    """Logits (n, k, *space) against class indices (n, 1, *space); or (n, k) against (n,).

    Cross entropy sees the indices, the other losses a one-hot target; one channel of logits is a binary task.
    """

    def __init__(self, losses: Sequence[nn.Module], weights: Sequence[float]) -> None:
        super().__init__()
        self.losses, self.weights = nn.ModuleList(losses), list(weights)

    def forward(self, logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        index = (label if label.dim() == logits.dim() else label.unsqueeze(1)).long()
        one_hot = index.to(logits.dtype) if logits.shape[1] == 1 else torch.zeros_like(logits).scatter_(1, index, 1)
        total = logits.new_zeros(())
        for weight, loss in zip(self.weights, self.losses, strict=True):
            total = total + weight * loss(logits, index[:, 0] if isinstance(loss, nn.CrossEntropyLoss) else one_hot)
        return total
