"""Picks of numbers and of edges: `pick one of [8, 16]`, `pick 2 of [...]`, `pick some of [...]`."""

from __future__ import annotations

from typing import Any

from nascompile.diagnostics import did_you_mean
from nascompile.ir.program import (
    GateNode,
)
from nascompile.ir.symbols import Sym
from nascompile.semantics.arithmetic import LONGEST_LIST
from nascompile.semantics.candidates import check_labels, check_never
from nascompile.semantics.context import Env
from nascompile.semantics.decisions import bound, declare, path_of
from nascompile.semantics.mixtures import choose_operator, tied_name
from nascompile.semantics.values import (
    Absent,
    Edge,
    Entry,
    Items,
    RangeOf,
    Tensor,
    describe,
)
from nascompile.syntax import nodes as ast


def pick_number(env: Env, source: Any, node: ast.Pick) -> Any:
    """`pick one of [8, 16]`, of a range of integers, or of an interval of reals."""
    ctx = env.ctx
    path = path_of(env, node.attributes, node.span)
    interval: tuple[float, float] | None = None
    if isinstance(source, RangeOf):
        if isinstance(source.low, Sym) or isinstance(source.high, Sym):
            raise ctx.fail("decided-domain", "the range of a decision cannot depend on another decision", node.span)
        if source.is_real:
            interval = (float(source.low), float(source.high))
            candidates: tuple[Any, ...] = ()
        elif source.high - source.low >= LONGEST_LIST:
            raise ctx.fail("too-large", f"`{path}` has more than {LONGEST_LIST} candidates", node.source.span)
        else:
            candidates = tuple(source)
    else:
        candidates = tuple(source)
    candidates = ctx.narrowed(path, candidates)
    for candidate in candidates:
        if isinstance(candidate, bool) or not isinstance(candidate, int | float):
            raise ctx.fail("not-a-number", f"`{path}` picks among numbers, not {describe(candidate)}", node.source.span)
    if (interval is None and not candidates) or (interval is not None and interval[0] > interval[1]):
        raise ctx.fail("no-candidates", f"`{path}` has nothing to pick from", node.span)
    if len(set(candidates)) != len(candidates):
        raise ctx.fail("duplicate-candidate", f"`{path}` lists a candidate twice", node.span)
    declare(env, path, "number", candidates, node, interval=interval)
    if ctx.binding is None:
        return candidates[0] if len(candidates) == 1 else Sym("ref", (path,))
    value = bound(env, path, node.span)
    inside = interval[0] <= value <= interval[1] if interval and not isinstance(value, str) else value in candidates
    if not inside:
        shown = f"{interval[0]} .. {interval[1]}" if interval else ", ".join(map(str, candidates))
        raise ctx.fail("not-a-candidate", f"`{path}` is {value}, which is none of {shown}", node.span)
    return value


def pick_edges(env: Env, source: Items, node: ast.Pick, count: int | None) -> Items:
    """`pick k of` or `pick some of` edges; also `pick one of` tensors."""
    ctx, frame = env.ctx, env.frame
    path = path_of(env, node.attributes, node.span)
    check_labels(env, [e.label for e in source.entries], node.span)
    labels = ctx.narrowed(path, tuple(e.label for e in source.entries))
    if count is not None and not 1 <= count <= len(labels):
        raise ctx.fail(
            "pick-count", f"`{path}` picks {count} of {len(labels)} edges", node.span, f"pick 1 to {len(labels)}"
        )
    only_one = node.count == "one"
    relax = node.attributes.relax or ("softmax" if only_one else "none" if count is not None else "bernoulli")
    declare(env, path, "edges", labels, node, count=count, relax=relax, tied=tied_name(env, node.attributes))
    check_never(env, source, node)
    kept: tuple[Any, ...] = labels
    if ctx.binding is not None:
        kept = _bound_edges(env, path, labels, count, node)
    binding = frame.binding
    chosen: list[Entry] = []
    try:
        for entry in source.entries:
            if entry.label not in kept:
                if ctx.binding is None:
                    source = entry.value.value if isinstance(entry.value, Edge) else entry.value
                    ctx.gate_sources[path, entry.label] = source.presence if isinstance(source, Tensor) else False
                if isinstance(entry.value, Tensor):
                    frame.unkept.append((entry.value.id, entry.label))
                elif isinstance(entry.value, Absent) and entry.value.undecided is not None:
                    decision, applied_to = entry.value.undecided
                    ctx.undecided.pop(decision, None)
                    frame.unkept.append((applied_to, entry.label))
                chosen.append(Entry(Absent(_type_of(entry.value)), entry.label, entry.span, entry.key))
                continue
            frame.binding = f"{binding}.{entry.label}"
            ctx.parents.append((path, entry.label))
            try:
                value = _edge_value(env, entry, path)
            finally:
                ctx.parents.pop()
            if ctx.binding is None and isinstance(value, Tensor):
                value = _gate(env, path, entry, value)
            chosen.append(Entry(value, entry.label, entry.span, entry.key))
    finally:
        frame.binding = binding
    return Items(tuple(chosen), path)


def _type_of(value: Any) -> Any:
    if isinstance(value, Edge):
        return None
    return value.type if isinstance(value, Tensor | Absent) else None


def _edge_value(env: Env, entry: Entry, path: str) -> Tensor | Absent:
    value = entry.value
    if isinstance(value, Edge):
        result = choose_operator(
            env, f"{path}.{entry.label}", value.operators, value.value, _via_node(value), value.tied, slot=True
        )
        assert isinstance(result, Tensor | Absent)
        return result
    if not isinstance(value, Tensor | Absent):
        raise env.ctx.fail("not-a-tensor", f"{describe(value)} cannot be an edge", entry.span)
    return value


def _via_node(edge: Edge) -> ast.Via:
    name = ast.Name("edge", span=edge.span)
    return ast.Via(name, name, edge.attributes, span=edge.span)


def _gate(env: Env, path: str, entry: Entry, value: Tensor) -> Tensor:
    frame = env.frame
    env.ctx.mixed.add(path)
    out = frame.value(value.type)
    frame.nodes.append(
        GateNode(
            path, entry.label, (value.id,), (out,), frame.unique("gate"), env.ctx.origin(entry.span), frame.guard()
        )
    )
    env.ctx.gate_sources[path, entry.label] = value.presence
    return Tensor(out, value.type, Sym("kept", (path, entry.label)))


def _bound_edges(env: Env, path: str, labels: tuple[str, ...], count: int | None, node: ast.Pick) -> tuple[Any, ...]:
    ctx = env.ctx
    kept = bound(env, path, node.span)
    kept = (kept,) if isinstance(kept, str) else tuple(kept)
    for label in kept:
        if label not in labels:
            raise ctx.fail(
                "not-a-candidate", f"`{path}` keeps `{label}`, which is none of {', '.join(labels)}", node.span,
                did_you_mean(str(label), labels),
            )  # fmt: skip
    if len(set(kept)) != len(kept):
        raise ctx.fail("duplicate-candidate", f"`{path}` keeps an edge twice", node.span)
    if (count is None and not kept) or (count is not None and len(kept) != count):
        wanted = "at least one edge" if count is None else f"{count} edges"
        raise ctx.fail("pick-count", f"`{path}` keeps {len(kept)} edges; it picks {wanted}", node.span)
    return kept
