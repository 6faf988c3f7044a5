"""Codes of a grid of blocks and depths: DiNTS (He et al., CVPR 2021, arXiv 2103.15954), a dictionary of matrices.

`arch_code_a` (or `code_a`) has a row for each block and says with 0 and 1 which edges are kept, `arch_code_c` (or
`code_c`) which operator each edge has. A block's edges are ordered by where they end, then by where they start, as in
the spec.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from typing import Any

from nascompile.importers.finding import Findings, Format, Found, Placed
from nascompile.importers.values import Mapping, Scalar, Sequence, Value, head, numbers
from nascompile.ir.program import Decision
from nascompile.space.space import SearchSpace
from nascompile.space.writing import operator_path

# Two dialects: of MONAI's tutorials and bundles, and of the original code and Auto3DSeg.
DIALECTS = (("arch_code_a", "arch_code_c"), ("code_a", "code_c"))
NODES = "node_a"


def _codes(value: Value) -> tuple[Value, Value] | None:
    if isinstance(value, Mapping):
        for kept, operators in DIALECTS:
            if kept in value.items and operators in value.items:
                return value.items[kept], value.items[operators]
    return None


def _matches(value: Value) -> bool:
    return _codes(value) is not None


def _row(row: Value) -> list[int] | None:
    """The numbers of a row: a list, or a string of digits."""
    if isinstance(row, Scalar) and isinstance(row.value, str) and row.value.isdecimal():
        return [int(digit) for digit in row.value]
    return numbers(row)


def _rows(matrix: Value, findings: Findings) -> list[list[int]] | None:
    if not isinstance(matrix, Sequence) or not matrix.items:
        findings.add("genotype-form", "a code is a list of rows, one for each block", head(matrix))
        return None
    found = []
    for row in matrix.items:
        code = _row(row)
        if code is None:
            findings.add("genotype-form", "a row of a code is a list of whole numbers", row.span)
            return None
        found.append(code)
    return found


def _arguments(found: Found, defaults: Table[str, Any]) -> dict[str, Any]:
    codes = _codes(found.value)
    rows = None if codes is None else _rows(codes[0], Findings())
    if rows is None or (len(rows[0]) + 2) % 3:
        return {}
    return {"blocks": len(rows), "depths": (len(rows[0]) + 2) // 3}  # depths - 1 edges up, as many down, depths across


def _values(found: Found, space: SearchSpace, findings: Findings) -> Placed:
    placed: Placed = {}
    codes = _codes(found.value)
    assert codes is not None
    kept, operators = _rows(codes[0], findings), _rows(codes[1], findings)
    if kept is None or operators is None:
        return placed
    blocks = [d for d in space.decisions.values() if d.kind == "edges"]
    for code, matrix in ((codes[0], kept), (codes[1], operators)):
        if len(matrix) != len(blocks):
            findings.add("genotype-fit", f"{len(matrix)} rows, but `{space.name}` has {len(blocks)} blocks", head(code))
            return placed
    for b, block in enumerate(blocks):
        rows = [code.items[b] for code in codes if isinstance(code, Sequence)]
        edges = len(block.candidates)
        wrong = [row for row, code in zip(rows, (kept[b], operators[b]), strict=True) if len(code) != edges]
        for row in wrong:
            findings.add("genotype-fit", f"`{block.path}` has {edges} edges", head(row))
        if not wrong:
            _place(block, rows[0], rows[1], space, placed, findings)
    _check_nodes(found, kept, findings)
    return placed


def _place(block: Decision, kept: Value, picks: Value, space: SearchSpace, placed: Placed, findings: Findings) -> None:
    """The kept edges of a block and their operators."""
    chosen = []
    for k, (label, bit, pick) in enumerate(zip(block.candidates, _row(kept) or (), _row(picks) or (), strict=True)):
        if bit not in (0, 1):
            findings.add("genotype-form", "an edge is kept (1) or not (0)", _at(kept, k).span)
        if bit != 1:
            continue
        chosen.append(label)
        path = operator_path(block.path, label, space.decisions)
        if path is None:
            continue
        labels = space.decisions[path].candidates
        if 0 <= pick < len(labels):
            placed[path] = (labels[pick], _at(picks, k).span)
        else:
            message = f"`{path}` has the operators 0 to {len(labels) - 1}: {', '.join(labels)}"
            findings.add("unknown-operator", message, _at(picks, k).span)
    placed[block.path] = (tuple(chosen), kept.span)


def _at(row: Value, k: int) -> Value:
    return row.items[k] if isinstance(row, Sequence) else row


def _check_nodes(found: Found, kept: list[list[int]], findings: Findings) -> None:
    """Where the file also says which depths each block reaches, both must agree: the original runs the former."""
    assert isinstance(found.value, Mapping)
    stated = found.value.items.get(NODES)
    nodes = None if stated is None else _rows(stated, findings)
    depths = (len(kept[0]) + 2) // 3
    if nodes is None or stated is None or findings.problems:
        return
    ends = [(i, o) for o in range(depths) for i in range(depths) if abs(i - o) <= 1]
    starts = {i for bit, (i, _) in zip(kept[0], ends, strict=True) if bit}
    reached = [starts, *({o for bit, (_, o) in zip(row, ends, strict=True) if bit} for row in kept)]
    if nodes != [[int(d in active) for d in range(depths)] for active in reached]:
        message = f"`{NODES}` says that other nodes are active than the edges do"
        findings.add("genotype-form", message, head(stated), "leave it out, or correct one of the two")


GRID = Format("dints", "{'arch_code_a': [[1, 0, ...], ...], 'arch_code_c': [[1, 3, ...], ...]}",
              _matches, _arguments, _values)  # fmt: skip
