"""Writing a network in torch's own exported format (`.pt2`), with a free batch and free sizes."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nascompile.diagnostics import error
from nascompile.files import write_bytes


@dataclass(frozen=True, slots=True)
class Pt2:
    """A written file: its input sizes in words (`batch x 1 x 8*n x 8*n`), its largest difference from the network."""

    path: Path
    sizes: str
    worst: float


def write_pt2(network: torch.nn.Module, input: tuple[int, ...], path: Path, unit: int = 1) -> Pt2:
    """Write the network in evaluation mode, for inputs (batch, *input) with a free batch and, where torch can prove it,
    free sizes that `unit` divides; read it again and compare.

    Raises NasError: `cannot-export`, and `cannot-write` as the system says; nothing is written then.
    """
    network = network.cpu().eval()
    program, unit, is_free = _exported(network, input, unit)
    _anonymise(program)
    data = io.BytesIO()
    with _quiet():
        torch.export.save(program, data)
        again = torch.export.load(io.BytesIO(data.getvalue())).module()
    shapes = [(1, *input), (3, *input)]
    if is_free:
        shapes.append((2, input[0], *(2 * size for size in input[1:])))
    worst = max(_difference(network, again, shape) for shape in shapes)
    if worst > 1e-3:
        raise error("cannot-export", f"the exported program differs from the network by up to {worst:g}")
    try:
        write_bytes(path, data.getvalue())
    except OSError as cause:
        hint = "name a file in a folder that may be written"
        raise error("cannot-write", f"`{path}` cannot be written: {cause.strerror or cause}", hint=hint) from cause
    spatial = [f"{unit}*n" if is_free else str(size) for size in input[1:]]
    return Pt2(path, " x ".join(["batch", str(input[0]), *spatial]), worst)


def _exported(network: torch.nn.Module, input: tuple[int, ...], unit: int) -> tuple[Any, int, bool]:
    """The program, what divides its sizes, and whether these are free. Larger units prove more; at last the batch alone
    is free."""
    dim = torch.export.Dim
    spatial = range(2, len(input) + 1)
    units = [u for u in dict.fromkeys((unit, 8, 16, 32)) if u % unit == 0 and all(s % u == 0 for s in input[1:])]
    attempts: list[tuple[dict[int, Any], int, bool]] = [
        ({0: dim("batch", min=1), **{a: _multiples(u, f"n{a}") for a in spatial}}, u, True) for u in units
    ]
    cause: Exception | None = None
    for axes, divisor, is_free in [*attempts, ({0: dim("batch", min=1)}, unit, False)]:
        try:
            with _quiet():
                found = torch.export.export(network, (torch.zeros((2, *input)),), dynamic_shapes=(axes,), strict=False)
            return found, divisor, is_free
        except Exception as failure:  # whatever torch cannot do is a fact about this network
            cause = failure
    line = next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
    raise error("cannot-export", f"torch cannot export this network: {line}") from cause


def _anonymise(program: Any) -> None:
    """Remove what tells of this machine, the source files of every node, and the example, which only takes space."""
    program.example_inputs = None
    for node in program.graph_module.graph.nodes:
        node.meta.pop("stack_trace", None)


def _multiples(unit: int, name: str) -> Any:
    dim = torch.export.Dim(name, min=1)
    return dim if unit == 1 else unit * dim


def _difference(first: torch.nn.Module, second: torch.nn.Module, shape: tuple[int, ...]) -> float:
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = first(images), second(images)
    pairs = zip(_tensors(ours), _tensors(theirs), strict=True)
    return max(float((a - b).abs().max() / a.abs().max().clamp(min=1)) for a, b in pairs)


def _tensors(found: Any) -> list[torch.Tensor]:
    return [found] if isinstance(found, torch.Tensor) else list(found)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
