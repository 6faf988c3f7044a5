"""Static costs beside torch's own counters, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nascompile.ir.program import LayerNode, Program
from nascompile.passes.pipelines import FIXED, run
from nascompile.profile.cost import cost_of


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what the text says, what torch counts, and the layer kind it is for (`all` for the whole net)."""

    measure: str
    kind: str
    expected: int
    counted: int

    @property
    def agrees(self) -> bool:
        """Whether both are the same."""
        return self.expected == self.counted


def compare(program: Program, module: Any) -> list[Row]:
    """Parameters and multiply-accumulates of a genotype's network against `module`, which was built from it.

    Parameters are those that the module registers; multiply-accumulates are half of what
    `torch.utils.flop_counter` counts on one image, in all and by kind (`convolution`, `linear`).
    Nothing is computed where the module lies on torch's `meta` device.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    cost = cost_of(program)
    weight = next(iter(module.parameters()), None)
    device, dtype = (torch.device("cpu"), torch.float32) if weight is None else (weight.device, weight.dtype)
    axes = [int(a) for a in program.input.axes]  # type: ignore[arg-type]
    image = torch.zeros((1, *axes), device=device, dtype=dtype)
    was_training = module.training
    module.eval()
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(image)
    finally:
        module.train(was_training)
    counts = {str(name): int(n) // 2 for name, n in counter.get_flop_counts().get("Global", {}).items()}
    parameters = sum(p.numel() for p in module.parameters())
    rows = [
        Row("params", "all", cost.live, parameters),
        Row("macs", "all", cost.macs, int(counter.get_total_flops()) // 2),
    ]
    expected = _by_kind(program)
    for kind, operators in (("convolution", ("convolution",)), ("linear", ("mm", "addmm", "bmm"))):
        counted = sum(n for name, n in counts.items() if name.removeprefix("aten.").split(".")[0] in operators)
        if counted or expected[kind]:
            rows.append(Row("macs", kind, expected[kind], counted))
    return rows


def _by_kind(program: Program) -> dict[str, int]:
    found = {"convolution": 0, "linear": 0}
    for node in run(program.graph, FIXED).nodes:
        if isinstance(node, LayerNode) and node.macs:
            found["convolution" if node.layer.startswith("conv") else "linear"] += int(node.macs)
    return found
