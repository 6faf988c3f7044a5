"""Genotypes as the originals write them, from their recorded data and from ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from nascompile.compilation import Compilation
from nascompile.importers.importing import Imports, import_genotypes
from nascompile.resources import resource
from nascompile.source import Source
from nascompile.space.genotype import Genotype

Cells = Mapping[str, Sequence[Any]]


@lru_cache
def shipped(name: str) -> Compilation:
    """A shipped text: `nas_unet`, `genotypes/nas_unet`."""
    return Compilation.from_path(resource(f"specs/{name}.nas"))


def imported(text: str, spec: str, space: str | None = None, format: str | None = None) -> Imports:
    """The genotypes of a text for a shipped space."""
    return import_genotypes(Source("original.py", text), shipped(spec), space, format)


def record(cells: Cells) -> str:
    """`Genotype(down=[('down_conv', 1), ...], down_concat=range(2, 5), ...)`, as the authors' code prints it."""
    fields = []
    for name, edges in cells.items():
        pairs = [(operator, place) for operator, place in edges]
        fields.append(f"{name}={pairs!r}, {name}_concat=range(2, {2 + len(pairs) // 2})")
    return f"Genotype({', '.join(fields)})"


def cells_of(genotype: Genotype, names: Mapping[str, str]) -> dict[str, list[tuple[str, int]]]:
    """The cells of one of our genotypes as lists of pairs, under the original's names (`names` maps ours to them)."""
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in names.values()}
    for path, value in genotype.values.items():
        cell = path.rpartition(".")[0]
        if isinstance(value, tuple) and cell in names:
            edges = [(genotype.values[f"{path}.{label}"], int(label[2:-1])) for label in value]
            found[names[cell]] += reversed(edges)  # the order of a node's edges means nothing
    return found


def codes_of(genotype: Genotype, blocks: int, depths: int, order: Sequence[str]) -> dict[str, list[list[int]]]:
    """Our genotype of a grid as the matrices `arch_code_a`, `arch_code_c` and `node_a`."""
    ends = [(i, o) for o in range(depths) for i in range(depths) if abs(i - o) <= 1]
    kept: list[list[int]] = []
    operators: list[list[int]] = []
    nodes: list[list[int]] = []
    for b in range(blocks):
        labels = [f"edge[{b}, {i}, {o}]" for i, o in ends]
        active = genotype.values[f"kept[{b}]"]
        kept.append([int(label in active) for label in labels])
        operators.append([order.index(genotype.values[label]) if label in active else 0 for label in labels])
        if not nodes:
            nodes.append([int(any(f"edge[0, {d}, {o}]" in active for o in range(depths))) for d in range(depths)])
        nodes.append([int(any(f"edge[{b}, {i}, {d}]" in active for i in range(depths))) for d in range(depths)])
    return {"arch_code_a": kept, "arch_code_c": operators, "node_a": nodes}
