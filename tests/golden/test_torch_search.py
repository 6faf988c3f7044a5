"""Four bilevel steps of NAS-Unet's search give the original's losses, gradient norms, alphas and genotype."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from originals import cell_values, program, reference
from test_torch_supernet import rows
from torch import Tensor, nn
from torch_rules import TOLERANCE, hashed, matches, set_supernet_weights

from nascompile.backends.supernet import Supernet, build_supernet
from nascompile.space.decode import decode
from nascompile.space.space import SearchSpace
from nascompile.train.losses import make_loss

TRACE = reference("nasunet_search_trace")
LOSSES = {
    "cross_entropy": make_loss("ce", {"ignore_index": 0}),
    "dice_loss": make_loss("dice", {"squared": True, "smooth": 1.0}),
}
TENSORS = {"alphas_down": (9, 6), "alphas_up": (9, 4), "alphas_normal_down": (9, 7)}


def batch(inputs: int, labels: int) -> tuple[Tensor, Tensor]:
    x = 2 * hashed(2 * 16 * 16, inputs).view(2, 1, 16, 16)
    q = torch.arange(2 * 16 * 16) + labels
    return x, ((q * q + 3 * q) // 7 % 3).view(2, 16, 16)


class Alphas:
    """The original's tensors: the rows that matter are ours; the others only decay."""

    def __init__(self, net: Supernet):
        self.logits = net.architecture.logits
        self.places = net.architecture.places
        self.unused = nn.ParameterDict()
        self.names = rows(3)
        for number, (tensor, (count, width)) in enumerate(TENSORS.items()):
            values = 0.2 * hashed(count * width, 1000 * number).view(count, width)
            self.unused[tensor] = nn.Parameter(values)
            with torch.no_grad():
                for row in range(count):
                    place = self.place(tensor, row)
                    if place is not None:
                        self.logits[place] = values[row]

    def place(self, tensor: str, row: int) -> slice | None:
        found = self.places.get(self.names.get((tensor, row), ""))
        return None if found is None else slice(*found)

    def parameters(self) -> list[nn.Parameter]:
        return [self.logits, *self.unused.values()]

    def clear(self) -> None:
        self.logits.grad = None
        for parameter in self.unused.values():
            parameter.grad = torch.zeros_like(parameter)

    def full(self, tensor: str) -> Tensor:
        value = self.unused[tensor].detach().clone()
        for row in range(len(value)):
            place = self.place(tensor, row)
            if place is not None:
                value[row] = self.logits.detach()[place]
        return value


@pytest.mark.parametrize("name", LOSSES)
def test_trace(name: str) -> None:
    opened = program("nas_unet", "nas_unet", (1, 16, 16), classes=3, c=16, depth=2, nodes=3)
    net = build_supernet(opened).double().eval()
    set_supernet_weights(net, "hash")
    alphas = Alphas(net)
    first = torch.optim.Adam(alphas.parameters(), lr=3e-4, weight_decay=5e-3)
    everything = [*net.weight_parameters(), *alphas.parameters()]
    second = torch.optim.SGD(everything, lr=0.025, weight_decay=3e-4)
    case: dict[str, Any] = TRACE["cases"][name]
    for s, expected in enumerate(case["steps"]):
        x, y = batch(5000 + s, 50 + s)
        alphas.clear()
        LOSSES[name](net(x), y).backward()
        first.step()
        for tensor, numbers in expected["alphas_after_arch_step"].items():
            matches(alphas.full(tensor), numbers)
        x, y = batch(9000 + s, 90 + s)
        net.zero_grad()
        alphas.clear()
        loss = LOSSES[name](net(x), y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(everything, 5.0)
        second.step()
        assert loss.item() == pytest.approx(expected["train_loss"], rel=TOLERANCE)
        assert norm.item() == pytest.approx(expected["grad_norm_before_clip"], rel=TOLERANCE)
        for tensor, numbers in expected["alphas_after_weight_step"].items():
            matches(alphas.full(tensor), numbers)
        weights = expected["weights_that_receive_a_gradient"]
        assert net.weights.norm().item() == pytest.approx(weights["l2"], rel=TOLERANCE)
        assert net.weights.sum().item() == pytest.approx(weights["sum"], rel=TOLERANCE)
    expected = cell_values("down_sc", case["genotype"]["down"]) | cell_values("up_sc", case["genotype"]["up"])
    assert decode(SearchSpace(opened), net.architecture.relaxed()).values == expected
