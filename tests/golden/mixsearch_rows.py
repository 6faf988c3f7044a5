"""The rows of MixSearch's four tensors of architecture parameters, by our names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from originals import program
from torch import Tensor
from torch_rules import hashed

from nascompile.backends.supernet import Supernet, build_supernet
from nascompile.ir.program import Program

PAIRS = [(i, j) for i in range(4) for j in range(i + 2)]
CELL_TENSORS = {"alphas_down": "steep", "alphas_up": "rise", "alphas_normal": "flat"}


def opened(case: Mapping[str, Any]) -> Program:
    """The open program of a recorded supernet; in the second stage, with the operators that the first kept."""
    arguments = {"classes": case["num_classes"], "c": case["c"], "layers": case["layers"]}
    arguments |= {"double": case["double_down_channel"]}
    if "stem stride 1" in case.get("class", "") or case.get("class") == "UnetLayer9":
        arguments["entry"] = 1
    size = tuple(case["input"][1:])
    found = program("mixsearch", "wdan", size, **arguments)
    kept = case.get("kept_ops")
    if kept is None:
        return found
    labels = {}
    for path, decision in found.decisions.items():
        if decision.tied is not None:
            name, _, index = decision.tied.partition("[")
            i, j = map(int, index.rstrip("]").split(", "))
            side = {"steep": "down", "rise": "up", "flat": "normal"}[name]
            labels[path] = tuple(kept[side][PAIRS.index((i, j))])
    return program("mixsearch", "wdan", size, labels, **arguments)


def supernet(case: Mapping[str, Any]) -> Supernet:
    """The supernet of a recorded case, in float64 and evaluation mode."""
    return build_supernet(opened(case)).double().eval()


class Alphas:
    """The original's tensors beside ours. Rows that it registers without use are kept here; they only decay."""

    def __init__(self, net: Supernet, shapes: Mapping[str, Sequence[int]], factor: float):
        self.net = net
        self.places = net.architecture.places
        self.values: dict[str, torch.nn.Parameter] = {}
        for number, tensor in enumerate(("alphas_down", "alphas_up", "alphas_normal", "alphas_network")):
            shape = shapes[tensor]
            values = factor * hashed(torch.Size(shape).numel(), 1000 * number)
            self.values[tensor] = torch.nn.Parameter(values.view(*shape))
        with torch.no_grad():
            for tensor, index, place in self.pairs():
                net.architecture.logits[place] = self.values[tensor][index]

    def pairs(self) -> list[tuple[str, Any, slice]]:
        """(tensor, index in it, place in our logits) of every vector that influences the output."""
        found: list[tuple[str, Any, slice]] = []
        for tensor, ours in CELL_TENSORS.items():
            for row, (i, j) in enumerate(PAIRS):
                name = f"{ours}[{i}, {j}]"
                if name in self.places:
                    found.append((tensor, row, slice(*self.places[name])))
        for name, (a, b) in self.places.items():
            if name.startswith("f["):
                level, row = map(int, name[2:-1].split(", "))
                if b - a > 1:  # a node with one input is not weighted
                    found.append(("alphas_network", (level, row, slice(3 - (b - a), 3)), slice(a, b)))
        return found

    def parameters(self) -> list[torch.nn.Parameter]:
        """Ours and the original's; of the latter, only rows without use matter."""
        return [self.net.architecture.logits, *self.values.values()]

    def clear(self) -> None:
        """Before a backward pass: the rows without use get a gradient of zero, as in the original."""
        self.net.architecture.logits.grad = None
        for value in self.values.values():
            value.grad = torch.zeros_like(value)

    def full(self, tensor: str, ours: Tensor, rest: Tensor | None = None) -> Tensor:
        """The original's layout of a vector that lies like our logits; elsewhere `rest`, or 0."""
        result = torch.zeros_like(self.values[tensor]) if rest is None else rest.detach().clone()
        for name, index, place in self.pairs():
            if name == tensor:
                result.detach()[index] = ours[place]
        return result.detach()
