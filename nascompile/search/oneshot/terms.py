"""Terms of an architecture loss that depend on the architecture parameters alone.

Entropy and consistency are those of DiNTS (He et al., CVPR 2021, section 3.3).

Every term looks at decisions by the name of their family: `kept` stands for `kept[0]`, `kept[1]`, and so on. Terms are
sums and means over decisions, so that one text serves a cell and a grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from nascompile.diagnostics import did_you_mean, error
from nascompile.ir.program import Constraint, Decision
from nascompile.search.oneshot.relaxed import Architecture
from nascompile.semantics.connectivity import Labels, shared_nodes
from nascompile.source import Span

EPSILON = 1e-5
"""Inside logarithms of probabilities of subsets, as in MONAI's DiNTS."""
_LISTED = 16
"""Edges of a decision up to which its subsets are listed."""
_COLD = 15.0


def family(architecture: Architecture, name: str, span: Span | None = None) -> list[Decision]:
    """The relaxed decisions called `name`, or `name[...]`, in text order. Raises NasError (`unknown-decision`)."""
    named = [d for p, d in architecture.decisions.items() if p == name or p.startswith((f"{name}[", f"{name}."))]
    found = [d for d in named if d.parameters in architecture.places]
    if not found:
        names = sorted({p.partition("[")[0] for p, d in architecture.decisions.items() if d.relax != "none"})
        hint = did_you_mean(name, names)
        raise error("unknown-decision", f"no relaxed decision is called `{name}`", span, hint=hint)
    return found


def entropy(architecture: Architecture, name: str, span: Span | None = None) -> Tensor:
    """How undecided the decisions called `name` are: the mean of -p log p over them and over what each can be.

    What a decision over operators can be are its candidates; a decision over edges, its non-empty subsets. Raises
    NasError (`unknown-decision`).
    """
    parts: dict[int, list[Tensor]] = {}
    for decision in family(architecture, name, span):
        logits = _logits(architecture, decision)
        if decision.relax == "bernoulli":
            value, count = _subset_entropy(architecture, logits), 2 ** len(decision.candidates) - 1
        else:
            log = logits.log_softmax(0)
            value, count = -(log.exp() * log).sum(), len(decision.candidates)
        parts.setdefault(count, []).append(value)
    total = torch.stack([torch.stack(values).sum() for values in parts.values()]).sum()
    return total / sum(count * len(values) for count, values in parts.items())


def _logits(architecture: Architecture, decision: Decision) -> Tensor:
    start, stop = architecture.places[decision.parameters]
    return architecture.logits[start:stop] / architecture.temperature


def _subset_entropy(architecture: Architecture, logits: Tensor) -> Tensor:
    """-sum P log P over the non-empty subsets of independent edges, given that one is kept.

    In logarithms: the probability that one is kept is 0 in float32 where all logits are small, or cold.
    """
    kept, dropped, some = F.logsigmoid(logits), F.logsigmoid(-logits), architecture.log_some(logits)
    if len(logits) <= _LISTED:
        table = logits.new_zeros(1)
        for yes, no in zip(kept, dropped, strict=True):
            table = torch.cat([table + no, table + yes])
        found = (table[1:] - some).exp()
        return -(found * (found + EPSILON).log()).sum()
    share = (kept - some).exp()
    warm = logits.clamp_min(-_COLD)  # below, -log(1 - p) is p
    rest = F.softplus(warm) / warm.sigmoid() * (dropped.exp() - dropped.sum().exp())
    return (share * (rest - kept)).sum() + some


def consistency(
    architecture: Architecture, constraints: Iterable[Constraint], name: str, span: Span | None = None
) -> Tensor:
    """How badly neighbouring decisions called `name` agree on what `where connected(name)` demands of them.

    For each pair of neighbours, over every set S of nodes between them: the cross entropy of "the later one starts at
    exactly S" under "the earlier one ends in exactly S". A product over nodes takes the place of the sum over subsets
    of edges, so that the cost grows with 2 ^ nodes. Raises NasError (`unknown-decision`, `not-connected`).
    """
    decisions = family(architecture, name, span)
    order = {d.path: place for place, d in enumerate(decisions)}
    facts = shared_nodes(constraints, order)
    if not facts:
        hint = f"write `where connected({name})`, with every node fed by one decision only"
        raise error("not-connected", f"no `where` connects the decisions `{name}`", span, hint=hint)
    total = []
    for before, after in pairwise(decisions):
        nodes = facts.get((before.path, after.path), [])
        if nodes:
            ends = _set_probabilities(architecture, before, [e for e, _ in nodes])
            starts = _set_probabilities(architecture, after, [s for _, s in nodes])
            total.append(-(ends * (starts + EPSILON).log() + (1 - ends) * (1 - starts + EPSILON).log()).sum())
    return torch.stack(total).sum()


def _set_probabilities(architecture: Architecture, decision: Decision, groups: Sequence[Labels]) -> Tensor:
    """P(the groups that have a kept edge are exactly S) for every non-empty S, given that one edge is kept."""
    logits = _logits(architecture, decision)
    table = logits.new_zeros(1)
    for labels in groups:
        group = logits[[place for place, label in enumerate(decision.candidates) if label in labels]]
        table = torch.cat([table + F.logsigmoid(-group).sum(), table + architecture.log_some(group)])
    return (table[1:] - architecture.log_some(logits)).exp()


def ramp(done: float, start: float) -> float:
    """0 until the share `start` of the budget is done, then growing linearly to 1."""
    return min(1.0, max(0.0, (done - start) / (1 - start))) if start < 1 else 0.0
