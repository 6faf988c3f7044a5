"""The step of a weighted sum: norms take the weights into their scale and shift, the rest adds up in place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nascompile.ir.program import Graph, LayerNode, SumNode, Term

if TYPE_CHECKING:
    from nascompile.backends.steps import Step, Tensors, Values
    from nascompile.backends.supernet import Supernet


@dataclass(frozen=True, slots=True)
class _Norms:
    """Norms of equal width in one sum: `pieces` are (value, groups, norms of the value), in the order of the rows of
    their stacked weights; `coefficients` the places of their weights in the sum, in the same order."""

    pieces: tuple[tuple[int, int, int], ...]
    coefficients: tuple[int, ...]
    scale: int | None
    shift: int | None


def norms_of(node: SumNode) -> list[list[LayerNode]]:
    """The norms of a sum that have weights, those with the same ones together; their weights are stacked."""
    found: dict[tuple[str, ...], list[LayerNode]] = {}
    for term in node.terms:
        if term.norm is not None and term.norm.weights:
            found.setdefault(tuple(w.name for w in term.norm.weights), []).append(term.norm)
    return list(found.values())


def sum_step(net: Supernet, node: SumNode, graph: Graph) -> Step:
    """Compute a `SumNode`; its coefficients are those of `net.coefficient`."""
    terms = [replace(term, factors=_relaxed(net, term)) for term in node.terms]
    place = net.coefficients([term.factors for term in terms])
    dropped = [any(net.architecture.slots[f] in net.dropped for f in term.factors) for term in node.terms]
    batches = [] if any(dropped) else _batches(net, node, graph)
    batched = {n for batch in batches for n in batch.coefficients}
    target = node.outputs[0]
    loose = [n for n in range(len(terms)) if n not in batched]
    # What needs no fresh tensor comes last: the first summand is the one that the others are added to.
    loose.sort(key=lambda n: not terms[n].factors)
    together = _of_one_value(node, terms, loose, dropped)
    apply = [_term(net, graph, node.inputs[n], terms[n], is_dropped) for n, is_dropped in enumerate(dropped)]

    def step(v: Values, w: Tensors, s: Tensors, scales: Tensors) -> None:
        factors = scales[place]
        if net.architecture.kept is not None:
            v[target] = restricted(v, w, factors)
            return
        result: Any = None
        is_ours = False
        for batch in batches:
            chosen = factors if len(batch.coefficients) == len(terms) else factors[list(batch.coefficients)]
            column = chosen.unsqueeze(1)
            sizes = [count for _, _, count in batch.pieces]
            shifts: Any = [None] * len(sizes) if batch.shift is None else torch.split(w[batch.shift] * column, sizes)
            weights = torch.split(column if batch.scale is None else w[batch.scale] * column, sizes)
            for (value, groups, count), weight, shift in zip(batch.pieces, weights, shifts, strict=True):
                x = v[value]
                if batch.scale is None:
                    weight = weight.expand(count, x.shape[1] // count)
                y = F.group_norm(x, groups, weight.flatten(), None if shift is None else shift.flatten())
                # Parts by unbind and sums by `+`: their gradients stay dense, those of `sum` do not.
                for part in (y,) if count == 1 else torch.unflatten(y, 1, (count, -1)).unbind(1):
                    if result is None:
                        result, is_ours = part, count == 1
                    else:
                        result, is_ours = (result.add_(part) if is_ours else result + part), True
        if loose:
            one_by_one = factors.unbind(0)
        for n, *others in together:
            factor = one_by_one[n]
            for other in others:
                factor = factor + one_by_one[other]
            result, is_ours = apply[n](v, w, factor, result, is_ours)
        v[target] = result

    def restricted(v: Values, w: Tensors, factors: Tensor) -> Tensor:
        """Under a genotype, what it does not have adds nothing, not even a norm's shift."""
        kept, slots = net.architecture.kept, net.architecture.slots
        assert kept is not None
        result: Any = None
        for n, term in enumerate(node.terms):
            if node.inputs[n] not in net.absent and all(kept[slots[gate]] for gate in term.gates):
                result, _ = apply[n](v, w, factors[n], result, False)
        if result is None:  # everything is absent, and so is this: only its size counts
            result, _ = apply[0](v, w, factors[0] * 0, None, False)
        found: Tensor = result
        return found

    return step


