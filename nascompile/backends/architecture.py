"""Architecture parameters of a supernet: one tensor; the weights of candidates and edges as functions of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nascompile.backends.weights import seed_of
from nascompile.ir.program import Decision


class Architecture(nn.Module):
    """Logits of all relaxed decisions in one parameter `logits`.

    `forward()` returns the weights as a flat vector; `slots[path, label]` is the place of a candidate in it. Tied
    decisions share logits but have places of their own, so that each can be restricted to a genotype.
    """

    logits: nn.Parameter
    restriction: Tensor | None
    order: Tensor

    def __init__(self, decisions: Mapping[str, Decision], seed: int, spread: float = 1e-3):
        super().__init__()
        relaxed = {p: d for p, d in decisions.items() if d.kind != "number"}
        rows: dict[str, Decision] = {}
        for decision in relaxed.values():
            rows.setdefault(decision.parameters, decision)
        by_kind: dict[tuple[str, int], list[str]] = {}
        for name, decision in rows.items():
            if decision.kind == "edges" and decision.relax == "none":
                continue
            by_kind.setdefault((decision.relax, len(decision.candidates)), []).append(name)
        self.blocks: list[tuple[str, int, int]] = []
        self.places: dict[str, tuple[int, int]] = {}
        start = 0
        for (relax, width), names in by_kind.items():
            self.blocks.append((relax, len(names), width))
            for name in names:
                self.places[name] = (start, start + width)
                start += width
        values = [
            torch.randn(b - a, generator=torch.Generator().manual_seed(seed_of(name, seed))) * spread
            for name, (a, b) in self.places.items()
        ]
        self.logits = nn.Parameter(torch.cat(values) if values else torch.zeros(0))
        self.slots: dict[tuple[str, str], int] = {}
        order: list[int] = []
        for path, decision in relaxed.items():
            place = self.places.get(decision.parameters)
            for position, label in enumerate(decision.candidates):
                self.slots[path, label] = len(order)
                order.append(start if place is None else place[0] + position)
        self.register_buffer("order", torch.tensor(order, dtype=torch.long), persistent=False)
        self.has_ones = start in order
        self.is_identity = order == list(range(start))
        self.temperature = 1.0
        self.register_buffer("restriction", None, persistent=False)
        self.kept: list[bool] | None = None
        self.decisions = dict(relaxed)

    def probabilities(self) -> Tensor:
        """Relaxed weights in the order of `places`."""
        parts = []
        sizes = [count * width for _, count, width in self.blocks]
        scaled = self.logits if self.temperature == 1.0 else self.logits / self.temperature
        for (relax, count, width), piece in zip(self.blocks, torch.split(scaled, sizes), strict=True):
            rows = piece.view(count, width)
            if relax == "softmax":
                parts.append(rows.softmax(1).flatten())
            else:
                parts.append((F.logsigmoid(rows) - self.log_some(rows).unsqueeze(1)).exp().flatten())
        return torch.cat(parts) if len(parts) > 1 else parts[0] if parts else scaled

    def forward(self) -> Tensor:
        if self.restriction is not None:
            return self.restriction
        weights = self.probabilities()
        if self.is_identity:
            return weights
        if self.has_ones:
            weights = torch.cat([weights, weights.new_ones(1)])
        return weights.index_select(0, self.order)

    @staticmethod
    def log_some(logits: Tensor) -> Tensor:
        """log P(at least one edge is kept) of independent edges along the last axis.

        The sum over the first edge that is kept, in logarithms: 1 - prod(1 - p) would be 0 for cold or small logits.
        """
        none = F.logsigmoid(-logits)
        return (F.logsigmoid(logits) + none.cumsum(-1) - none).logsumexp(-1)

    def rows(self) -> dict[str, Tensor]:
        """The logits of every named vector, as views."""
        return {name: self.logits[a:b] for name, (a, b) in self.places.items()}

    def relaxed(self) -> dict[str, list[float]]:
        """Relaxed weights by name of the architecture parameters (Bernoulli: the plain probability)."""
        with torch.no_grad():
            found = {}
            values = self.probabilities()
            raw = torch.sigmoid(self.logits / self.temperature)
            kinds = {d.parameters: d.relax for d in self.decisions.values()}
            for name, (a, b) in self.places.items():
                source = raw if kinds[name] == "bernoulli" else values
                found[name] = [float(v) for v in source[a:b]]
            return found

    def restrict(self, values: Mapping[str, Any] | None) -> None:
        """Give every kept candidate weight 1 and every other 0; None lifts the restriction.

        `kept` then says the same of every slot, as booleans.
        """
        if values is None:
            self.restriction, self.kept = None, None
            return
        kept = self.kept_by(values)
        self.restriction, self.kept = self.logits.new_tensor([float(k) for k in kept]), kept

    def kept_by(self, values: Mapping[str, Any]) -> list[bool]:
        """Of every slot, whether the genotype of these values keeps it."""
        kept = []
        for path, label in self.slots:
            chosen = values.get(path)
            is_chosen = chosen == label if self.decisions[path].kind == "op" else label in (chosen or ())
            kept.append(is_chosen and self._exists(path, values))
        return kept

    def _exists(self, path: str, values: Mapping[str, Any]) -> bool:
        parent = self.decisions[path].parent
        if parent is None or parent[0] not in self.decisions:
            return True
        chosen = values.get(parent[0])
        inside = chosen == parent[1] if isinstance(chosen, str) else parent[1] in (chosen or ())
        return inside and self._exists(parent[0], values)
