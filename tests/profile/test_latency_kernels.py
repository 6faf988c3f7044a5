"""Our kernels against the models that ONNX Runtime itself writes after its optimisation."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nascompile.compilation import Compilation
from nascompile.profile.fusion import kernels
from nascompile.profile.kernels import Kernel, parse_kernel
from nascompile.profile.latency_onnx import model
from nascompile.profile.operations import ROWS, Operations, operations_of
from nascompile.resources import resource

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def text_of(body: str, input: str = "[3, 16, 16]") -> Compilation:
    return Compilation.from_text(f"nas 1\nimport std.layers\nspace s(x: image = {input}) {{\n{body}\n}}\n")


def operations(text: Compilation, space: str = "s", seed: int = 0, **arguments: Any) -> Operations:
    searched = text.space(space, arguments)
    return operations_of(text.network(searched.sample(random.Random(seed)), arguments=arguments))


def optimised(network: Operations, folder: Path) -> Counter[str]:
    """What the runtime makes of a network: kind, layout, activation, fused sum."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    runtime.InferenceSession(model(network), options, providers=["CPUExecutionProvider"])
    found: Counter[str] = Counter()
    for node in onnx.load(str(folder / "optimised.onnx")).graph.node:
        kind = node.op_type.removeprefix("Fused")
        layout = "/nchwc" if node.domain.endswith("nchwc") and not kind.startswith("Reorder") else ""
        activation = [a.s.decode() for a in node.attribute if a.name == "activation"]
        adds = kind == "Conv" and len(node.input) == 4
        found[" ".join([kind + layout, *activation, *(["+"] if adds else [])])] += 1
    return found


def ours(network: Operations) -> Counter[str]:
    found: Counter[str] = Counter()
    for placed in kernels(network, block()):
        k = placed.kernel
        kind = k.kind.removesuffix("Vector").removesuffix("Map").removesuffix("Nearest").removesuffix("Linear")
        layout = f"/{k.layout}" if k.layout else ""
        found[" ".join([kind + layout, *([k.activation] if k.activation else []), *(["+"] if k.adds else [])])] += 1
    return found


def block() -> int:
    from nascompile.profile.latency_calibration import block_of_runtime

    return block_of_runtime()


def free(found: Counter[str]) -> Counter[str]:
    """Reshapes and the like under one name."""
    names = ("Reshape", "Unsqueeze", "Free")
    return Counter({"Free": sum(found[n] for n in names)}) + Counter({k: v for k, v in found.items() if k not in names})


BODIES = {  # each with what one rule is about
    "folded": "x -> conv(16, 3) -> batch_norm -> relu -> conv(16, 3, groups = 16) -> conv(32, 1) -> batch_norm",
    "norms": "x -> conv(16, 3) -> instance_norm -> leaky_relu -> conv(16, 3) -> group_norm(4) -> relu -> batch_norm",
    "sums": "a = x -> conv(16, 3)\nb = a -> conv(16, 3) -> batch_norm\nc = a + b\nc -> relu -> conv(16, 3)",
    "odd": "a = x -> conv(17, 3) -> batch_norm\nb = a -> conv(17, 3) -> batch_norm\nb + a",
    "decoder": "a = x -> conv(16, 3)\nb = a -> max_pool(2) -> conv(32, 3) -> relu6 -> interpolate(2)\nconcat([a, b])",
    "transposed": "x -> conv(16, 3, stride = 2) -> conv_transpose(8, 2, stride = 2) -> batch_norm -> relu",
    "gate": "a = x -> conv(16, 3)\na * (a -> global_avg_pool -> linear(8) -> relu -> linear(16) -> sigmoid)",
    "swish": "x -> conv(16, 3) -> silu -> conv(16, 3) -> gelu -> conv(16, 1) -> elu",
    "cut": "x -> conv(16, 3) -> pad(1, 1) -> max_pool(3) -> crop(1) -> avg_pool(2) -> channel_shuffle(4)",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("input", ["[3, 16, 16]", "[1, 8, 8, 8]"], ids=["image", "volume"])
def test_kernels_are_those_of_the_runtime(body: str, input: str, tmp_path: Path) -> None:
    network = operations(text_of(body, input))
    assert free(ours(network)) == free(optimised(network, tmp_path))


@pytest.mark.parametrize(
    ("spec", "space", "seed"), [("nas_unet", "nas_unet", 3), ("nasbench201", "nasbench201", 1), ("dints", "dints", 2)]
)
def test_kernels_of_shipped_spaces_are_those_of_the_runtime(spec: str, space: str, seed: int, tmp_path: Path) -> None:
    network = operations(Compilation.from_path(resource(f"specs/{spec}.nas")), space, seed)
    assert free(ours(network)) == free(optimised(network, tmp_path))


def test_the_exported_file_becomes_the_same_kernels(tmp_path: Path) -> None:
    from nascompile.backends.onnx import export
    from nascompile.backends.pytorch import build

    text = text_of(BODIES["decoder"])
    program = text.program(text.call("s"), binding={}, is_fixed=True)
    data = export(build(program), (3, 16, 16), ["main"], {}).data
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.add_free_dimension_override_by_name("batch", 1)
    options.add_free_dimension_override_by_name("rows", 16)
    options.add_free_dimension_override_by_name("columns", 16)
    options.optimized_model_filepath = str(tmp_path / "exported.onnx")
    runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    exported = Counter(n.op_type for n in onnx.load(str(tmp_path / "exported.onnx")).graph.node)
    assert sum(exported.values()) == len(kernels(operations_of(program), block()))


def test_every_layer_has_operations_or_is_reported() -> None:
    text = resource("specs/std/layers.nas").read_text(encoding="utf-8")
    names = {line.split("(")[0].removeprefix("layer ") for line in text.splitlines() if line.startswith("layer ")}
    assert len(names) > 30
    assert names - set(ROWS) == {"angular_linear"}


@pytest.mark.parametrize(
    "kernel",
    [
        Kernel("Conv", 16, 32, (24, 24), (12, 12), (3, 3), (2, 2), (1, 1), 1, "Relu", True, "nchwc"),
        Kernel("Conv", 4, 4, (5, 6, 7), (5, 6, 7), (1, 3, 3), (1, 1, 1), (1, 2, 2), 4),
        Kernel("Gemm", 64, 10, (), ()),
        Kernel("Concat", 48, 48, (8,), (8,), groups=3),
    ],
    ids=str,
)
def test_a_kernel_is_read_back_from_its_line(kernel: Kernel) -> None:
    assert parse_kernel(str(kernel)) == kernel


def test_what_is_no_kernel_is_not_read() -> None:
    assert parse_kernel("Conv 16>32") is None
