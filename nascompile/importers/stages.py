"""Widths of residual blocks in three stages: NAS-Lung (Jiang et al., Pattern Recognition 2021, arXiv 2101.07429).

`[[4, 8, 16], [32, 128], [128]]`; with the two widths of the stem in front, `[32, 64, [64], [64], [64, 128]]`; as a
string whose first word says which head and attention the network has, `spcbam[4,4,[8],[16],[32]]`; or as a dictionary
`{"stem": [4, 4], "config": [...], "variant": "spcbam"}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Any

from nascompile.diagnostics import did_you_mean
from nascompile.importers.finding import Findings, Format, Found, Placed
from nascompile.importers.literals import read_within
from nascompile.importers.values import Mapping, Scalar, Sequence, Value, head, numbers, whole
from nascompile.space.space import SearchSpace

STAGES_PER_NETWORK = 3
VARIANTS: Table[str, dict[str, bool]] = {
    "plain": {"attention": False, "angular": False},
    "sp": {"attention": False, "angular": True},
    "cbam": {"attention": True, "angular": False},
    "spcbam": {"attention": True, "angular": True},
}
# How the decisions of the spec are called: blocks in stage `p`, width of block `i` of stage `p`.
DEPTH = "n[{stage}]"
WIDTH = "w[{stage}, {block}]"
QUOTED = re.compile(r"(?P<variant>[A-Za-z]*)[\W_]*?(?=\[)")


@dataclass(frozen=True, slots=True)
class _Network:
    stages: tuple[Sequence, ...]
    stem: list[int] | None
    variant: str | None


def _network(value: Value) -> _Network | None:
    """The parts of a configuration in any of its forms; None for anything else."""
    if isinstance(value, Scalar):
        match = QUOTED.match(value.value) if isinstance(value.value, str) else None
        inner = None if match is None else read_within(value, match.end())
        found = _network(inner) if isinstance(inner, Sequence) else None
        variant = "" if match is None else match["variant"].lower()
        if found is None or (variant and variant not in VARIANTS):
            return None
        return _Network(found.stages, found.stem, variant or None)
    if isinstance(value, Mapping):
        found = _network(value.items["config"]) if "config" in value.items else None
        named = value.items.get("variant")
        stem = numbers(value.items.get("stem"))
        if found is None:
            return None
        return _Network(found.stages, found.stem or stem, str(named.value) if isinstance(named, Scalar) else None)
    return _listed(value) if isinstance(value, Sequence) else None


def _listed(value: Sequence) -> _Network | None:
    items = value.items
    stem: list[int] | None = None
    if len(items) >= 3 and whole(items[0]) is not None and whole(items[1]) is not None:
        stem, items = [whole(items[0]) or 0, whole(items[1]) or 0], items[2:]
    elif len(items) == 2 or len(items) == STAGES_PER_NETWORK + 1:
        stem, items = numbers(items[0]), items[1:]
        if stem is None or len(stem) != 2:
            return None
    if len(items) == 1 and isinstance(items[0], Sequence) and numbers(items[0]) is None:
        items = items[0].items
    stages = tuple(item for item in items if isinstance(item, Sequence) and item.items and numbers(item) is not None)
    if len(items) != STAGES_PER_NETWORK or len(stages) != len(items):
        return None
    return _Network(stages, stem, None)


def _matches(value: Value) -> bool:
    return _network(value) is not None


def _arguments(found: Found, defaults: Table[str, Any]) -> dict[str, Any]:
    network = _network(found.value)
    assert network is not None
    implied: dict[str, Any] = {} if network.stem is None else {"stem": tuple(network.stem)}
    implied |= VARIANTS.get(network.variant or "", {})
    widths = {width for stage in network.stages for width in numbers(stage) or ()}
    blocks = sum(len(stage.items) for stage in network.stages)
    ladder = defaults.get("ladder")
    if isinstance(ladder, tuple) and not widths <= set(ladder) and min(widths) > 0:
        implied["ladder"] = _longer(ladder, widths)
    if blocks > defaults.get("longest", blocks):
        implied["longest"] = blocks
    return implied


def _longer(ladder: tuple[int, ...], widths: set[int]) -> tuple[int, ...]:
    """The ladder with these widths as well; its upper end goes on doubling."""
    steps = list(ladder)
    while steps and steps[-1] * 2 <= max(widths):
        steps.append(steps[-1] * 2)
    return tuple(sorted({*steps, *widths}))


def _values(found: Found, space: SearchSpace, findings: Findings) -> Placed:
    network = _network(found.value)
    assert network is not None
    placed: Placed = {}
    if network.variant is not None and network.variant not in VARIANTS:
        hint = did_you_mean(network.variant, VARIANTS) or f"there are {', '.join(VARIANTS)}"
        place = found.value.items["variant"] if isinstance(found.value, Mapping) else found.value
        findings.add("genotype-form", f"there is no variant `{network.variant}`", head(place), hint)
    for p, stage in enumerate(network.stages):
        path = DEPTH.format(stage=p)
        if path not in space.decisions:
            message = f"`{space.name}` has no `{path}`: its blocks are not counted by stages"
            findings.add("genotype-fit", message, head(stage), "give another space, or another `--format`")
            return placed
        placed[path] = (len(stage.items), stage.span)
        for i, width in enumerate(numbers(stage) or ()):
            path = WIDTH.format(stage=p, block=i)
            if path not in space.decisions:
                findings.add("genotype-fit", f"`{space.name}` has at most {i} blocks in a stage", stage.items[i].span)
                break
            placed[path] = (width, stage.items[i].span)
    return placed


STAGES = Format("nas-lung", "[[4, 8, 16], [32, 128], [128]]", _matches, _arguments, _values)
