"""The originals' numbers (JSON beside this file) and the way from their layouts to paths of our spaces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nascompile.ir.program import Graph, LayerNode, Program
from nascompile.passes.flatten import flatten
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import Library, load
from nascompile.source import Source
from nascompile.space.space import SearchSpace

DINTS_OPS = ("skip_connect", "conv_3x3x3", "conv_3x3x1", "conv_3x1x3", "conv_1x3x3")


@lru_cache
def reference(name: str) -> Any:
    """The data of `NAME.json`."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))


@lru_cache
def library(name: str) -> Library:
    """A shipped text: `nas_unet`, `genotypes/nas_unet`."""
    path = resource(f"specs/{name}.nas")
    return load(Source(path.name, path.read_text(encoding="utf-8")), path.parent)


def program(
    spec: str,
    space: str,
    input_: tuple[int, ...],
    candidates: Mapping[str, tuple[Any, ...]] | None = None,
    **arguments: Any,
) -> Program:
    """The open program of a shipped space, or what a narrowing leaves of it."""
    return elaborate(library(spec), Request(space, arguments, input_, candidates=candidates or {}))


def registered(graph: Graph) -> list[LayerNode]:
    """The layers with weights, each once, whether or not it runs and however often."""
    found = {node.path: node for node in flatten(graph).nodes if isinstance(node, LayerNode) and node.weights}
    return list(found.values())


@lru_cache
def space(spec: str, name: str, input_: tuple[int, ...], **arguments: Any) -> SearchSpace:
    """A shipped space."""
    return SearchSpace(program(spec, name, input_, **arguments), arguments)


def softmax(rows: Any) -> Any:
    """Over the last axis, in float32 as the originals compute it."""
    logits = np.asarray(rows, dtype=np.float32)
    exp = np.exp(logits - logits.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)


def slots(cell: str, nodes: int) -> Iterator[tuple[str, int, int]]:
    """Paths of a cell's operator decisions as (path, row of the original's tensors, input)."""
    row = 0
    for node in range(nodes):
        for j in range(node + 2):
            yield f"{cell}.s[{node + 2}].s[{j}]", row, j
            row += 1


def cell_values(cell: str, published: list[tuple[str, int]]) -> dict[str, Any]:
    """Our values of a cell that the original lists as [operator, input], two entries a node."""
    found: dict[str, Any] = {}
    for node in range(len(published) // 2):
        pair = sorted(published[2 * node : 2 * node + 2], key=lambda entry: entry[1])
        path = f"{cell}.s[{node + 2}]"
        found[path] = tuple(f"s[{j}]" for _, j in pair)
        for operator, j in pair:
            found[f"{path}.s[{j}]"] = operator
    return found


def dints_edges(depths: int) -> list[tuple[int, int]]:
    """(from, to) of each edge of a block, in the original's order, which is that of our text."""
    table = reference("dints_connectivity")["depths"][str(depths)]
    return list(zip(table["arch_code2in"], table["arch_code2out"], strict=True))


def dints_values(depths: int, kept: list[Any], operators: list[Any]) -> dict[str, Any]:
    """Our values of an `arch_code_a` and an `arch_code_c` (strings of digits or lists, one a block)."""
    found: dict[str, Any] = {}
    for b, (keeps, picks) in enumerate(zip(kept, operators, strict=True)):
        edges = [f"edge[{b}, {i}, {o}]" for i, o in dints_edges(depths)]
        chosen = [(e, int(op)) for e, bit, op in zip(edges, keeps, picks, strict=True) if int(bit)]
        found[f"kept[{b}]"] = tuple(e for e, _ in chosen)
        found.update({e: DINTS_OPS[op] for e, op in chosen})
    return found


def existing(values: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `like`'s decisions only."""
    return {path: values[path] for path in values if path in like}
