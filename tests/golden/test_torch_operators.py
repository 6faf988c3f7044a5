"""Each operator of NAS-Unet alone, taken from the shipped text, computes what the original's computes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pytest
import torch
from originals import reference
from torch_rules import image, matches, set_weights

from nascompile.backends.pytorch import build
from nascompile.ir.program import LayerNode, Program
from nascompile.passes.flatten import flatten
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.source import Source

CASES = reference("nasunet_ops")["cases"]
CHECKS = [(key, check) for key, case in CASES.items() for check in case if re.fullmatch(r"(sin|hash)_\d+x\d+", check)]
BLOCKS = {
    "preprocess_down_s0": "x -> relu -> conv(16, 1, stride = 2) -> gn(16)",
    "preprocess": "x -> relu -> conv(16, 1) -> gn(16)",
    "stem0": "x -> conv(16, 1) -> group_norm(groups16(16))",
    "stem1": "x -> conv(16, 3, stride = 2) -> group_norm(groups16(16))",
    "head": "x -> conv(16, 1)",
}


@lru_cache
def text() -> Library:
    """One space for each list of operators and one for each block around them, all from `nas_unet.nas`."""
    lines = ["nas 1", "import std.layers", "import nas_unet"]
    for kind in ("normal", "down", "up"):
        lines.append(f"space only_{kind}(x: image; c = 16) {{\n  y = x -> pick one of {kind}(c)\n  y\n}}")
    lines += [f"space only_{name}(x: image) {{\n  {body}\n}}" for name, body in BLOCKS.items()]
    return load(Source("alone.nas", "\n".join(lines) + "\n"), resource("specs"))


def operator(key: str, size: tuple[int, int]) -> Program:
    """The program of a case; the norms' weights are there under a genotype that is trained for good (`fixed`)."""
    if key.startswith("ConvOps:"):
        return elaborate(text(), Request(f"only_{key.split(':')[1]}", {}, (24, *size), {}, True))
    name, channels, affine = key.split("/")
    kind = name.split("_")[0]
    kind = "down" if name in ("avg_pool", "max_pool") else kind if kind in ("down", "up") else "normal"
    c = int(channels[1:])
    return elaborate(text(), Request(f"only_{kind}", {"c": c}, (c, *size), {"y": name}, affine == "affine1"))


@pytest.mark.parametrize(("key", "check"), CHECKS)
def test_output(key: str, check: str) -> None:
    rule, _, size = check.partition("_")
    height, width = map(int, size.split("x"))
    program = operator(key, (height, width))
    net = build(program).double().eval()
    set_weights(net, rule)
    with torch.no_grad():
        matches(net(image((1, *program.input.axes), rule)), CASES[key][check])


@pytest.mark.parametrize("key", CASES)
def test_weights(key: str) -> None:
    """Every weight that the original registers is declared, with its shape; the module has those that run."""
    case: dict[str, Any] = CASES[key]
    program = operator(key, (8, 8))
    nodes = [n for n in flatten(program.graph).nodes if isinstance(n, LayerNode)]
    weights = [list(w.shape) for n in nodes for w in n.weights]
    total = sum(torch.Size(shape).numel() for shape in weights)
    if key == "ConvOps:head":
        assert total == case["params"] - 32  # its group norm is registered, never run; our text has it at the head only
        return
    assert total == case["params"]
    if "param_shapes" in case:
        # The original registers some norms before their convolution.
        assert sorted(weights) == sorted(case["param_shapes"])
    live = [list(p.shape) for p in build(program).parameters()]
    assert live == ([] if key.startswith("none/") else weights)
