"""Dropping the least likely operators of every edge between two stages (Chen et al., P-DARTS, ICCV 2019, section 3.2).

Liu et al. (MixSearch, arXiv 2102.13280) do the same for three lists of operators that all cells share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nascompile.ir.program import Decision


def narrowed(
    ahead: Mapping[str, Decision],
    searched: Mapping[str, Decision],
    relaxed: Mapping[str, Sequence[float]],
    keep: Mapping[str, int],
    before: Mapping[str, tuple[Any, ...]],
) -> dict[str, tuple[Any, ...]]:
    """Candidates by decision path that the next stage has.

    `ahead` are the decisions of its space with what its own text leaves, `searched` and `relaxed` those of the stage
    that ended and their weights by `Decision.parameters`, `keep` the number of candidates by list of operators. A list
    that `keep` does not name stays as it was narrowed `before`. Ranked are the rows of architecture parameters, so that
    tied decisions keep the same candidates, each row the ones that it searched. A candidate that no genotype takes
    (`never`) counts and may stay, as published; but the likeliest of the others always stays. Where too little is left
    for a genotype, as a stage's own text leaves only what the earlier one had not, the text decides.
    """
    rows = {d.parameters: d.candidates for d in searched.values() if d.kind == "op"}
    never: dict[str, frozenset[str]] = {}
    for decision in ahead.values():
        never[decision.parameters] = never.get(decision.parameters, frozenset()) | decision.never
    found: dict[str, tuple[Any, ...]] = {}
    for path, decision in ahead.items():
        name = decision.parameters
        count = keep.get(decision.operators or "")
        known = [c for c in decision.candidates if c in rows.get(name, ())]
        if count is not None and known and name in relaxed:
            weights = dict(zip(rows[name], relaxed[name], strict=True))
            kept = strongest({c: weights[c] for c in known}, count, never[name])
        elif path in before:
            kept = set(before[path])
        else:
            continue
        left = tuple(c for c in decision.candidates if c in kept)
        needed = decision.count or 1 if decision.kind == "edges" else 1
        if sum(c not in decision.never for c in left) >= needed:
            found[path] = left
    return found


def strongest(weights: Mapping[str, float], count: int, never: frozenset[str] = frozenset()) -> set[str]:
    """The `count` candidates of largest weight, of equals the first; at least one of them is not in `never`."""
    ranked = sorted(weights, key=lambda label: -weights[label])
    kept = ranked[:count]
    if all(label in never for label in kept):
        kept[-1:] = [label for label in ranked if label not in never][:1]
    return set(kept)