def _relaxed(net: Supernet, term: Term) -> tuple[tuple[str, str], ...]:
    """The factors of a summand without edges that have no weights of their own."""
    decisions = net.architecture.decisions
    return tuple(f for f in term.factors if f not in term.gates or decisions[f[0]].relax != "none")


def _of_one_value(node: SumNode, terms: list[Term], loose: list[int], dropped: list[bool]) -> list[list[int]]:
    """Summands whose weights can be added up first, since they are of one value."""
    found: dict[object, list[int]] = {}
    for n in loose:
        is_plain = terms[n].norm is None and terms[n].factors and not dropped[n]
        found.setdefault(("value", node.inputs[n]) if is_plain else n, []).append(n)
    return list(found.values())


def is_absent(net: Supernet, node: SumNode) -> bool:
    """Whether a genotype's network has none of the summands."""
    kept, slots = net.architecture.kept, net.architecture.slots
    assert kept is not None
    return all(
        value in net.absent or not all(kept[slots[gate]] for gate in term.gates)
        for value, term in zip(node.inputs, node.terms, strict=True)
    )


def _batches(net: Supernet, node: SumNode, graph: Graph) -> list[_Norms]:
    members: dict[tuple[str, ...], list[int]] = {}
    for n, term in enumerate(node.terms):
        if term.norm is not None:
            members.setdefault(tuple(w.name for w in term.norm.weights), []).append(n)
    found = []
    for names, numbers in members.items():
        norms = [norm for n in numbers if (norm := node.terms[n].norm) is not None]
        places = {name: net.layout.position[f"{norms[0].path}.{name}"] for name in names}
        if any(net.layout.position[f"{m.path}.{x}"] != at for m in norms for x, at in places.items()):
            continue  # weights that are shared with another place of the network
        if names and net.layout.shapes[places[names[0]]][0] != len(numbers):
            continue
        pieces: list[tuple[int, int, int]] = []
        for n, norm in zip(numbers, norms, strict=True):
            branch = node.terms[n].branch
            count = 1 if branch is None else branch[1]
            if branch is None or branch[0] == 0:
                pieces.append((node.inputs[n], count * _groups(norm, graph), count))
        found.append(_Norms(tuple(pieces), tuple(numbers), places.get("w"), places.get("b")))
    return found


def _groups(norm: LayerNode, graph: Graph) -> int:
    channels: Any = graph.types[norm.inputs[0]].channels
    return int(norm.attrs["groups"] if norm.layer == "group_norm" else channels)


def _term(net: Supernet, graph: Graph, value: int, term: Term, is_dropped: bool) -> Any:
    """Add one summand to a result: in place where that is `ours`. Returns both anew."""
    norm, branch = term.norm, term.branch
    groups = 0 if norm is None else _groups(norm, graph)
    weights = [] if norm is None else [f"{norm.path}.{w.name}" for w in norm.weights]
    places = [(net.layout.position[name], net.layout.row.get(name)) for name in weights]

    def add(v: Values, w: Tensors, factor: Tensor, result: Any, is_ours: bool) -> tuple[Any, bool]:
        x = v[value] if branch is None else torch.unflatten(v[value], 1, (branch[1], -1))[:, branch[0]]
        if norm is None and not is_dropped:
            if not term.factors:
                return (x, False) if result is None else (result.add_(x) if is_ours else result + x, True)
            if result is None:
                return x * factor, True
            return (result.addcmul_(x, factor) if is_ours else torch.addcmul(result, x, factor)), True
        if norm is not None:
            own = [w[i] if row is None else w[i][row] for i, row in places]
            x = F.group_norm(x, groups, *(own or (None, None)))
        if is_dropped:
            x = F.dropout(x, net.candidate_dropout, net.training)
        y = x * factor
        return (y, True) if result is None else (result.add_(y) if is_ours else result + y, True)

    return add
